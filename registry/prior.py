"""How sure a published figure is: one training, no seeds, so a stated prior stands where measured records have runs.

Standard library only; the harness fills bounds by it and a rule of validation holds records to it.
"""

from __future__ import annotations

import math
from typing import Final, Literal

from registry.fields import BOUNDS

# assumption: runs of one recipe differ by 1 % of the error (standard deviation). Runs that err independently on each
# of n test items, as arXiv:2304.01910 finds, differ by at most sqrt((1 - error) / (error x n)) of it: 0.9 % for an
# error of 0.2 on ImageNet's 50,000 images.
SEED_SPREAD: Final = 0.01
# measured: runs of networks under 2,500 params differ by 2 to 12 % of the error, docs/torchvision.md. The largest of it
# stands for all of that size; between the two sizes it falls as a power of the params.
# assumption: from 5 million params on, the size of the smaller networks on ImageNet, it falls no more.
SMALL_SPREAD: Final = 0.12
SMALL, LARGE = 2500, 5_000_000
# assumption: where the metric is no share of test items (mAP, mIoU, end-point error), drawing other test data moves
# it by as much again. No source gives this for all of them.
TEST_SPREAD: Final = 0.01
# assumption: where nobody says how many test items there were, they were no more than these: few benchmarks have fewer.
UNKNOWN_N_TEST: Final = 1000
Z: Final = 1.6448536269514722  # 95 % of a normal distribution lie below so many standard deviations
# metrics that are a share of test items, so that n of them say how far chance reaches; em: exactly matched answers.
# f1: a mean over items of figures in [0, 1] varies at most as a share does; where it is of entities, an item is a
# sentence, of which there are fewer.
SHARES: Final = ("accuracy", "accuracy-top-5", "em", "f1")


def seed_spread(size: int | None) -> float:
    """Return by how much of the error runs of one recipe differ (standard deviation).

    Args:
        size: Params; None where they are not known, which counts as a large network.
    """
    if size is None or size >= LARGE:
        return SEED_SPREAD
    steps = math.log(LARGE / max(size, SMALL)) / math.log(LARGE / SMALL)
    return SEED_SPREAD * math.pow(SMALL_SPREAD / SEED_SPREAD, steps)


def size_of(params: int | None, weight_bytes: int | None, weight_bytes_int8: int | None) -> int | None:
    """Return the params of a network, or what its weights in bytes come to; None where neither is known."""
    if params is not None:
        return params
    return weight_bytes_int8 if weight_bytes is None else weight_bytes // 4


def published_bounds(
    value: float,
    name: str,
    unit: str,
    direction: Literal["higher", "lower"],
    n_test: int | None,
    size: int | None = None,
) -> tuple[float, float]:
    """Return one-sided 95 % lower and upper bounds of a metric that somebody has published without any.

    The variance is that of the seeds, by the prior, and that of drawing the test items: binomial where the metric is
    their share, k wrong of n counted as (k + 0.5) / (n + 1); else by a prior, too.

    Args:
        value: The figure, in the metric's unit.
        name: The metric's name: a share of test items is one of ``SHARES``.
        unit: Its unit.
        direction: Which way is better.
        n_test: Test items behind the figure; None where the source does not say: ``UNKNOWN_N_TEST`` are taken.
        size: Params of the network, as :func:`size_of` has them: runs of small ones differ more.

    Returns:
        (low, high), within what the unit allows, to 9 decimals.
    """
    error = 1 - value if direction == "higher" and unit in ("fraction", "r2") else value
    variance = (seed_spread(size) * error) ** 2
    if name in SHARES:
        n_test = UNKNOWN_N_TEST if n_test is None else n_test
        share = (error * n_test + 0.5) / (n_test + 1)
        variance += share * (1 - share) / n_test
    else:
        variance += (TEST_SPREAD * error) ** 2
    least, most = BOUNDS[unit]
    reach = Z * math.sqrt(variance)
    return round(max(least, value - reach), 9), round(min(most, value + reach), 9)
