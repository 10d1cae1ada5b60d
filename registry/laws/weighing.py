"""Write down what a tradeoff found: the lines a person reads, and the same as plain JSON values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from registry.laws.counting import count, is_far
from registry.laws.mixes import Best, Weighed
from registry.laws.report import backtested, cautions, forecast_values, is_measured, short, source_values
from registry.report import table
from registry.wording import aim, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.answers import Query
    from registry.laws.costing import Costing
    from registry.laws.mixes import Change, Changed, Mix
    from registry.laws.predict import Reply
    from registry.laws.sources import Source

_NAMES: Final = {"n_train": "data", "params": "params"}


def lines(query: Query, reply: Reply) -> list[str]:
    """Return tradeoffs as lines: per law a table, the verdict, what it rests on and how training was counted."""
    out: list[str] = []
    for one in reply.answers:
        out += _weighed_lines(query, one) if isinstance(one, Weighed) else _best_lines(query, one)
    return out + [f"{short(one.source)} does not answer: {one.reason.message}." for one in reply.refused]


def values(one: Best | Weighed) -> dict[str, Any]:
    """Return a tradeoff as plain JSON values."""
    return _weighed_values(one) if isinstance(one, Weighed) else _best_values(one)


def naming(change: Change) -> str:
    """Return ``data*2``."""
    name, factor = change
    return f"{_NAMES[name]}*{factor:g}"


def verdict(found: Weighed) -> str:
    """Say which change helps more, or that this is undecided."""
    what = " per price" if found.priced else ""
    if found.winner is None:
        if len(found.changes) == 1:
            (only,) = found.changes
            if only.ratio.is_decided:
                return f"{naming(only.change)} does not help."
            return f"Undecided: the 90 % interval of {naming(only.change)} covers no change."
        return f"Undecided: the paired 90 % interval covers that the changes help alike{what}."
    best = naming(found.changes[found.winner].change)
    return f"{best} helps{what}." if len(found.changes) == 1 else f"{best} helps more{what}."


def _best_lines(query: Query, found: Best) -> list[str]:
    asked = (
        f"best validation {found.source.question.metric} for {found.budget:.3g} train flops"
        if found.target is None
        else f"the cheapest mix for validation {query.metric} {aim(found.target)}"
    )
    mixes = sorted((found.mix, *found.beside), key=lambda mix: mix.params)
    out = [f"{query.task}, {short(found.source)}: {asked}, predicted, not measured:"]
    out += _table(found.source, [("best" if mix is found.mix else "", mix) for mix in mixes])
    out += _warned(mixes)
    if found.mix.edge and found.extrapolated:
        out.append(
            "  These params are at an end of those looked at, outside the range: further out may be better still."
        )
    elif found.mix.edge:
        out.append("  These params are at an end of the range: beyond it may be better still (--extrapolate).")
    out += [f"  Left out, though some may be better: mixes {which}." for which in found.left_out]
    return out + _rests(found.source, found.costing)


def _weighed_lines(query: Query, found: Weighed) -> list[str]:
    rows = [("now", found.mix), *((naming(changed.change), changed.mix) for changed in found.changes)]
    return [
        f"{query.task}, {short(found.source)}: changes of one mix by validation {found.source.question.metric}, "
        "predicted, not measured:",
        *_table(found.source, rows, [None, *found.changes]),
        *_warned([mix for _, mix in rows]),
        f"  {verdict(found)}",
        *_rests(found.source, found.costing),
    ]


def _best_values(found: Best) -> dict[str, Any]:
    return {
        **source_values(found.source),
        "target": found.target,
        "budget_flops": found.budget,
        "costing": _costing_values(found.costing),
        "mix": _mix_values(found.mix),
        "beside": [_mix_values(mix) for mix in found.beside],
        "left_out": list(found.left_out),
    }


def _weighed_values(found: Weighed) -> dict[str, Any]:
    return {
        **source_values(found.source),
        "costing": _costing_values(found.costing),
        "mix": _mix_values(found.mix),
        "changes": [
            {
                "change": naming(changed.change),
                "mix": _mix_values(changed.mix),
                "error_ratio": {"value": changed.ratio.ratio, "low": changed.ratio.low, "high": changed.ratio.high},
                "extra_cost": changed.extra,
            }
            for changed in found.changes
        ],
        "winner": None if found.winner is None else naming(found.changes[found.winner].change),
        "per_price": found.priced,
        "verdict": verdict(found),
    }


def _table(
    source: Source, mixes: Sequence[tuple[str, Mix]], changes: Sequence[Changed | None] | None = None
) -> list[str]:
    heading = ["", "examples", "params", "train flops", source.question.metric, "90 % of the mean"]
    priced = mixes[0][1].cost is not None
    heading += ["cost"] if priced else []
    heading += ["error x"] if changes else []
    outside = any(mix.forecast.error.outside > 0 for _, mix in mixes)
    heading += ["range"] if outside else []
    rows = [tuple(heading)]
    for position, (name, mix) in enumerate(mixes):
        error = mix.forecast.error
        interval = "open"
        if error.mean is not None:
            low, high = source.metrics(error.mean[90])
            interval = f"[{shown(low)}, {shown(high)}]"
        exact = changes is not None and not _is_far(mix)  # what was asked for stands as it is
        numbers = (f"{value:,.0f}" if exact else count(value) for value in (mix.n_train, mix.params))
        row = [name, *numbers, f"{mix.train_flops:.3g}"]
        row += [shown(source.metric(error.value)), interval]
        row += [f"{mix.cost:,.4g}"] if mix.cost is not None else []
        row += [_ratio(changes[position])] if changes else []
        row += [_where(mix)] if outside else []
        rows.append(tuple(row))
    return [f"  {line}" for line in table(rows, (0,))]


def _where(mix: Mix) -> str:
    return "far outside" if _is_far(mix) else "outside" if mix.forecast.error.outside > 0 else "inside"


def _is_far(mix: Mix) -> bool:
    return is_far(mix.forecast.source.law, (math.log(mix.n_train), math.log(mix.params)))


def _warned(mixes: Sequence[Mix]) -> list[str]:
    if all(mix.forecast.error.outside == 0 for mix in mixes):
        return []
    outside = [mix.forecast for mix in mixes if mix.forecast.error.outside > 0]
    if any(is_measured(one.source, one.n_train, one.sizes) for one in outside):
        return ["  Outside the range intervals are widened for the distance."]
    return ["  Outside the range nothing was measured; intervals there are widened for the distance."]


def _ratio(changed: Changed | None) -> str:
    if changed is None:
        return "1"
    ratio = changed.ratio
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.3f} [open]"
    return f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _rests(source: Source, count: Costing) -> list[str]:
    flops = f"{count.flops_per_param:.3g} x params"
    whose = "as in the record's networks" if count.measured else "as in a dense network, an approximation"
    if count.sides is not None:
        whose = f"by pixels from the record's networks, resolution {count.sides[0]}, to {count.sides[1]}"
    seen = (
        f"grow as n_train ** {count.slope:.2f}, as in its cells" if count.fitted else "taken to be n_train: one epoch"
    )
    return [
        *(f"  {line}" for line in backtested(source)),
        *(
            [f"  Train flops are 3 x flops x examples seen; flops are {flops} ({whose}),"]
            if count.sides is None
            else [f"  Train flops are 3 x flops x examples seen; flops are {flops}", f"  ({whose}),"]
        ),
        f"  examples seen {seen}.",
        *(f"  {line}" for line in cautions(source)),
    ]


def _mix_values(mix: Mix) -> dict[str, Any]:
    values = forecast_values(mix.forecast)
    keys = ("predicted", "n_train", "value", "error", "mean", "one_run", "outside_range")
    return {
        **{key: values[key] for key in keys},
        "params": mix.params,
        "train_flops": mix.train_flops,
        "cost": mix.cost,
        "params_at_end_of_range": mix.edge,
    }


def _costing_values(count: Costing) -> dict[str, Any]:
    return {
        "flops_per_param": count.flops_per_param,
        "flops_measured": count.measured and count.sides is None,
        "flops_scaled_by_resolution": None if count.sides is None else list(count.sides),
        "examples_seen_exponent": count.slope,
        "examples_seen_measured": count.fitted,
    }
