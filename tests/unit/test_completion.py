"""What a study does with the time it has: a share for everything that stands beside an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager

import pytest

from harness.clock import Clock
from harness.families.mlp import MlpFamily
from harness.investigation import Investigation
from harness.procedure import drive
from harness.study import Findings, Study
from harness.trial import Outcome, Trial
from tests.fake_outcomes import Surface, of_phase
from tests.tiny_bench import small_law

pytestmark = pytest.mark.whole_study

CUT_SHORT = "the time was up"


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law's interval is not what these tests are about."""
    small_law(monkeypatch.setattr)


def by_width(trial: Trial) -> float:
    """Depth 1 needs width 7 for an accuracy of 0.9; no other depth comes near."""
    error = 0.02 + 0.5 / trial.shape.width if trial.shape.depth == 1 else 0.5
    return error * (trial.n_train / 90) ** -0.3


class Passing:
    """A surface on which a step takes a second."""

    def __init__(self) -> None:
        self.surface, self.seconds, self.done = Surface(by_width), 0.0, set[str]()

    def price(self, trials: Sequence[Trial]) -> float:
        return float(sum({trial.key: trial.steps for trial in trials if trial.key not in self.done}.values()))

    def __call__(self, trials: list[Trial]) -> list[Outcome]:
        self.seconds += self.price(trials)
        self.done |= {trial.key for trial in trials}
        return self.surface(trials)


def investigate(seconds: float, *, knee: bool = False, passing: Passing | None = None) -> tuple[Findings, Passing]:
    passing = passing or Passing()
    clock = Clock(seconds, passing.price, now=lambda: passing.seconds)
    study = Study("tabular-cls", "wine", "mlp", (0.9,), "bisect", knee=knee)
    return drive(Investigation(study, clock=clock).run(), passing), passing


@pytest.fixture(scope="module")
def whole_s() -> float:
    """Seconds of the whole study, the knee left out."""
    with pytest.MonkeyPatch.context() as patch:
        small_law(patch.setattr)
        return investigate(math.inf)[1].seconds


def test_where_there_is_time_for_all_the_result_is_that_of_no_limit(whole_s: float) -> None:
    limited, _ = investigate(5 * whole_s)
    unlimited, _ = investigate(math.inf)

    assert limited == unlimited


def test_no_part_takes_what_others_need(whole_s: float) -> None:
    findings, passing = investigate(0.6 * whole_s)

    assert passing.seconds <= 0.6 * whole_s
    assert any(CUT_SHORT in note for note in findings.notes)
    assert findings.answers[0].bracket
    assert of_phase(passing.surface.trials, "tune")


def test_what_others_leave_over_goes_to_what_was_cut_short(whole_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[int] = []
    real = Clock.share

    def share(self: Clock, fraction: float) -> AbstractContextManager[None]:
        shares.append(round(1 / fraction))
        return real(self, fraction / 500)  # so little that every part is cut short at first

    monkeypatch.setattr(Clock, "share", share)
    findings, passing = investigate(3 * whole_s)

    assert shares == [3, 2, 1]
    assert findings == investigate(math.inf)[0]
    assert passing.seconds == whole_s


def test_knee_has_its_share(whole_s: float) -> None:
    findings, passing = investigate(2 * whole_s, knee=True)

    assert passing.seconds <= 2 * whole_s
    assert findings.knee is not None
    assert findings.knee.answer is not None


@pytest.mark.parametrize(("prunable", "shares"), [(True, [6, 5, 4]), (False, [5, 4, 4])])
def test_a_knee_has_three_times_the_share_of_other_parts_and_what_is_not_done_none(
    prunable: bool, shares: list[int], whole_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = Clock.share
    monkeypatch.setattr(Clock, "share", lambda clock, share: asked.append(round(1 / share)) or real(clock, share))
    monkeypatch.setattr(MlpFamily, "prunable", prunable)
    investigate(2 * whole_s, knee=True)

    assert asked[:3] == shares
