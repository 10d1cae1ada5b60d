"""Write down what laws answer: the lines a person reads, and the same as plain JSON values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from registry.laws.cells import SHAPE
from registry.laws.counting import count, is_far_data, most
from registry.report import table
from registry.wording import aim, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.answers import Query
    from registry.law import Interval
    from registry.laws.cells import Cells
    from registry.laws.predict import Forecast, Needed, Reply
    from registry.laws.sources import Refusal, Source
    from registry.laws.standing import Certified

SHOWN: Final = 10  # laws a person wants to see; --json has all


def predict_lines(query: Query, n_train: float, reply: Reply) -> list[str]:
    """Return forecasts as lines: a table, and per law what binds and what it rests on."""
    forecasts: Sequence[Forecast] = reply.answers[:SHOWN]
    metrics = " or ".join(dict.fromkeys(one.source.question.metric for one in forecasts))
    rows: list[tuple[str, ...]] = [
        ("guideline", "predicted", "mean, 80 %", "mean, 90 %", "one run, 80 %", "one run, 90 %")
    ]
    for one in forecasts:
        source, error = one.source, one.error
        mean, run = ([_either(source, each, level) for level in (80, 90)] for each in (error.mean, error.run))
        rows.append((short(source), shown(source.metric(error.value)), *mean, *run))
    out = [
        f"{query.task}, validation {metrics} after training on {n_train:,.0f} examples, predicted, not measured:",
        *(f"  {line}" for line in table(rows, (0,))),
    ]
    for one in forecasts:
        out += [f"  {short(one.source)}, {_shape(one.source, one.sizes, one.chosen)}:"]
        out += [f"    {line}" for line in _says(one)]
    return out + _rest(reply)


def needed_lines(query: Query, reply: Reply) -> list[str]:
    """Return how much data targets take as lines: a table, and per law what it rests on."""
    found: Sequence[Needed] = reply.answers[:SHOWN]
    rows: list[tuple[str, ...]] = [("target", "guideline", "examples", "90 % interval", "fitted on")]
    rows += [
        (
            f"{one.target:g}",
            short(one.source),
            _found(one),
            "-" if one.bounds is None else " to ".join(_examples(one.source, end) for end in one.bounds[1:]),
            one.source.range_of("n_train"),
        )
        for one in found
    ]
    out = _certified(found)
    out += [
        f"{query.task}, training examples that validation {query.metric} takes, predicted, not measured:",
        *(f"  {line}" for line in table(rows, (1,))),
    ]
    for one in found:
        out += [f"  {line}" for line in _takes(one)]
    for source in {one.source.id: one.source for one in found}.values():
        sizes = next((one.sizes, one.chosen) for one in found if one.source.id == source.id)
        lines = [*backtested(source), *cautions(source)]
        out += [f"  {short(source)}, {_shape(source, *sizes)}:", *(f"    {line}" for line in lines)]
    return out + _rest(reply)


def forecast_values(one: Forecast) -> dict[str, Any]:
    """Return a forecast as plain JSON values, in the task's metric."""
    source = one.source
    return {
        **source_values(source),
        "predicted": True,
        "n_train": one.n_train,
        "sizes": dict(one.sizes),
        "sizes_chosen_here": list(one.chosen),
        "value": source.metric(one.error.value),
        "error": one.error.value,
        "mean": _intervals(source, one.error.mean),
        "one_run": _intervals(source, one.error.run),
        "outside_range": one.error.outside > 0,
        "binds": one.binds,
        "with_twice_as_much": {name: source.metric(error) for name, error in one.doubled.items()},
        "with_endless_data": source.metric(one.limit),
        "targets": [{"target": target, "verdict": verdict} for target, verdict in one.verdicts.items()],
        "certified": None if one.certified is None else _certified_values(one.certified),
    }


def needed_values(one: Needed) -> dict[str, Any]:
    """Return how much data a target takes as plain JSON values."""
    bounds = one.bounds
    return {
        **source_values(one.source),
        "predicted": True,
        "target": one.target,
        "sizes": dict(one.sizes),
        "sizes_chosen_here": list(one.chosen),
        "n_train": None if bounds is None else {"value": bounds.value, "low": bounds.low, "high": bounds.high},
        "certified": None if one.certified is None else _certified_values(one.certified),
        "law_refuses": None if one.refused is None else one.refused.message,
    }


def source_values(source: Source) -> dict[str, Any]:
    """Return where a law is from and what it rests on as plain JSON values."""
    question, law = source.question, source.law
    return {
        "task": question.task,
        "dataset": question.dataset,
        "family": source.family,
        "metric": {"name": question.metric, "unit": question.unit, "direction": question.direction},
        "id": source.id,
        "version": source.version,
        "superseded": source.superseded,
        "root": {"path": source.root.path, "shipped": source.root.shipped},
        "law": {
            "variables": list(law.variables),
            "of": "validation",
            "cells": _cells_values(source.cells),
            "shape": {key: source.facts[key] for key in ("width", "depth", "resolution")}
            if source.facts.get("width") is not None
            else None,
            "valid_range": source.facts["valid_range"],
            "backtest_error": source.facts.get("backtest_error"),
            "calibrated": law.calibration.known,
            "draws": law.n_draws,
        },
    }


def _cells_values(cells: Cells) -> dict[str, Any]:
    improving = cells.improving
    return {
        **{name: list(each) for name, each in cells.shape.items()},
        "still_improving": None
        if improving is None
        else dict(zip(("n_train", "cells", "improving"), improving, strict=True)),
    }


def _certified_values(one: Certified) -> dict[str, Any]:
    return {
        "n_train": one.n_train,
        "params": one.params,
        "depth": one.depth,
        "resolution": one.resolution,
        "test_median": one.median,
    }


def refused_values(refused: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Return why laws do not answer as plain JSON values."""
    return [
        {"id": one.source.id, "version": one.source.version, "asked": one.asked, "reason": one.reason.message}
        for one in refused
    ]


def backtested(source: Source) -> list[str]:
    """Say what a law was fitted on and how well it foretold its own largest cells."""
    ranges, where = ", ".join(f"{name} {source.range_of(name)}" for name in source.law.variables), source.cells.where
    shown_before = len(source.law.variables) == 1  # of one shape, which is named above
    out = [f"Fitted on {ranges}{f', at {where}' if where and not shown_before else ''}."]
    error = source.facts.get("backtest_error")
    if error is not None:
        out.append(f"Fitted without its largest cells it missed their error by {100 * error:.0f} %.")
    if source.cells.improving is not None:
        largest, cells, capped = source.cells.improving
        which = "the cell was" if cells == 1 else f"{capped} of {cells} cells {'was' if capped == 1 else 'were'}"
        out.append(f"At {largest:,} examples {which} still improving at the most steps.")
    return out


def cautions(source: Source) -> list[str]:
    """Say what keeps a law's interval from being one."""
    out = []
    if not source.law.n_draws:
        out.append("It has no interval: it was fitted to one run a cell, or to no more than its curve.")
    elif not source.law.calibration.known:
        out.append("Its intervals are not calibrated: they know the noise between runs alone and are too narrow.")
    if source.superseded:
        out.append("This version is superseded; no newer one has a law.")
    return out


def short(source: Source) -> str:
    """Return ``digits/mlp v1``: the task stands above."""
    return f"{source.question.dataset}/{source.family} v{source.version}"


def _says(one: Forecast) -> list[str]:
    source = one.source
    out = [] if one.certified is None else [_stands(one.certified)]
    out += [*backtested(source), *_binding(one)]
    out += [line for target in one.verdicts for line in _held(one, target)]
    if one.error.outside > 0:
        rest = "." if is_measured(source, one.n_train, one.sizes) else ", and nothing there was measured."
        out.append(f"Outside that range: the interval is widened for the distance{rest}")
    return out + cautions(source)


def is_measured(source: Source, n_train: float, sizes: Mapping[str, float]) -> bool:
    """Say whether a cell of a law lies as far outside its range as this does."""
    return source.cells.reach({source.law.variables[0]: n_train, **sizes})


def _stands(one: Certified) -> str:
    """Say what was measured beside what is predicted."""
    shape = "".join(f", {name} {value}" for name, value in zip(SHAPE, one.shape, strict=True) if value)
    return (
        f"{shown(one.median)} is certified on the test split: {one.params:,} params{shape}, {one.n_train:,} examples."
    )


def _shape(source: Source, sizes: Mapping[str, float], chosen: Sequence[str]) -> str:
    """Name the network a law speaks of, and whose choice its size was."""
    if not sizes:
        return source.network
    named = ", ".join(f"{name} {value:,.0f}" for name, value in sizes.items())
    return f"{named}{' (the most in the range)' if chosen else ''}"


def _binding(one: Forecast) -> list[str]:
    source = one.source
    known = source.facts.get("chance")
    if known and one.error.value >= known:
        return ["The law says chance here: what binds cannot be told."]
    said = {name: f"twice the {_WORDS[name]} {shown(source.metric(error))}" for name, error in one.doubled.items()}
    inside = ", ".join(text for name, text in said.items() if name not in one.beyond)
    outside = ", ".join(text for name, text in said.items() if name in one.beyond)
    if not said:
        inside = "twice as much lies outside the range (--extrapolate)"
    if one.binds == "floor":
        limit = shown(source.metric(one.limit))
        out = [f"The floor binds: by the law endless data, far outside the range, bring {limit}."]
        out += [f"{inside[0].upper()}{inside[1:]}."] if inside else []
    else:
        binds = f"{_WORDS[one.binds].capitalize()} bind{'s' if one.binds in ('width', 'depth') else ''}"
        if one.binds in said and one.binds in one.beyond:  # it is told below; what lies inside is another matter
            out = [f"{binds}.", *([f"{inside[0].upper()}{inside[1:]}."] if inside else [])]
        elif one.binds in said or not said:
            out = [f"{binds}: {inside}." if inside else f"{binds}."]
        else:
            out = [f"{binds}, twice as much lies outside the range (--extrapolate); {inside}."]
    return [*out, f"Outside the range {outside}."] if outside else out


_WORDS: Final = {"n_train": "examples", "params": "params", "width": "width", "depth": "depth", "steps": "steps"}


def _held(one: Forecast, target: float) -> list[str]:
    """Say whether a target is met, and where a certified network says otherwise."""
    verdict = one.verdicts[target]
    if one.error.mean is None:
        return [f"{aim(target)} is undecided: the law has no interval."]
    if verdict == "undecided":
        return [f"{aim(target)} is undecided: it lies in the 90 % interval of the mean."]
    said = f"{aim(target)} is {verdict} by the whole 90 % interval of the mean"
    certified, cells, sign = one.certified, one.source.cells, one.source.question.sign
    if certified is None or (certified.score is not None and certified.score >= sign * target) == (verdict == "met"):
        return [f"{said}."]
    if verdict == "met":
        return [
            f"{said}, on validation examples,",
            "but the certified network is not sure to meet it on the test split.",
        ]
    other = "" if cells.has(*certified.shape) else f": the law is of {cells.where}"
    return [f"{said},", f"but the certified network meets it{other}."]


def _certified(found: Sequence[Needed]) -> list[str]:
    """Say what is known rather than predicted: it comes first."""
    known = [(one.target, short(one.source), one.certified) for one in found if one.certified is not None]
    return [
        f"{target:g} is certified in {source}: {certified.params:,} params, {certified.n_train:,} examples."
        for target, source, certified in known
    ]


def _takes(one: Needed) -> list[str]:
    source = one.source
    if one.refused is not None:
        return [f"{one.target:g}: the law of {short(source)} does not answer:", f"  {one.refused.message}."]
    if one.bounds is None:
        return [f"{one.target:g}: the law of {short(source)} never gets there, but a certified network does."]
    out = []
    if one.bounds.low is not None and one.bounds.high is None:
        out.append(f"{one.target:g} is open above in {short(source)}: the upper end of the interval never gets there.")
    if one.outside:
        far = "far " if is_far_data(source.law, math.log(one.bounds.value)) else ""
        rest = "" if is_measured(source, one.bounds.value, one.sizes) else ": nothing there was measured"
        out.append(f"{one.target:g} lies {far}outside the range of {short(source)}{rest}.")
    return out


def _found(one: Needed) -> str:
    if one.bounds is None:
        return "-"
    far = "far outside: " if is_far_data(one.source.law, math.log(one.bounds.value)) else ""
    return f"{far}{_examples(one.source, one.bounds.value)}"


def _examples(source: Source, value: float | None) -> str:
    """Return a number of examples as far as a law knows it."""
    if value is None:
        return "open"
    return most(source.law) if is_far_data(source.law, math.log(value)) else count(value)


def _rest(reply: Reply) -> list[str]:
    out = [f"  {short(one.source)} does not answer: {one.reason.message}." for one in reply.refused[:SHOWN]]
    if len(reply.answers) > SHOWN:
        out.append(f"Only {SHOWN} of {len(reply.answers)} are here: choose with --dataset or --family; --json has all.")
    return out


def _either(source: Source, intervals: Mapping[int, Interval] | None, level: int) -> str:
    if intervals is None:
        return "open"
    low, high = source.metrics(intervals[level])
    return f"[{shown(low)}, {shown(high)}]"


def _intervals(source: Source, intervals: Mapping[int, Interval] | None) -> dict[str, list[float]] | None:
    return None if intervals is None else {str(k): list(source.metrics(each)) for k, each in intervals.items()}
