from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from harness.trial import Outcome, Shape, Trial
from tests.toy_pack import outcome_of, toy_trial

CHANGES = {
    "dataset": "digits",
    "family": "cnn",
    "shape": Shape(width=5, depth=1),
    "n_train": 51,
    "seed": 1,
    "learning_rate": 0.02,
    "weight_decay": 0.1,
    "steps": 101,
    "batch_size": 16,
    "route": "pruned",
    "pruned_from": toy_trial(seed=1),
    "phase": "certify",
    "tested": True,
    "metric": "balanced-accuracy",
}


@pytest.mark.parametrize("field", [field.name for field in fields(Trial)])
def test_every_field_is_part_of_the_key(field: str) -> None:
    trial = toy_trial(seed=0)

    assert replace(trial, **{field: CHANGES[field]}).key != trial.key


def test_equal_trials_have_equal_keys() -> None:
    assert toy_trial(seed=3).key == toy_trial(seed=3).key


def test_key_never_changes() -> None:
    # Ledgers and released trials name their runs by it: a new value here would orphan all of them.
    assert toy_trial(seed=0).key == "8a9ae61bdf0b84bd54e47275"


@pytest.mark.parametrize(
    "trial",
    [
        toy_trial(seed=1),
        replace(toy_trial(seed=1), shape=Shape(8, 2, resolution=28), route="pruned", pruned_from=toy_trial(seed=1)),
        replace(toy_trial(seed=1), metric="balanced-accuracy"),
    ],
    ids=["plain", "pruned", "balanced"],
)
def test_trial_survives_json(trial: Trial) -> None:
    again = Trial.from_json(json.loads(json.dumps(trial.to_json())))

    assert again == trial
    assert again.key == trial.key


@pytest.mark.parametrize(
    "outcome",
    [outcome_of(toy_trial(seed=1)), Outcome(status="diverged"), Outcome(status="failed", reason="ValueError: odd")],
    ids=lambda outcome: outcome.status,
)
def test_outcome_survives_json(outcome: Outcome) -> None:
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.parametrize(
    ("shape", "text"),
    [(Shape(8, 2), "width 8, depth 2"), (Shape(8, 2, resolution=28), "width 8, depth 2, resolution 28")],
)
def test_shape_reads_as_words(shape: Shape, text: str) -> None:
    assert str(shape) == text
