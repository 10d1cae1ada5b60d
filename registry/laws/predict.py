"""Answer from the laws on record: what a network reaches with so much data, and how much data a target takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

from registry import index, roots
from registry.answers import Query
from registry.errors import OutsideRange
from registry.law import Bounds, Prediction, bounds, evaluate, locate, needed, refuse_outside
from registry.laws.counting import about
from registry.laws.sources import Refusal, Source, answers, find, unlogged
from registry.laws.standing import Certified, best_within, fewest_examples
from registry.tuples import NamedTuple
from registry.wording import aim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.index import Index
    from registry.law import Law
    from registry.laws.forms import Logs

Verdict = Literal["met", "missed", "undecided"]

_FLOORED: Final = 0.5  # more than this share of the error is its limit: the floor binds


class Forecast(NamedTuple):
    """What a law predicts for so much data.

    Args:
        source: The law.
        n_train: Training examples.
        sizes: Each size of the law, asked for or the best in its range.
        chosen: The sizes that were not asked for.
        error: The predicted error with its intervals.
        verdicts: For each target: met or missed where the 90 % interval of the mean curve says so.
        doubled: Error with twice as much of each variable, by its name; where nothing outside the range was asked for,
            of those alone that stay inside.
        limit: Error with endless data.
        binds: What keeps the error up most: ``floor``, or the variable of which twice as much helps most.
        certified: The best certified network of the record with no more examples and no larger sizes; None: none.
    """

    source: Source
    n_train: float
    sizes: Mapping[str, float]
    chosen: tuple[str, ...]
    error: Prediction
    verdicts: Mapping[float, Verdict]
    doubled: Mapping[str, float]
    limit: float
    binds: str
    certified: Certified | None = None

    @property
    def beyond(self) -> tuple[str, ...]:
        """The variables of which twice as much lies outside the range the law was fitted on."""
        law = self.source.law
        values = {law.variables[0]: self.n_train, **self.sizes}
        return tuple(
            name
            for name, (_, high) in zip(law.variables, law.ranges, strict=True)
            if math.log(2 * values[name]) > high + 1e-9
        )


class Needed(NamedTuple):
    """How much data a law says a target takes.

    Args:
        source: The law.
        target: The value of the metric.
        sizes: Each size of the law, asked for or the best in its range.
        chosen: The sizes that were not asked for.
        bounds: Training examples; None where the law does not say but a certified network gets there.
        certified: The certified network with the fewest examples, no larger than asked for; None: there is none.
        outside: Whether the law was asked outside the range it was fitted on.
        refused: Why the law does not answer, where it was asked outside its range and a certified network answers.
    """

    source: Source
    target: float
    sizes: Mapping[str, float]
    chosen: tuple[str, ...]
    bounds: Bounds | None
    certified: Certified | None
    outside: bool = False
    refused: OutsideRange | None = None


class Reply(NamedTuple):
    """Everything found: answers, and the laws that have none with the reason."""

    answers: tuple[Any, ...]
    refused: tuple[Refusal, ...]


def predict(
    task: str,
    n_train: float,
    *,
    dataset: str | None = None,
    family: str | None = None,
    target: float | Sequence[float] = (),
    metric: str = "accuracy",
    extrapolate: bool = False,
    registry: Sequence[str] = (),
    **sizes: float | None,
) -> list[Forecast]:
    """Return what each law of ``task`` predicts for networks trained on ``n_train`` examples.

    Args:
        task: The task category, for example ``image-cls``.
        n_train: Training examples.
        dataset: One data set only.
        family: One family only.
        target: Values of ``metric`` to hold the prediction to.
        metric: The metric of the targets.
        extrapolate: Answer outside the range a law was fitted on; intervals widen with the distance.
        registry: Folders to search before the usual ones.
        **sizes: ``params``, or ``width`` and ``depth``, for laws that know them; without, the best in the range.

    Returns:
        One forecast per law that answers, by record.

    Raises:
        UsageError: If a name is unknown, or a value cannot be.
        NoAnswer: If no law answers: none on record, or outside the range (OutsideRange).
    """
    query = Query(task, _several(target), metric, dataset, family)
    where = roots.find(registry)
    return list(index.read(where, lambda opened: foretell(opened, query, n_train, extrapolate, sizes)).answers)


def data_needed(
    task: str,
    target: float | Sequence[float],
    *,
    metric: str = "accuracy",
    dataset: str | None = None,
    family: str | None = None,
    extrapolate: bool = False,
    registry: Sequence[str] = (),
    **sizes: float | None,
) -> list[Needed]:
    """Return how many training examples each law of ``task`` says a target takes.

    Args:
        task: The task category, for example ``image-cls``.
        target: One or more values of ``metric``.
        metric: The metric's name.
        dataset: One data set only.
        family: One family only.
        extrapolate: Answer outside the range a law was fitted on; intervals widen with the distance.
        registry: Folders to search before the usual ones.
        **sizes: ``params``, or ``width`` and ``depth``, for laws that know them; without, the best in the range.

    Returns:
        One answer per law and target that has one, by record.

    Raises:
        UsageError: If a name is unknown, or a value cannot be.
        NoAnswer: If no law answers: none on record, levelled off before, or outside the range (OutsideRange).
    """
    query = Query(task, _several(target), metric, dataset, family)
    where = roots.find(registry)
    return list(index.read(where, lambda opened: inquire(opened, query, extrapolate, sizes)).answers)


def foretell(
    indexes: list[Index], query: Query, n_train: float, extrapolate: bool, sizes: Mapping[str, float | None]
) -> Reply:
    """Answer :func:`predict` from open indexes."""

    def one(source: Source, n_train: float) -> Forecast:
        error = evaluate(source.law, n_train, extrapolate=extrapolate, **sizes)
        found = forecast(source, locate(source.law, n_train, **sizes), error, sizes, query.targets)
        found = found._replace(certified=best_within(source, n_train, found.sizes))
        if extrapolate:
            return found
        inside = {name: error for name, error in found.doubled.items() if name not in found.beyond}
        return found._replace(doubled=inside)

    sources = find(indexes, query, _asked(sizes))
    return Reply(*answers([(source, n_train) for source in sources], one))


def inquire(indexes: list[Index], query: Query, extrapolate: bool, sizes: Mapping[str, float | None]) -> Reply:
    """Answer :func:`data_needed` from open indexes."""
    sources = find(indexes, query, _asked(sizes))
    asked = [(source, target) for source in sources for target in query.targets]
    return Reply(*answers(asked, lambda source, target: _needed(source, target, extrapolate, sizes)))


def forecast(
    source: Source,
    x: Sequence[float],
    error: Prediction,
    sizes: Mapping[str, float | None],
    targets: Sequence[float] = (),
) -> Forecast:
    """Set beside a prediction what binds and which targets are met."""
    law = source.law
    doubled = {
        name: math.exp(law.capped(law.log_error([value + math.log(2) * (i == j) for j, value in enumerate(x)])))
        for i, name in enumerate(law.variables)
    }
    full = dict(zip(law.variables[1:], map(unlogged, x[1:]), strict=True))
    verdicts = {target: _verdict(source, error, target) for target in targets}
    chosen = tuple(name for name in full if sizes.get(name) is None)
    limit = law.limit(x)
    binds = "floor" if limit > _FLOORED * error.value else min(doubled, key=doubled.__getitem__)
    return Forecast(source, unlogged(x[0]), full, chosen, error, verdicts, doubled, limit, binds)


def _verdict(source: Source, error: Prediction, target: float) -> Verdict:
    if error.low is None or error.high is None:
        return "undecided"
    wanted = source.error(target)
    return "met" if error.high <= wanted else "missed" if error.low > wanted else "undecided"


def _needed(source: Source, target: float, extrapolate: bool, sizes: Mapping[str, float | None]) -> Needed:
    law, error = source.law, source.error(target)
    start = locate(law, math.exp(law.ranges[0][0]), **sizes)
    full = dict(zip(law.variables[1:], map(unlogged, start[1:]), strict=True))
    chosen = tuple(name for name in full if sizes.get(name) is None)
    certified = fewest_examples(source, target, {name: full[name] for name in full if name not in chosen})
    if refused := None if extrapolate else _outside(law, start):
        return _refused(Needed(source, target, full, chosen, None, certified, refused=refused))
    log_n = needed(law, error, start) if error > 0 else None
    if log_n is None or is_irreducible(source, error):
        if certified is None:
            from registry.laws.misses import out_of_reach  # only here: most targets are reached

            raise out_of_reach(source, target, error, start)
        return Needed(source, target, full, chosen, None, certified)
    x = (log_n, *start[1:])
    says = f"{source.question.metric} {aim(target)} needs {about(law, log_n)} training examples,"
    if refused := None if extrapolate else _outside(law, x, says):
        return _refused(Needed(source, target, full, chosen, None, certified, refused=refused))
    return Needed(source, target, full, chosen, bounds(law, error, x), certified, law.outside(x) > 0)


def _outside(law: Law, x: Logs, what: str = "") -> OutsideRange | None:
    """Return why a law does not answer at a point outside its range; None where it does."""
    try:
        refuse_outside(law, x, what)
    except OutsideRange as refused:
        return refused
    return None


def _refused(one: Needed) -> Needed:
    """Return an answer where a certified network gives it, though the law was asked outside its range.

    Raises:
        OutsideRange: If there is no such network.
    """
    if one.certified is None and one.refused is not None:
        raise one.refused
    return one


def is_irreducible(source: Source, error: float) -> bool:
    """Say whether an error lies below the 90 % lower end of what is irreducible."""
    low = (source.facts.get("irreducible_error") or {}).get("low")
    return low is not None and error < low


def is_open(source: Source) -> bool:
    """Say whether an end of what is irreducible is unknown: nothing sure can then be said of it."""
    floor = source.facts.get("irreducible_error") or {"low": None, "high": None}
    return floor["low"] is None or floor["high"] is None


def _asked(sizes: Mapping[str, float | None]) -> list[str]:
    return [name for name, value in sizes.items() if value is not None]


def _several(target: float | Sequence[float]) -> tuple[float, ...]:
    return (float(target),) if isinstance(target, int | float) else tuple(target)
