"""Write down what compute buys: the lines a person reads, and the same as plain JSON values."""

from __future__ import annotations

from typing import Any

from harness.burden.answer import Burden, Missing
from harness.burden.exponent import ARTICLE, COSTLIEST, LEAST, THEORY, Ends, Fit, Interval
from harness.burden.halving import LEAST_RECORDS, Level, Progress
from harness.burden.int8 import Effect
from harness.burden.points import error_form
from registry.report import table

_HEADINGS = ("points", "n", "k", "90 %", "by source", "inverse k", "R2", "halving the error takes")
_LEFT = (0, 7)


def lines(found: Burden, name: str) -> list[str]:
    """Return what compute buys as lines.

    Args:
        found: The fits.
        name: Task and data set.
    """
    collection = found.collection
    n = len(collection.as_trained)
    accounts = ", ".join(f"{count} {account.replace('-', ' ')}" for account, count in collection.accounts.items())
    out = [
        f"{name}, {error_form(collection.metric)} over training compute:"
        f" {n} trainings of {collection.n_figures:,} figures",
        f"  compute is {accounts}; {found.all_points.n_sources} sources{_left_out(found)}",
    ]
    rows: list[tuple[str, ...]] = [_HEADINGS, _row("all", found.all_points, found.halving(found.all_points))]
    others = (("frontier", found.frontier), *found.variants.items())
    rows += [_row(kind, one, found.halving(one)) for kind, one in others if isinstance(one, Fit)]
    out += ["  " + line for line in table(rows, _LEFT)]
    if found.silence:
        out.append(f"  What halving the error takes is not said: {found.silence}.")
    if isinstance(found.frontier, Missing):
        out.append(f"  No line through the frontier: {found.frontier.why}.")
    out.append(
        f"  Compute grows as (1 / error) ** k. By Thompson et al. k is at least {THEORY:g} in theory (x {2**THEORY:g})"
        f" and at least {ARTICLE:g} in practice (x {2**ARTICLE:g})."
    )
    too_few = [f"{kind} ({one.n})" for kind, one in found.variants.items() if isinstance(one, Missing)]
    if too_few:
        out.append(f"  Too few with compute of their own for a line: {', '.join(too_few)}.")
    if found.int8 is not None:
        out.append(f"  {_int8(found.int8, found.all_points)}")
    return out


def _int8(found: Effect, line: Fit) -> str:
    """Say what int8 does to errors and, where there are pairs enough, to k."""
    least, median, most = found.ratio
    said = f"int8 makes {median:.2f} x the error of the same network in floats ({least:.2f} to {most:.2f}, n {found.n})"
    if found.slope is None or line.exponent is None:
        return f"{said}: {LEAST} tell what it does to k."
    moved = found.exponent(line.exponent.value)
    if moved is None:
        return f"{said}, and no more where floats make more: nothing is said of k."
    slope = f"{found.slope.value:.2f} ({_two(found.slope)})"
    return f"{said}; its log grows {slope} x as fast as theirs, so k {line.exponent.value:.1f} becomes {_moved(moved)}."


def _moved(found: Interval) -> str:
    return f"{found.value:.1f} ({_ends(Ends(*found[1:]))})"


def _two(found: Interval) -> str:
    return " to ".join("open" if end is None else f"{end:.2f}" for end in found[1:])


def year_lines(found: Progress) -> list[str]:
    """Return how fast compute falls at equal error, as lines."""
    out = [f"compute at equal error, by year ({found.n} trainings, {found.first} to {found.last}):"]
    out += [_level_line(level) for level in found.levels]
    if found.trend is None:
        out.append("  All trainings together do not tell years from compute.")
    else:
        out.append(f"  All trainings together: it halves every {months(found.trend)}.")
    return out


def values(found: Burden) -> dict[str, Any]:
    """Return what compute buys as plain JSON values."""
    collection = found.collection
    return {
        "metric": dict(collection.metric),
        "error": error_form(collection.metric),
        "n_figures": collection.n_figures,
        "n_trainings": len(collection.as_trained),
        "n_repeats": collection.n_repeats,
        "n_perfect": collection.n_perfect,
        "accounts": collection.accounts,
        "error_span": found.span,
        "all": _fit_values(found, found.all_points),
        "frontier": _fit_values(found, found.frontier),
        "variants": {kind: _fit_values(found, one) for kind, one in found.variants.items()},
        "int8_pairs": None if found.int8 is None else _int8_values(found.int8, found.all_points),
        "why_no_halving": found.silence,
        "theory": THEORY,
        "article": ARTICLE,
    }


def year_values(found: Progress) -> dict[str, Any]:
    """Return how fast compute falls at equal error as plain JSON values."""
    return {
        "n": found.n,
        "first": found.first,
        "last": found.last,
        "levels": [
            {
                "what": level.what,
                "error": level.error,
                "records": [
                    {"name": one.name, "year": one.year, "train_flops": one.train_flops, "error": one.error}
                    for one in level.records
                ],
                "months": _interval_values(level.months),
            }
            for level in found.levels
        ],
        "trend_months": _interval_values(found.trend),
    }


def exponent(fit: Fit) -> tuple[str, str, str, str]:
    """Return k, its interval, its interval by source, and the inverse k, as text; a dash where there is none."""
    if fit.exponent is None or fit.inverse is None:
        return "-", "-", "-", "-"
    by_source = "-" if fit.by_source is None else _ends(fit.by_source)
    return f"{fit.exponent.value:.1f}", _ends(Ends(*fit.exponent[1:])), by_source, f"{fit.inverse.value:.1f}"


def halving(found: Interval | None) -> str:
    """Return what halving the error takes, as text; a dash where that is not said."""
    if found is None:
        return "-"
    low, high = (
        "open" if end is None else "1" if end < 1.05 else _factor(end) for end in found[1:]
    )  # fmt: skip
    return f"{_factor(found.value)} x the compute ({low} to {high})"


def months(found: Interval) -> str:
    """Return a halving time with its interval, as text."""
    low, high = ("open" if end is None else f"{end:.0f}" for end in found[1:])
    return f"{found.value:.0f} months ({low} to {high})"


def _row(kind: str, fit: Fit, cost: Interval | None) -> tuple[str, ...]:
    return (kind, f"{fit.n}", *exponent(fit), f"{fit.r2:.2f}", halving(cost))


def _left_out(found: Burden) -> str:
    collection = found.collection
    counts = ((collection.n_repeats, "told twice"), (collection.n_perfect, "without any error"))
    return "".join(f"; {n} {what} left out" for n, what in counts if n)


def _level_line(level: Level) -> str:
    start = f"  To an error of {level.error:.3g}, {level.what}:"
    if level.months is not None:
        path = ", ".join(f"{one.year} {one.train_flops:.1e}" for one in level.records)
        return f"{start} it halves every {months(level.months)}; least so far {path}."
    if len(level.records) == 1:
        return f"{start} nothing later took less than {level.records[0].train_flops:.1e} flops."
    path = ", then ".join(f"{one.train_flops:.1e} in {one.year}" for one in level.records)
    return f"{start} {path}; a halving time takes {LEAST_RECORDS} steps."


def _ends(ends: Ends) -> str:
    return " to ".join("open" if end is None else f"{end:.1f}" for end in ends)


def _factor(value: float) -> str:
    return f"{value:,.0f}" if value < 1e6 else f"{value:.0e}" if value < COSTLIEST else "open"


def _fit_values(found: Burden, one: Fit | Missing) -> dict[str, Any]:
    if isinstance(one, Missing):
        return {"n": one.n, "missing": one.why}
    return {
        "n": one.n,
        "n_sources": one.n_sources,
        "exponent": _interval_values(one.exponent),
        "exponent_by_source": None if one.by_source is None else one.by_source._asdict(),
        "inverse_exponent": _interval_values(one.inverse),
        "r2": one.r2,
        "slope": one.slope,
        "log_error_at_1": one.level,
        "halving": _interval_values(found.halving(one)),
    }


def _int8_values(found: Effect, line: Fit) -> dict[str, Any]:
    exponent = None if line.exponent is None else found.exponent(line.exponent.value)
    return {
        "n": found.n,
        "error_ratio": dict(zip(("least", "median", "most"), found.ratio, strict=True)),
        "slope": _interval_values(found.slope),
        "exponent": _interval_values(exponent),
    }


def _interval_values(found: Interval | None) -> dict[str, float | None] | None:
    return None if found is None else found._asdict()
