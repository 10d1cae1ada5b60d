"""The members of the average: forms fitted under different trust in small n, each with its own beliefs.

All starts of all members of one form are one batch, and so are all their draws, each from where its member ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float64

from harness.laws.counts import Counts
from harness.laws.descend import Belief, descend
from harness.laws.forms import FORMS, Logs, Points, Theta

FREE: Final = 1e3  # the spread of a coordinate about which nothing is believed
_FEWEST_IN_WINDOW: Final = 6
_ENOUGH_A_FOLD: Final = 5.0  # points a factor e of n with which emphasis is as named
_SAME: Final = 1e-6  # log error by which members may differ and still be one
_MOST_CHANCE: Final = 6.0  # log(chance / error - 1) where nothing bounds the chance level
# measured: docs/log.md, on counts drawn from known laws: to each variance of counting so many more are added, or that
# of one run's counting where it is more. With less, members of as many coordinates as points follow counts too closely
_CAUTION: Final = 3.0
_DRAW_STEPS: Final = 12  # a draw starts from the fit to the data, close by


@final
@dataclass(frozen=True)
class Member:
    """One way to fit one form.

    Args:
        form: Its name.
        emphasis: Points count n**emphasis as much; less where they are few a factor e of n.
        window: Only points within this factor of the largest n are fitted, but no fewer than 6; 0 is all.
        centre: What is believed of each coordinate.
        spread: How firmly, as a standard deviation.
    """

    form: str
    emphasis: float
    window: float
    centre: tuple[float, ...]
    spread: tuple[float, ...]


class Fits(NamedTuple):
    """The coordinates of each member."""

    members: tuple[Member, ...]
    theta: tuple[Float64[np.ndarray, " _"], ...]

    def log_error(self, x: Points) -> Logs:
        """Return the log error of each member at x = log(n / largest n)."""
        values = [FORMS[m.form].linearise(t[np.newaxis], x)[0] for m, t in zip(self.members, self.theta, strict=True)]
        return np.concatenate(values)


# measured: chosen by back-tests inside fit parts, docs/log.md. The exponent of most curves lies between .1 and 1.
_FALL: Final = float(np.log(0.4))
_SLOW: Final = _FALL - 0.5
MEMBERS: Final = (
    Member("power-law", 1.0, 0.0, (0.0, _FALL, -2.0), (FREE, 1.5, 4.0)),
    Member("power-law", 3.0, 0.0, (0.0, _FALL, -2.0), (FREE, 1.5, 4.0)),
    Member("power-law", 0.0, 3.0, (0.0, _FALL, -2.0), (FREE, 1.0, 2.0)),
    Member("shifted-power-law", 1.0, 0.0, (0.0, _FALL, -1.0, -4.0), (FREE, 1.5, 4.0, 3.0)),
    Member("shifted-power-law", 3.0, 0.0, (0.0, _FALL, -1.0, -4.0), (FREE, 1.5, 4.0, 3.0)),
    Member("m4", 1.0, 0.0, (0.0, _FALL, -1.0, 1.0, 0.0), (FREE, 1.5, 4.0, 4.0, 1.0)),
    Member("m4", 3.0, 0.0, (0.0, _FALL, -1.0, 1.0, 0.0), (FREE, 1.5, 4.0, 4.0, 1.0)),
    Member("broken-power-law", 1.0, 0.0, (0.0, _FALL, -2.0, _FALL, -2.0, 0.3), (FREE, 1.5, 4.0, 1.5, 3.0, 0.7)),
    Member("broken-power-law", 3.0, 0.0, (0.0, _FALL, -1.0, _FALL, -1.5, 0.6), (FREE, 1.5, 4.0, 1.5, 2.0, 0.5)),
    Member("broken-power-law", 4.0, 0.0, (0.0, _SLOW, -1.0, _SLOW, -2.0, 0.3), (FREE, 1.2, 3.0, 1.2, 2.0, 0.5)),
)
FREELY: Final = (  # about which nothing is believed
    Member("power-law", 0.0, 0.0, (0.0, _FALL, -2.0), (FREE, FREE, FREE)),
    Member("shifted-power-law", 0.0, 0.0, (0.0, _FALL, -2.0, -4.0), (FREE, FREE, FREE, 5.0)),
)
_AHEAD: Final = np.log([1.4, 2.0, 2.8, 4.0])  # where members are held against each other, beyond the largest n


def members_for(n_points: int) -> list[Member]:
    """Return the members that this many points can carry: one point more than the form has coordinates."""
    return [member for member in MEMBERS if len(member.centre) < n_points]


def fit(
    members: Sequence[Member],
    x: Points,
    log_error: Points,
    noise: Points,
    chance: float | None,
    *,
    counts: Counts | None = None,
    floor: bool = True,
) -> Fits:
    """Fit every member to a curve from many starts.

    Args:
        members: What is fitted.
        x: log(n / largest n), ascending to 0.
        log_error: Log of the mean errors.
        noise: Their standard errors.
        chance: What no error exceeds; None where nothing is known.
        counts: What the points count, where they are counts: fitted by their likelihood.
        floor: Whether there may be one.
    """
    end, top = float(log_error[-3:].mean()), float(log_error.max())
    found: dict[int, Float64[np.ndarray, " _"]] = {}
    for name in dict.fromkeys(member.form for member in members):
        batch = [(at, member) for at, member in enumerate(members) if member.form == name]
        starts = _starts(name, end, top, float(x[0]), chance)
        each = len(starts)
        upper = _upper(name, each * len(batch), end, chance)
        if not floor:
            upper[:, 2] = FORMS[name].lower[2]
        theta, loss = descend(
            FORMS[name],
            np.tile(starts, (len(batch), 1)),
            x,
            np.broadcast_to(log_error, (each * len(batch), len(x))),
            np.repeat([_precision(member, x, noise, counts) for _, member in batch], each, axis=0),
            _belief([member for _, member in batch], each),
            upper,
            counts=counts and counts._replace(wrong=np.broadcast_to(counts.wrong, (each * len(batch), len(x)))),
        )
        best = loss.reshape(-1, each).argmin(axis=1)
        for row, (at, _) in enumerate(batch):
            found[at] = theta[row * each + best[row]]
    return Fits(tuple(members), tuple(found[at] for at in range(len(members))))


def weigh(fits: Fits) -> Points:
    """Return the weights of the members: less for those that stray from the median beyond the largest n.

    A member strays by the root mean square distance over the next factor 4; the median member weighs .7.
    """
    ahead = fits.log_error(_AHEAD)
    strayed = np.sqrt(np.mean((ahead - np.median(ahead, axis=0)) ** 2, axis=1))
    weight = 1 / np.sqrt(1 + (strayed / (np.median(strayed) + _SAME)) ** 2)
    return np.asarray(weight / weight.sum())


def share_out(weight: Points, count: int) -> list[int]:
    """Return ``count`` members in proportion to their weights, each at even distances."""
    ends = np.cumsum(weight)
    places = (np.arange(count) + 0.5) / count
    return [min(int(at), len(weight) - 1) for at in np.searchsorted(ends, places)]


def refit(
    fits: Fits,
    which: Sequence[int],
    x: Points,
    drawn: Logs,
    noise: Points,
    chance: float | None,
    counts: Counts | None = None,
) -> list[Float64[np.ndarray, " _"]]:
    """Fit member ``which[i]`` again to the log errors ``drawn[i]``, and to the counts of that draw.

    Returns:
        The coordinates in that order.
    """
    found: dict[int, Float64[np.ndarray, " _"]] = {}
    for name in dict.fromkeys(member.form for member in fits.members):
        rows = [row for row, at in enumerate(which) if fits.members[at].form == name]
        if not rows:
            continue
        batch = [fits.members[which[row]] for row in rows]
        precisions = {member: _precision(member, x, noise, counts) for member in set(batch)}
        theta, _ = descend(
            FORMS[name],
            np.stack([fits.theta[which[row]] for row in rows]),
            x,
            drawn[rows],
            np.stack([precisions[member] for member in batch]),
            _belief(batch, 1),
            _upper(name, len(rows), float(drawn[:, -3:].mean()), chance),
            steps=_DRAW_STEPS,
            counts=counts and counts._replace(wrong=counts.wrong[rows]),
        )
        found.update(zip(rows, theta, strict=True))
    return [found[row] for row in range(len(which))]


def _precision(member: Member, x: Points, noise: Points, counts: Counts | None) -> Points:
    if counts is not None:
        more = np.maximum(_CAUTION, counts.n_runs) * counts.sd**2
        noise = np.where(np.isfinite(counts.sd), np.sqrt(noise**2 + more), noise)
    density = (len(x) - 1) / -float(x[0])
    emphasis = member.emphasis * min(1.0, density / _ENOUGH_A_FOLD)
    precision = np.exp(emphasis * x / 2) / noise
    if member.window:
        nearest = x[max(0, len(x) - _FEWEST_IN_WINDOW)]
        precision = np.where(x >= min(-np.log(member.window), nearest), precision, 0.0)
    return np.asarray(precision)


def _belief(batch: Sequence[Member], each: int) -> Belief:
    centre = np.repeat([member.centre for member in batch], each, axis=0)
    return Belief(centre, 1 / np.repeat([member.spread for member in batch], each, axis=0))


def _upper(name: str, count: int, end: float, chance: float | None) -> Theta:
    upper = np.tile(np.asarray(FORMS[name].upper, dtype=np.float64), (count, 1))
    if name == "m4":
        upper[:, 3] = _MOST_CHANCE if chance is None else _above(chance, end)
    return upper


def _above(chance: float, log_error: float) -> float:
    """Return log(chance / error - 1), the fourth coordinate of M4."""
    return float(np.log(max(chance / np.exp(log_error) - 1, 1e-3)))


def _starts(name: str, end: float, top: float, first_x: float, chance: float | None) -> Theta:
    """Return the starts of a form for a curve that ends at ``end`` and is highest at ``top``."""
    log = np.log
    rows: list[tuple[float, ...]]
    if name == "power-law":
        rows = [(end, log(fall), share) for fall, share in product((0.05, 0.15, 0.4, 1.0), (-5, 0, 3))]
    elif name == "shifted-power-law":
        rows = [(end, log(fall), share, far) for fall, share, far in product((0.1, 0.4, 1.2), (-5, 1), (-5, -1.5))]
    elif name == "m4":
        above = _above(chance if chance is not None else 1.01 * float(np.exp(top)), end)
        rows = [
            (end, log(fall), share, above, alpha)
            for fall, share, alpha in product((0.15, 0.5, 1), (-5, 1), (-0.7, 0.7))
        ]
    else:
        falls = ((0.05, 0.4), (0.3, 0.6), (0.3, 0.1), (0.8, 0.3))
        near = min(1.0, -first_x / 6)  # breaks lie among the points
        rows = [
            (end, log(first), share, log(last), near * at, width)
            for (first, last), share, at, width in product(falls, (-5, 0.5), (-3, -1), (-0.7, 0.7))
        ]
    return np.array(rows, dtype=np.float64)
