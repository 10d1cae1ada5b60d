"""Say of what no network on record reaches what its law predicts, and why a law gets to a target with no data at all.

All of it is in the task's own metric, and no surer than the floor's interval is closed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from registry.answers import Predicted, Query
from registry.errors import NoAnswer
from registry.law import evaluate, locate, needed
from registry.laws.counting import about
from registry.laws.predict import is_irreducible, is_open
from registry.laws.sources import find
from registry.wording import aim, target_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.answers import Network, Question
    from registry.index import Index
    from registry.laws.sources import Source

_NEVER: Final = "more than 1e30 examples"
_SEARCH_ON: Final = "search on, with other families, inputs, resolution or labels too"


def predicted(indexes: list[Index], question: Question, network: Network, n_train: int) -> Predicted | None:
    """Return what the law of a network's record predicts for ``n_train`` examples.

    None where it predicts nothing, or for networks of another depth or resolution.
    """
    source = _source(indexes, question, network)
    if source is None or not source.cells.has(network.depth, network.resolution):
        return None
    params = network.params if "params" in source.law.variables else None
    try:
        error = evaluate(source.law, n_train, params=params)
    except NoAnswer:
        return None
    low, high = (None, None) if error.mean is None else source.metrics(error.mean[90])
    named = source.network if params is None else f"{params:,} params"
    return Predicted(n_train, named, source.metric(error.value), low, high)


def advice(indexes: list[Index], question: Question, network: Network, target: float) -> str | None:
    """Return what a floor of the best network's record says a target takes; None where none is in the way.

    Below the 90 % lower end of the width floor: more data. Below that of the irreducible error: something else.
    """
    source = _source(indexes, question, network)
    if source is None:
        return None
    error = source.error(target)
    if is_irreducible(source, error):
        below = "Probably below" if is_open(source) else "Below"
        return f"{below} the irreducible error of its law: other inputs, resolution, labels or family may reach it"
    low = (source.facts.get("width_floor") or {}).get("low")
    if low is None or error >= low:
        return None
    where = f"--task {question.task} --dataset {question.dataset}"
    command = f"guides data-needed {where} {target_option(question.metric, target)} --extrapolate"
    start = locate(source.law, math.exp(source.law.ranges[0][0]))
    log_n = needed(source.law, error, start) if error > 0 else None
    much = "" if log_n is None else f" ({about(source.law, log_n)} examples)"
    return f"More data{much} would help more than more width: {command}"


def out_of_reach(source: Source, target: float, error: float, x: Sequence[float]) -> NoAnswer:
    """Say what stands between a target and any amount of data: the floor, the size, the range, or a doubt."""
    law, limit = source.law, source.law.limit(x)
    metric, says = source.question.metric, f"{aim(target)} takes"
    if is_irreducible(source, error) or error <= 0:
        return _irreducible(source, target)
    level = f"{metric} {_apart(source.metric(limit), target)}"
    best = (x[0], *(max(value, high) for value, (_, high) in zip(x[1:], law.ranges[1:], strict=True)))
    sizes = " and ".join(
        f"{name} {math.exp(high):,.0f}"
        for name, value, high in zip(law.variables[1:], x[1:], best[1:], strict=True)
        if value < high - 1e-9
    )
    if sizes and (log_n := needed(law, error, best)) is not None:
        here, there = f"levels off at {level}", f"levels off at {_apart(source.metric(law.limit(best)), target)}"
        if limit < error:
            here, there = f"takes {_NEVER}", f"takes {about(law, log_n)} examples"
        return NoAnswer(f"{says} a larger network: at this size the law {here}", f"with {sizes} it {there}")
    high = (source.facts.get("irreducible_error") or {}).get("high")
    if len(x) > 1 and tuple(best) == tuple(x) and high is not None and high < error <= limit:
        named = zip(law.variables[1:], x[1:], strict=True)
        at = " and ".join(f"{name} {math.exp(value):,.0f}" for name, value in named)
        return NoAnswer(
            f"{says} a larger network: at {at} the law levels off at {level}, "
            f"and the floor lies beyond the target (90 % sure: {_floor(source, target)})",
            "measure larger networks; more data alone will not do",
        )
    if limit < error:
        return NoAnswer(
            f"by the law {says} {_NEVER}: far outside the range {source.range_of('n_train')} that it was fitted on",
            f"undecided: {_SEARCH_ON}",
        )
    return NoAnswer(
        f"{metric} {aim(target)} is undecided: the law levels off at {level}, "
        f"and the floor may lie on either side of it (90 % sure: {_floor(source, target)})",
        _SEARCH_ON,
    )


def _source(indexes: list[Index], question: Question, network: Network) -> Source | None:
    query = Query(question.task, (), question.metric, question.dataset, network.family)
    try:
        found = find(indexes, query)
    except NoAnswer:
        return None
    return next((source for source in found if (source.id, source.version) == (network.id, network.version)), None)


def _apart(value: float, target: float) -> str:
    """Return a value of the metric with as many decimals as tell it from a target, at least 3."""
    texts = ((f"{value:.{digits}f}", f"{target:.{digits}f}") for digits in range(3, 10))
    return next((mine for mine, other in texts if mine != other), f"{value!r}")


def _irreducible(source: Source, target: float) -> NoAnswer:
    """Say that a target lies below what is irreducible, and no more surely than its interval is closed."""
    floor, says = source.facts.get("irreducible_error") or {"low": None}, f"{source.question.metric} {aim(target)}"
    if floor["low"] is None:
        return NoAnswer(
            f"{says} is undecided: a law gets there with no number of examples, and the floor is open "
            f"(90 % sure: {_floor(source, target)})",
            "ask for a little less; other inputs, resolution, labels or family may help",
        )
    interval = f"the floor's 90 % interval is {source.question.metric} {_floor(source, target)}"
    if is_open(source):
        return NoAnswer(
            f"probably no amount of data reaches {says}: {interval}",
            "undecided: other inputs, resolution, labels or family may; more data hardly will",
        )
    return NoAnswer(
        f"no amount of data reaches {says}: {interval}",
        "other inputs, resolution, labels or family may; more data will not",
    )


def _floor(source: Source, target: float) -> str:
    """Return the interval of what is irreducible in the metric, told apart from a target, the lesser end first."""
    known = source.facts.get("irreducible_error") or {"low": None, "high": None}
    ends = [known["low"], known["high"]]
    if source.question.direction == "higher":
        ends.reverse()
    return " to ".join("open" if end is None else _apart(source.metric(end), target) for end in ends)
