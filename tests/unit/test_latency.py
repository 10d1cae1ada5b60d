"""The ratio under a clock that the test turns, and once under the real one."""

from collections.abc import Callable
from itertools import accumulate, cycle
from math import isfinite

import numpy as np
import pytest

from harness.inference import predict_onnx
from harness.latency import LEAST_ROUNDS, MOST_ROUNDS, latency_ratio, reference_model


class Clock:
    """Nanoseconds that pass between readings, over and over; counts the readings."""

    def __init__(self, *steps: int) -> None:
        self.readings = 0
        self._next: Callable[[], int] = accumulate(cycle(steps)).__next__

    def __call__(self) -> int:
        self.readings += 1
        return self._next()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((0, 30, 7), 4.29),  # 30 / 7 = 4.2857...: three significant digits
        ((0, 100_000, 7), 14300.0),
        ((50, 30, 10), 3.0),  # time between rounds is nobody's
        ((0, 30, 10, 0, 30, 10, 0, 9000, 10), 3.0),  # a hiccup does not move a median
    ],
)
def test_ratio_is_that_of_the_medians(steps: tuple[int, ...], expected: float) -> None:
    assert latency_ratio(reference_model(), clock=Clock(*steps)) == expected


def test_a_fast_network_is_timed_a_fixed_number_of_times() -> None:
    clock = Clock(0, 30, 10)
    latency_ratio(reference_model(), clock=clock)

    assert clock.readings == 3 * MOST_ROUNDS


def test_a_slow_network_is_timed_only_a_few_times() -> None:
    clock = Clock(0, 60_000_000_000, 10)
    latency_ratio(reference_model(), clock=clock)

    assert clock.readings == 3 * LEAST_ROUNDS


def test_the_real_clock_gives_a_positive_ratio() -> None:
    ratio = latency_ratio(reference_model())

    assert isfinite(ratio)
    assert ratio > 0


def test_the_reference_network_is_the_same_at_every_call_and_takes_any_batch() -> None:
    first = reference_model()
    reference_model.cache_clear()

    assert reference_model() == first
    assert predict_onnx(first, np.ones((3, 64), dtype=np.float32)).shape == (3, 10)
