"""What a study may train: shapes, learning rates, steps."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.search.base import Space
from harness.tasks.base import Task

RATES: Final = tuple(0.01 * 2.0**octave for octave in range(-4, 5))
FEWEST_STEPS: Final = 500
MOST_STEPS: Final = 8_000  # or 20 epochs, whichever is more, ...
EPOCHS: Final = 20
MOST_FOR_EPOCHS: Final = 32_000  # ... but for epochs no more than this: of a million examples one epoch


def space_of(task: Task, dataset: Dataset, family: Family) -> Space:
    """Return what may be trained: every ladder shape at every resolution, rates a factor 2 apart, steps doubling."""
    most = max(MOST_STEPS, min(MOST_FOR_EPOCHS, EPOCHS * len(dataset.train()) / dataset.batch_size))
    most = min(most, family.most_steps or most)
    doublings = math.ceil(math.log2(most / FEWEST_STEPS) - 1e-9)
    params, flops = {}, {}
    for resolution in dataset.resolutions or (None,):
        at = dataset.at(resolution)
        for shape in family.shapes():
            sized = replace(shape, resolution=resolution)
            params[sized] = family.params(at.input_shape, dataset.n_outputs, sized)
            flops[sized] = family.flops(at.input_shape, dataset.n_outputs, sized)
    return Space(
        params=params,
        flops=flops,
        rates=RATES,
        steps=tuple(FEWEST_STEPS * 2**i for i in range(doublings + 1)),
        n_val=task.n_items(dataset.val().labels),
        n_test=task.n_items(dataset.test().labels),
        chance_error=task.target_to_error(task.chance(dataset)),
        batch_size=dataset.batch_size,
    )
