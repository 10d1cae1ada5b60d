"""Say of what no network on record reaches what a law predicts of it, or which floor stands in the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from registry.answers import Predicted, Query
from registry.errors import NoAnswer
from registry.law import evaluate, locate, needed
from registry.laws.counting import about
from registry.laws.predict import is_irreducible, is_open
from registry.laws.sources import find
from registry.wording import target_option

if TYPE_CHECKING:
    from registry.answers import Network, Question
    from registry.index import Index
    from registry.laws.sources import Source


def predicted(indexes: list[Index], question: Question, network: Network, n_train: int) -> Predicted | None:
    """Return what the law of a network's record predicts for ``n_train`` examples; None where it predicts nothing."""
    source = _source(indexes, question, network)
    if source is None:
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


def _source(indexes: list[Index], question: Question, network: Network) -> Source | None:
    query = Query(question.task, (), question.metric, question.dataset, network.family)
    try:
        found = find(indexes, query)
    except NoAnswer:
        return None
    return next((source for source in found if (source.id, source.version) == (network.id, network.version)), None)
