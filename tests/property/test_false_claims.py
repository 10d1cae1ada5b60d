"""A study rarely claims a shape that misses; in full, and over a whole record, in ``tests/benchmark``."""

from __future__ import annotations

from typing import Final

import pytest

from harness import certify, smallest
from harness.trial import Shape
from registry.statistics import decide, sequential_counts
from tests.false_claims import World, simulate

pytestmark = pytest.mark.whole_study

# Wrong of the 597 test digits in 20 fresh runs each of four multilayer perceptrons: what digits/mlp was certified on.
WRONG: Final = {
    Shape(0, 0): (15, 16, 16, 16, 16, 17, 17, 17, 17, 18, 18, 18, 19, 19, 19, 20, 20, 21, 22, 22),
    Shape(7, 1): (19, 22, 23, 25, 25, 26, 27, 27, 30, 31, 35, 36, 37, 42, 42, 47, 58, 92, 190, 216),
    Shape(12, 1): (15, 15, 15, 16, 16, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 21, 22, 24, 25),
    Shape(16, 2): (11, 15, 17, 17, 18, 18, 19, 20, 20, 20, 21, 21, 21, 21, 22, 24, 24, 26, 37, 38),
}
TARGET: Final = 0.95
WORLD: Final = World({("scratch", s): [(0.0, k / 597) for k in wrong] for s, wrong in WRONG.items()})
STUDIES: Final = range(16)
MOST: Final = 2  # of 16: expected 0.5, and 6 where whatever passes once is claimed


def test_study_of_shapes_that_just_miss_rarely_claims_one() -> None:
    tally = simulate(WORLD.all_just_missing(TARGET), (TARGET,), STUDIES)

    assert tally.false == tally.claiming
    assert tally.false <= MOST


def test_if_every_attempt_needed_as_little_as_the_first_it_would_claim_one_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (smallest, certify):
        monkeypatch.setattr(module, "decide", lambda n_meeting, n_seeds, _attempt: decide(n_meeting, n_seeds, 1))
    monkeypatch.setattr(certify, "sequential_counts", lambda _attempt: sequential_counts(1))
    tally = simulate(WORLD.all_just_missing(TARGET), (TARGET,), STUDIES)

    assert tally.false > MOST


@pytest.mark.parametrize("shape", WRONG, ids=str)
def test_shape_that_just_misses_meets_in_half_of_its_runs_and_its_median_run_misses(shape: Shape) -> None:
    world = WORLD.all_just_missing(TARGET)
    values = [round(1 - error, 12) for _, error in world.pool("scratch", shape)]

    assert sum(value >= TARGET for value in values) == 10
    assert not world.truly_meets("scratch", shape, TARGET)


@pytest.mark.parametrize(
    ("shape", "nearest"),
    [(Shape(5, 1), Shape(7, 1)), (Shape(10, 1), Shape(12, 1)), (Shape(4, 2), Shape(16, 2)), (Shape(0, 0), Shape(0, 0))],
    ids=str,
)
def test_shape_that_was_not_measured_has_the_runs_of_the_nearest(shape: Shape, nearest: Shape) -> None:
    assert WORLD.pool("pruned", shape) == WORLD.pools["scratch", nearest]
