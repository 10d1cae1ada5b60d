"""The row that every comparison of laws prints: one method on one domain of one data file at one horizon."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One line of `python -m harness compare laws`; what does not apply to it is None.

    ``mean_rmse`` is the mean over curves of sqrt(mean((log predicted - log actual)**2)) over the held-out part.
    ``gm_ratio_m4`` is the geometric mean over curves of the ratio of that error to M4's, between the 2.5 % and 97.5 %
    points of its bootstrap over curves; ``win_rate_m4`` the share of curves with a smaller error than M4's.
    ``cover80`` and ``cover90`` are the mean over curves of the share of held-out points inside the interval of the
    mean curve, ``half_width_ratio`` the median over held-out points of the half-width of the 90 % interval in log
    error over the median absolute log error.
    """

    dataset: str
    domain: str
    method: str
    horizon: float | None
    n_curves: int
    mean_rmse: float
    gm_ratio_m4: float | None = None
    gm_ratio_m4_low: float | None = None
    gm_ratio_m4_high: float | None = None
    gm_ratio_bnsl: float | None = None
    win_rate_m4: float | None = None
    cover80: float | None = None
    cover90: float | None = None
    half_width_ratio: float | None = None
    seconds_per_curve: float | None = None
