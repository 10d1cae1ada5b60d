from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.schedule import FORMS, Form, Schedule
from registry.errors import UsageError


def test_cosine_by_hand() -> None:
    shares = Schedule().shares(4)

    assert shares == pytest.approx([1, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 + math.cos(3 * math.pi / 4)) / 2])


def test_linear_by_hand() -> None:
    assert Schedule("linear").shares(4).tolist() == [1, 0.75, 0.5, 0.25]


def test_constant_by_hand() -> None:
    assert Schedule("constant").shares(3).tolist() == [1, 1, 1]


def test_warm_up_climbs_to_the_peak_and_the_form_takes_what_is_left() -> None:
    shares = Schedule("linear", warmup=0.5).shares(8)

    assert shares == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 0.75, 0.5, 0.25])


@given(form=st.sampled_from(FORMS), warmup=st.floats(0, 0.99), steps=st.integers(1, 500))
def test_rates_climb_to_the_peak_once_and_never_stop(form: Form, warmup: float, steps: int) -> None:
    shares = Schedule(form, warmup).shares(steps)
    peak = int(np.argmax(shares))

    assert len(shares) == steps
    assert shares.max() == 1
    assert shares.min() > 0
    assert (np.diff(shares[: peak + 1]) > 0).all()
    assert (np.diff(shares[peak:]) <= 0).all()


def test_shares_cannot_be_changed_by_who_reads_them() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Schedule().shares(3)[0] = 2


def test_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        Schedule("cosin")  # type: ignore[arg-type]

    assert str(refused.value).splitlines() == [
        "unknown schedule 'cosin'",
        "  expected one of cosine, linear, constant",
    ]


@pytest.mark.parametrize("warmup", [-0.1, 1.0, math.nan])
def test_warm_up_outside_the_run_is_refused(warmup: float) -> None:
    with pytest.raises(UsageError, match=f"warmup {warmup:g} is not a share of the run"):
        Schedule(warmup=warmup)
