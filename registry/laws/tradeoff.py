"""Weigh data against parameters with a law in both: the cheapest mix, the best for a budget, or which change helps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, final

from registry import index, roots
from registry.answers import Query
from registry.errors import NoAnswer, UsageError
from registry.law import compare, locate, needed, refuse_outside
from registry.laws.costing import Prices, costing, prices
from registry.laws.counting import FAR, about
from registry.laws.crossing import beside, least
from registry.laws.mixes import FAR_OUT, Best, Change, Changed, Mix, Unknown, Weighed, mix_of
from registry.laws.predict import Reply, is_open
from registry.laws.sources import Source, answers, find
from registry.wording import aim, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from registry.index import Index
    from registry.laws.stored import Law

_BEYOND: Final = math.log(10)  # how far --extrapolate looks outside the range of params


def tradeoff(
    task: str,
    target: float | None = None,
    *,
    budget_flops: float | None = None,
    at: tuple[float, float] | None = None,
    changes: Sequence[Change] = (),
    price_per_example: float | None = None,
    price_per_flop: float | None = None,
    metric: str = "accuracy",
    dataset: str | None = None,
    family: str | None = None,
    extrapolate: bool = False,
    registry: Sequence[str] = (),
) -> list[Best] | list[Weighed]:
    """Weigh data against parameters, with each law of ``task`` that is in both.

    Args:
        task: The task category, for example ``image-cls``.
        target: A value of ``metric``: the cheapest mix that reaches it.
        budget_flops: Most train flops: the mix with the least error within them.
        at: (n_train, params) of a mix whose ``changes`` are compared.
        changes: Pairs of ``n_train`` or ``params`` and a factor.
        price_per_example: What an example costs; without prices the cheapest is that with the fewest train flops.
        price_per_flop: What a training flop costs.
        metric: The metric of the target.
        dataset: One data set only.
        family: One family only.
        extrapolate: Answer outside the range a law was fitted on; intervals widen with the distance.
        registry: Folders to search before the usual ones.

    Raises:
        UsageError: Unless it is asked for exactly one of target, budget and changes; or a name or value cannot be.
        NoAnswer: If no law in n_train and params answers.
    """
    if (target is not None) + (budget_flops is not None) + (at is not None) != 1 or bool(at) != bool(changes):
        raise UsageError("give exactly one of a target, a budget, or a mix with changes to compare")
    query = Query(task, () if target is None else (target,), metric, dataset, family)
    given = prices(price_per_example, price_per_flop)
    where = roots.find(registry)

    def answer(indexes: list[Index]) -> Reply:
        if at is not None:
            return weigh(indexes, query, at, changes, given, extrapolate)
        return cheapest(indexes, query, budget_flops, given, extrapolate)

    return list(index.read(where, answer).answers)


def cheapest(
    indexes: list[Index], query: Query, budget: float | None, prices: Prices | None, extrapolate: bool
) -> Reply:
    """Find the cheapest mix for each target of ``query``, or the best for ``budget``, from open indexes."""
    sources = find(indexes, query, ["params"])
    if budget is not None:
        asked = [(source, budget) for source in sources]
        return Reply(*answers(asked, lambda source, flops: _for_budget(source, flops, prices, extrapolate)))
    asked = [(source, target) for source in sources for target in query.targets]
    return Reply(*answers(asked, lambda source, target: _for_target(source, target, prices, extrapolate)))


def weigh(
    indexes: list[Index],
    query: Query,
    at: tuple[float, float],
    changes: Sequence[Change],
    prices: Prices | None,
    extrapolate: bool,
) -> Reply:
    """Compare changes of one mix, from open indexes."""
    asked = [(source, at[0]) for source in find(indexes, query, ["params"])]
    return Reply(*answers(asked, lambda source, _: _weighed(source, at, changes, prices, extrapolate)))


@final
class _Reaching:
    """How much data gets a law down to an error, by params; each search starts from what the last two found."""

    def __init__(self, law: Law, error: float) -> None:
        self._law, self._error = law, error
        self._found: dict[float, float | None] = {}
        self._last: tuple[tuple[float, float], ...] = ()  # the last two, logs of params and data

    def log_n(self, log_params: float) -> float | None:
        """Return the log of the least data; None: never."""
        if self._error <= 0:
            return None
        if log_params not in self._found:
            found = needed(self._law, self._error, (0.0, log_params), self._expected(log_params))
            self._found[log_params] = found
            if found is not None:
                self._last = (*self._last[-1:], (log_params, found))
        return self._found[log_params]

    def _expected(self, log_params: float) -> tuple[float, float] | None:
        """Return two logs of data that the answer should lie between, by a line through the last two."""
        if len(self._last) < 2:
            return None
        (before, at_before), (last, at_last) = self._last
        step = (at_last - at_before) / (last - before) * (log_params - last)
        within = 0.4 * abs(step) + 1e-6  # assumption: so much the line bends; where it bends more, it takes longer
        return at_last + step - within, at_last + step + within


def _for_target(source: Source, target: float, prices: Prices | None, extrapolate: bool) -> Best:
    law, count, error = source.law, costing(source), source.error(target)
    (low_n, high_n), ends = law.ranges[0], _ends(source, extrapolate)
    reaching, unknown = _Reaching(law, error), Unknown(source)
    left_out: set[str] = set()

    def least_between(fewer: float, more: float) -> float:
        """Return the price of ``fewer`` params with the data that ``more`` take: no mix between them costs less."""
        log_n = reaching.log_n(more)
        if log_n is None or (log_n > high_n + 1e-9 and not extrapolate):
            return math.inf
        if extrapolate and (fault := unknown.why((log_n, more))):
            left_out.add(fault)
            return math.inf
        n_train = math.exp(log_n if extrapolate else max(log_n, low_n))
        return count.price(prices, n_train, math.exp(fewer))

    def price(log_params: float) -> float:
        return least_between(log_params, log_params)

    # What is left out of the mixes outside the range is to be told: there each is looked at.
    best = least(price, *ends, None if extrapolate else least_between)
    if best is None:
        raise _not_in_range(source, target, error, extrapolate, left_out)

    def mix(log_params: float) -> Mix:
        log_n = reaching.log_n(log_params) or 0.0
        return mix_of(source, count, prices, log_n if extrapolate else max(log_n, low_n), log_params, ends)

    around = tuple(map(mix, beside(price, best, *ends)))
    return Best(source, target, None, count, mix(best), around, extrapolate, tuple(sorted(left_out)))


def _for_budget(source: Source, budget: float, prices: Prices | None, extrapolate: bool) -> Best:
    law, count = source.law, costing(source)
    (low_n, high_n), ends = law.ranges[0], _ends(source, extrapolate)
    largest, unknown = high_n + FAR if extrapolate else high_n, Unknown(source)
    left_out: set[str] = set()

    def log_n(log_params: float) -> float:
        """Return the log of the most examples that the budget allows; -inf where it allows too few."""
        log_seen = math.log(budget) - math.log(3 * count.flops_per_param) - log_params
        if count.slope > 0:
            most = (log_seen - count.log_seen) / count.slope
        else:
            most = math.inf if log_seen >= count.log_seen else -math.inf
        if extrapolate and most > largest + 1e-9:
            left_out.add(FAR_OUT)
        return min(most, largest) if most >= (0.0 if extrapolate else low_n - 1e-9) else -math.inf

    def error(log_params: float) -> float:
        most = log_n(log_params)
        if most == -math.inf:
            return math.inf
        x = (most, log_params)
        if extrapolate and (fault := unknown.why(x)):
            left_out.add(fault)
            return math.inf
        return law.log_error(x)

    best = least(error, *ends)
    if best is None:
        if left_out:
            which = " and ".join(sorted(left_out))
            raise NoAnswer(
                f"{budget:.3g} train flops are enough only for mixes that are left out: {which}",
                "give more, or measure at that size",
            )
        smallest = count.train_flops(math.exp(low_n), math.exp(ends[0]))
        raise NoAnswer(
            f"{budget:.3g} train flops are too few for any mix in the range; the smallest takes about {smallest:.3g}",
            "give more, or --extrapolate",
        )
    mixes = [mix_of(source, count, prices, log_n(at), at, ends) for at in (best, *beside(error, best, *ends))]
    return Best(source, None, budget, count, mixes[0], tuple(mixes[1:]), extrapolate, tuple(sorted(left_out)))


def _weighed(
    source: Source, at: tuple[float, float], changes: Sequence[Change], prices: Prices | None, extrapolate: bool
) -> Weighed:
    law, count = source.law, costing(source)
    before = {"n_train": at[0], "params": at[1]}
    points = [{**before, name: before[name] * factor} for name, factor in changes]
    for point in (before, *points):
        x = locate(law, point["n_train"], params=point["params"])
        if not extrapolate:
            refuse_outside(law, x)
    mixes = [
        mix_of(source, count, prices, math.log(p["n_train"]), math.log(p["params"]), law.ranges[1])
        for p in (before, *points)
    ]
    changed = tuple(
        Changed(
            change,
            mix,
            compare(law, before, point, extrapolate=True),
            None if mix.cost is None else mix.cost - (mixes[0].cost or 0.0),
        )
        for change, mix, point in zip(changes, mixes[1:], points, strict=True)
    )
    extras = [one.extra for one in changed]
    priced = prices is not None and all(extra is not None and extra > 0 for extra in extras)
    weights = [1 / extra if priced and extra else 1.0 for extra in extras]
    return Weighed(source, count, mixes[0], changed, _winner(source, before, points, weights), priced)


def _winner(
    source: Source, before: Mapping[str, float], points: Sequence[Mapping[str, float]], weights: Sequence[float]
) -> int | None:
    """Return the change that saves most log error, times its weight, if that is sure against every other."""
    law = source.law
    x, *ys = (locate(law, point["n_train"], params=point["params"]) for point in (before, *points))
    gains = [
        weight * (law.capped(law.log_error(x)) - law.capped(law.log_error(y)))
        for weight, y in zip(weights, ys, strict=True)
    ]
    best = max(range(len(gains)), key=gains.__getitem__)
    if len(gains) == 1:
        verdict = compare(law, before, points[0], extrapolate=True)
        return 0 if verdict.is_decided and verdict.ratio < 1 else None
    start = list(map(law.capped, law.log_draws(x)))
    if not start:
        return None
    saved = [
        [weight * (a - law.capped(b)) for a, b in zip(start, law.log_draws(y), strict=True)]
        for weight, y in zip(weights, ys, strict=True)
    ]
    here = law.beyond(x)
    drifts = [
        [weight * (there - at) for at, there in zip(here, law.beyond(y), strict=True)]
        for weight, y in zip(weights, ys, strict=True)
    ]
    for other in range(len(gains)):
        if other == best:
            continue
        lead = gains[best] - gains[other]
        scatter = [mine - its - lead for mine, its in zip(saved[best], saved[other], strict=True)]
        apart = sum(abs(mine - its) for mine, its in zip(drifts[best], drifts[other], strict=True))
        doubt = law.scale(scatter, apart, noise=0.0) or 0.0
        if lead <= law.calibration.factors[90] * doubt:
            return None
    return best


def _ends(source: Source, extrapolate: bool) -> tuple[float, float]:
    low, high = source.law.ranges[1]
    return (max(low - _BEYOND, 0.0), high + _BEYOND) if extrapolate else (low, high)


def _not_in_range(
    source: Source, target: float, error: float, extrapolate: bool, left_out: Collection[str]
) -> NoAnswer:
    """Say what the best corner of the range reaches, and whether data or params would help beyond it."""
    law = source.law
    corner = tuple(high for _, high in law.ranges)
    most = source.metric(math.exp(law.log_error(corner)))
    metric = source.question.metric
    log_n = needed(law, error, corner) if error > 0 else None
    if left_out:
        hint = f"outside it only mixes that are left out: {' and '.join(sorted(left_out))}"
    elif log_n is None and is_open(source):
        hint = "undecided, as what is irreducible is open: other inputs, resolution, labels or family may help more"
    elif log_n is None:
        hint = "other inputs, resolution, labels or family may; more data or params hardly will"
    elif extrapolate:
        hint = "more data, or more params than were looked at"
    else:
        hint = f"more data: with as many params {about(law, log_n)} examples, outside the range: --extrapolate"
    return NoAnswer(
        f"no mix in the range reaches {metric} {aim(target)}: with {source.range_of('n_train').partition(' to ')[2]} "
        f"examples and {source.range_of('params').partition(' to ')[2]} params the law predicts {shown(most)}",
        hint,
    )
