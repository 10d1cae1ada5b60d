"""What a record says of how its networks were trained."""

from __future__ import annotations

from typing import Any

from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.investigation import TUNING_SEEDS
from harness.space import EPOCHS, FEWEST_STEPS, MOST_FOR_EPOCHS, MOST_STEPS, RATES
from harness.stack import FEWEST_CHECKPOINTS, MOST_CHECKPOINTS


def recipe(family: Family, data: Dataset) -> dict[str, Any]:
    """Say how networks were trained."""
    own = "" if family.most_steps is None else f", for this family at most {family.most_steps:,}"
    return {
        "optimiser": "Adam (0.9, 0.999), decoupled weight decay",
        "schedule": "cosine from the peak rate to 0 over the run",
        "batch_size": data.batch_size,
        "initialisation": family.initialisation,
        "tuning": (
            f"learning rates from {RATES[0]:g} to {RATES[-1]:g}, a factor 2 apart; the search chooses rate and steps "
            "of each shape by the validation errors of all its trainings together; of what it did not train (bracket, "
            f"pruning) the best of three rates around that choice, {TUNING_SEEDS} seeds each, and so of a "
            "knee's reference, as steps double; for the law five rates, three seeds, at every n_train and width, or "
            "fewer where a note says so; weight decay 0"
        ),
        "steps_rule": (
            f"from {FEWEST_STEPS} steps in doublings, at most {MOST_STEPS:,} or {EPOCHS} epochs (these at most "
            f"{MOST_FOR_EPOCHS:,} steps), whichever is more{own}; for the law at most twice that, and doubled until "
            "the mean validation error of the best rate and its neighbours improves by less than 3 %; the best of "
            f"{FEWEST_CHECKPOINTS} to {MOST_CHECKPOINTS} log-spaced checkpoints counts; epochs without replacement; a "
            f"batch is {data.batch_size} examples, or all where there are fewer"
        ),
        "augmentation": "none",
    }
