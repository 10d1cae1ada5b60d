"""Pooled search: one surface fitted to all trainings so far says what to train next, what to certify, when to stop.

The first round is cheap: few widths, low in each ladder, at the fewest steps. Each later round trains what draws from
the surface's posterior take for the smallest shape that meets the target, at the setting they take for its best: so
trainings gather around the crossing, and other depths, resolutions, rates and budgets are tried exactly as long as they
may still win. When the smallest shape is known well enough, or more trainings would cost more than a certification, the
smallest shape that is likely to pass is certified. What its fresh runs show, passed or failed, joins the surface.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.stats import binom, norm

from harness.posterior import Posterior
from harness.search.base import History, Proposal, Setting, Space, Strategy
from harness.trial import Shape
from registry.statistics import LOOKS, sequential_counts

# measured: cheapest certified answers on the tables of digits/mlp and glyphs/mlp, then frozen; docs/log.md
LIKELY: Final = 0.4  # least chance of passing for a shape that is certified
SMALLNESS: Final = 3.0  # how much a small answer is worth besides the cheaper test of it: params to this power
BATCH: Final = 8  # trainings a round: as many as one pack needs to be worth its overhead
MOST_ALIKE: Final = 2  # of them of one setting
PATIENCE: Final = 0.5  # trainings may cost this share of a certification before one is made
NO_WORSE: Final = 0.02  # chances of passing that differ by less are alike: the cheaper setting is taken
KNOWN: Final = 1.25  # the smallest shape is known when the interval of its params is no wider
SETTINGS: Final = 6  # of each shape that are worth a thought
HOPE: Final = 0.1  # least chance of passing for a shape that is certified when nothing likelier is left
OVERHEAD: Final = 0.05  # what a training costs besides its flops, as a share of those of an answer's
REACH: Final = 4.0  # how many times dearer than anything trained a training may be


@final
@dataclass(frozen=True)
class _View:
    """What the posterior says of every open shape.

    Attributes:
        shapes: The shapes that may be certified still, smallest first.
        best: Per shape the setting most likely to pass.
        passing: Per shape the chance that it passes there.
        smallest: Per draw the position of the smallest shape that meets the target, ``len(shapes)`` where none does.
        choice: Per draw and shape the best setting.
        trained: The surface as validation alone has it.

    Rates and steps, ``best`` and ``choice``, come from validation alone; what certifications have read on the test
    split has a say in which shapes are likely to pass and in nothing else.
    """

    shapes: tuple[Shape, ...]
    best: list[Setting]
    passing: np.ndarray
    smallest: np.ndarray
    choice: list[list[Setting]]
    trained: Posterior


@final
class Pooled(Strategy):
    """One surface over everything trained; see the module."""

    name = "pooled"

    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        """Return the next round, or what to certify."""
        if not history.runs:
            return Proposal() if hurry else Proposal(train=_first_round(space))
        view = _view(space, history, target_error)
        if not view.shapes:
            return Proposal()
        guess, interval = _guess(space, view)
        candidate = _candidate(space, view)
        if hurry:
            return Proposal(certify=candidate, guess=guess, interval=interval)
        spent = sum(space.train_flops(run.setting) for run in history.runs)
        hoped = candidate or view.best[int(view.passing.argmax())]
        enough = spent >= PATIENCE * LOOKS[1] * space.train_flops(hoped)
        known = interval is not None and interval[1] is not None and interval[1] <= KNOWN * interval[0]
        if candidate is not None and (enough or known):
            fewer = _untried(space, history, candidate)
            if fewer:  # cheap beside a certification, and perhaps fewer steps will do
                return Proposal(train=fewer, guess=guess, interval=interval)
            return Proposal(certify=candidate, guess=guess, interval=interval)
        train = _round(space, history, view)
        if candidate is None and enough and (_largest_tried(space, history, view.shapes) or _is_worn(history, train)):
            # trainings will not tell: what is most likely is certified if there is any hope, and then the search ends
            last = hoped if view.passing.max() >= HOPE else None
            return Proposal(certify=last, guess=guess, interval=interval)
        return Proposal(train=train, guess=guess, interval=interval)


def _untried(space: Space, history: History, candidate: Setting) -> tuple[Setting, ...]:
    """Return the candidate at each budget up to its own at which its shape was never trained."""
    tried = {run.setting.steps for run in history.runs if run.setting.shape == candidate.shape}
    return tuple(
        candidate._replace(steps=steps) for steps in space.steps if steps <= candidate.steps and steps not in tried
    )


def _candidate(space: Space, view: _View) -> Setting | None:
    """Return the setting to certify: likely to pass, cheap to test, small; None where nothing is likely enough."""
    likely = np.flatnonzero(view.passing >= LIKELY)
    if not len(likely):
        return None
    price = [space.train_flops(view.best[i]) * space.params[view.shapes[i]] ** SMALLNESS for i in likely]
    best: Setting = view.best[int(likely[int((view.passing[likely] / np.array(price)).argmax())])]
    return best


def _first_round(space: Space) -> tuple[Setting, ...]:
    """Return few cheap trainings: two low widths of each ladder, every other rate, the fewest steps."""
    rates = space.rates[1::2] if len(space.rates) > 2 else space.rates
    settings = []
    for shapes in space.ladders.values():
        few = sorted({len(shapes) // 4, len(shapes) // 2})
        settings += [Setting(shapes[i], rate, space.steps[0]) for i in few for rate in rates]
    return tuple(settings)


def _view(space: Space, history: History, target_error: float) -> _View:
    trained = Posterior(space, history, target_error, sees_tests=False)
    posterior = Posterior(space, history, target_error) if history.tests else trained
    certified = [space.order(test.setting.shape) for test in history.tests if test.certified]
    limit = min(certified, default=None)
    shapes = tuple(
        shape for shape in space.shapes if shape not in history.failed and (limit is None or space.order(shape) < limit)
    )
    if not shapes:
        return _View((), [], np.empty(0), np.empty(0), [], trained)
    everything = [Setting(shape, rate, steps) for shape in shapes for rate in space.rates for steps in space.steps]
    expected = trained.mean(everything).reshape(len(shapes), -1)
    few = min(SETTINGS, expected.shape[1])
    ranks = np.argsort(expected, axis=1, kind="stable")[:, :few]
    width = expected.shape[1]
    settings = [everything[i * width + int(rank)] for i, row in enumerate(ranks) for rank in row]
    needed = sequential_counts(len(history.failed) + 1).get(LOOKS[1], LOOKS[1])

    def passes(surface: Posterior, draws: np.ndarray) -> np.ndarray:
        noise = surface.noise_sd(settings).reshape(len(shapes), few)
        single = norm.cdf((surface.target(target_error) - draws) / noise)
        return np.asarray(binom.sf(needed - 1, LOOKS[1], single).mean(axis=0))

    by_training = trained.draws(settings).reshape(-1, len(shapes), few)
    passing = passes(trained, by_training)
    prices = np.array([space.train_flops(setting) for setting in settings]).reshape(len(shapes), few)
    good = passing >= passing.max(axis=1, keepdims=True) - NO_WORSE
    best = np.where(good, prices, np.inf).argmin(axis=1)
    draws = by_training if posterior is trained else posterior.draws(settings).reshape(-1, len(shapes), few)
    if posterior is not trained:
        passing = passes(posterior, draws)
    lowest = draws.min(axis=2)
    for positions in _ladders(shapes):
        lowest[:, positions] = np.minimum.accumulate(lowest[:, positions], axis=1)
    meeting = lowest <= posterior.target(target_error)
    smallest = np.where(meeting.any(axis=1), meeting.argmax(axis=1), len(shapes))
    chosen = by_training.argmin(axis=2)
    return _View(
        shapes,
        [settings[i * few + int(j)] for i, j in enumerate(best)],
        passing[np.arange(len(shapes)), best],
        smallest,
        [[settings[i * few + int(chosen[m, i])] for i in range(len(shapes))] for m in range(len(draws))],
        trained,
    )


def _ladders(shapes: Sequence[Shape]) -> list[list[int]]:
    """Return per depth and resolution the positions of its shapes, by width."""
    found: dict[tuple[int, int | None], list[int]] = {}
    for i, shape in enumerate(shapes):
        found.setdefault((shape.depth, shape.resolution), []).append(i)
    return [sorted(positions, key=lambda i: shapes[i].width) for positions in found.values()]


def _guess(space: Space, view: _View) -> tuple[Shape | None, tuple[int, int | None] | None]:
    """Return the median of the smallest shape and the params between which it lies with 80 % belief, open where no end.

    None where it is more likely that no shape of the space meets the target.
    """
    low, middle, high = (
        None if position >= len(view.shapes) else view.shapes[position]
        for position in (int(np.quantile(view.smallest, q, method="higher")) for q in (0.1, 0.5, 0.9))
    )
    if low is None:
        return None, None
    return middle, (space.params[low], None if high is None else space.params[high])


def _largest_tried(space: Space, history: History, shapes: Sequence[Shape]) -> bool:
    """Say whether the largest open shape of every ladder was trained at the most steps or something dearer was.

    Those that are no smaller than a certified one are not open: they are never trained.
    """
    dearest = max(space.train_flops(run.setting) for run in history.runs)
    last = max(space.train_flops(Setting(shape, space.rates[0], space.steps[-1])) for shape in shapes)
    return dearest * 2 >= last


def _is_worn(history: History, train: Sequence[Setting]) -> bool:
    """Say whether every setting of a round was trained as often already as a certification trains one."""
    made = Counter(run.setting for run in history.runs)
    return all(made[setting] >= LOOKS[1] for setting in train)


def _round(space: Space, history: History, view: _View) -> tuple[Setting, ...]:
    """Return the trainings that tell most, per flop, about the settings that draws take for the smallest shape's best.

    One after the other: each is chosen as if those before it had been made; what they will say does not matter for
    how much they tell.
    """
    dearest = REACH * max(space.train_flops(run.setting) for run in history.runs)
    wanted = Counter(
        view.choice[m][min(int(position), len(view.shapes) - 1)] for m, position in enumerate(view.smallest)
    )
    asked = list(wanted)
    offered = sorted(
        {
            Setting(shape, setting.learning_rate, steps)
            for settings in (asked, view.best)
            for setting in settings
            for shape in (setting.shape,)
            for steps in space.steps
        }
    )
    offered = [setting for setting in offered if space.train_flops(setting) <= dearest]
    settings = [*asked, *offered]
    spread = view.trained.spread(settings)
    weights = np.array([wanted[setting] for setting in asked], dtype=float)
    price = np.array([space.train_flops(setting) for setting in offered])
    floor = OVERHEAD * float(np.average([space.train_flops(setting) for setting in asked], weights=weights))
    noise, n = view.trained.noise_sd(offered) ** 2, len(asked)
    train: Counter[Setting] = Counter()
    for _ in range(BATCH):
        own = np.diag(spread)[n:] + noise
        told = (weights[:, None] * spread[:n, n:] ** 2).sum(axis=0) / own
        told[[train[setting] >= MOST_ALIKE for setting in offered]] = -1.0
        best = int((told / (price + floor)).argmax())
        train[offered[best]] += 1
        column = spread[:, n + best]
        spread = spread - np.outer(column, column) / own[best]
    return tuple(sorted(train.elements()))


PLUGIN: Final = Pooled()
