"""`guides fit`: fit laws to a person's own learning curves; predict, and say what data a target takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from registry import parse
from registry.errors import GuidesError, Inconclusive, InvalidData, NoAnswer, OutsideRange, UsageError
from registry.options import Reading, as_json, examples, law_sizes, print_json, quiet
from registry.options import targets as target_options

if TYPE_CHECKING:
    from harness.curve_file import CurveFile
    from harness.curves import Fitted
    from harness.laws.exponents import BestSize, Comparison

MOST_DRAWN: Final = 1000.0  # times the largest size measured
UNIT: Final = {"n_train": "training examples", "steps": "steps"}


@click.command(
    "fit",
    epilog=examples(
        "guides fit curve.csv --target-acc 0.95 --extrapolate --plot curve.svg",
        "guides fit losses.csv --at 1M --extrapolate --json",
    ),
)
@click.argument("curve", type=click.Path(path_type=Path, dir_okay=False), metavar="CURVE.csv")
@target_options
@click.option("--at", multiple=True, type=Reading("size", parse.size), metavar="N", help="Predict at N (repeatable).")
@law_sizes
@click.option(
    "--chance", type=Reading("error", parse.number), metavar="E", help="Error (or loss) of guessing, if you know it."
)
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw to FILE.svg, .png or .pdf."
)
@as_json
@quiet
def COMMAND(
    curve: Path,
    accuracies: tuple[list[float], ...],
    targets: tuple[parse.Target, ...],
    at: tuple[int, ...],
    chance: float | None,
    extrapolate: bool,
    plot: Path | None,
    json_: bool,
    quiet: bool,
    **sizes: int | None,
) -> None:
    """Fit laws to the points of CURVE.csv: how the error falls with data (or steps), and with size if it says any.

    Columns: n, n_train or steps; error, accuracy or loss, or wrong and total; perhaps params, or width and depth;
    stderr; seed; curve, where the file holds several.
    """
    from harness import curves, drawing
    from harness.curve_file import read_curves

    if plot is not None:
        drawing.check_path(plot)
    file = read_curves(curve)
    if file.unread and not quiet:
        click.echo(f"warning: not read: {', '.join(file.unread)}", err=True)
    asked = [*targets, *(parse.Target("accuracy", value) for values in accuracies for value in values)]
    errors = {target: _error(file, target) for target in asked}
    asked_size = {name: float(value) for name, value in sizes.items() if value is not None}
    fitted: list[Fitted] = []
    refused: list[GuidesError] = []
    for name in file.curves:
        try:
            fitted.append(curves.fit(file, name, chance=chance))
        except InvalidData as refusal:
            refused.append(refusal)
    answers = [_answers(one, errors, at, one.sizes(asked_size), extrapolate=extrapolate) for one in fitted]
    refused += [failure for answer in answers for failure in answer["refused"]]
    compared = curves.shared_exponent(fitted) if len(fitted) > 1 else None
    if plot is not None and fitted:
        _plot(plot, curve.name, file, fitted, errors, answers)
    if json_:
        values = [_values(*pair) for pair in zip(fitted, answers, strict=True)]
        shared = None if compared is None else _compared_values(compared)
        print_json("fit", {"file": str(curve), "curves": values, "shared_exponent": shared})
    else:
        for one, answer in zip(fitted, answers, strict=True):
            click.echo("\n".join(_lines(one, file, answer)))
        if compared is not None:
            click.echo("\n".join(curves.exponent_lines(compared)))
    for failure in refused[1:]:
        click.echo(str(failure), err=True)
    if refused:
        raise refused[0]


def _error(file: CurveFile, target: parse.Target) -> float:
    """Return a target as an error of the file.

    Raises:
        UsageError: If the file's results are of another metric.
    """
    if file.result == "loss":
        if target.metric != "loss" or target.value <= 0:
            raise UsageError(
                f"{target.metric} {target.value:g} is no target for losses", "use --target loss=VALUE, above 0"
            )
        return target.value
    if target.metric not in ("error", "accuracy"):
        raise UsageError(
            f"the file holds {file.result}, not {target.metric}", "use --target-acc A or --target error=VALUE"
        )
    error = 1 - target.value if target.metric == "accuracy" else target.value
    if not 0 < error < 1:
        raise UsageError(f"{target.metric} {target.value:g} cannot be reached, expected a fraction between 0 and 1")
    return error


def _answers(
    one: Fitted,
    errors: dict[parse.Target, float],
    asked: tuple[int, ...],
    sizes: dict[str, float],
    *,
    extrapolate: bool,
) -> dict[str, Any]:
    """Return predictions and data needed; what cannot be answered is kept, so that the rest is said first."""
    from registry.law import data_needed, evaluate

    found: dict[str, Any] = {"sizes": sizes, "predictions": [], "targets": [], "refused": [], "next": None}
    name = f"{one.name}: " if one.name else ""
    for size in asked:
        try:
            found["predictions"].append((size, evaluate(one.law, size, extrapolate=extrapolate, **sizes)))
        except NoAnswer as refusal:
            found["refused"].append(OutsideRange(f"{name}{refusal.message}", refusal.hint))
    for target, error in errors.items():
        words = f"{name}{target.metric} {target.value:g}"
        try:
            found["targets"].append((target, data_needed(one.law, error, extrapolate=extrapolate, level=90, **sizes)))
        except OutsideRange as refusal:
            found["refused"].append(OutsideRange(f"{words}: {refusal.message}", refusal.hint))
        except NoAnswer as refusal:
            found["refused"].append(_out_of_reach(one, words, error, refusal))
    if asked or found["targets"]:
        at = float(asked[-1]) if asked else found["targets"][-1][1].value
        found["next"] = one.measure_next(at, sizes)
    return found


def _out_of_reach(one: Fitted, words: str, error: float, refusal: NoAnswer) -> GuidesError:
    """Say that a target is out of reach, or, where it lies inside the interval of the floor, that this is undecided."""
    floor = one.law["irreducible_error"] if len(one.law["variables"]) == 1 else one.law["width_floor"]
    if floor is not None and floor["low"] is not None and error < floor["low"]:
        return NoAnswer(f"{words}: {refusal.message}", refusal.hint)
    low = "may be nothing" if floor is None or floor["low"] is None else f"may be as low as {floor['low']:.4g}"
    return Inconclusive(
        f"{words} is undecided: the curve levels off above it, but the error that is left {low}",
        "measure at larger sizes, or more runs of the largest",
    )


def _lines(one: Fitted, file: CurveFile, answer: dict[str, Any]) -> list[str]:
    from registry.law import Law
    from registry.laws.counting import about, count

    law, unit = one.law, UNIT[file.variable]
    low, high = law["valid_range"][file.variable]
    name = f"{one.name}: " if one.name else ""
    out = [f"{name}{len(law['points'])} points, {low:,.0f} to {high:,.0f} {unit}"]
    out += [f"  {line}" for line in one.description()]
    best = one.best_params()
    if best is not None:
        out.append(f"  {_best(*best)}")
    unseen = one.best_params_unseen()
    if unseen is not None:
        out.append(f"  {unseen}")
    out += [f"  note: {flag}" for flag in one.flags]
    if answer["sizes"]:
        asked = ", ".join(f"{name} {value:,.0f}" for name, value in answer["sizes"].items())
        out.append(f"  for networks of {asked}:")
    for size, predicted in answer["predictions"]:
        value, sure = _shown(file, predicted.value), _interval(file, predicted.mean)
        run = _interval(file, predicted.run)
        outside = ", outside the range" if predicted.outside else ""
        out.append(f"  at {size:,} {unit}{outside}: {file.result} {value} predicted, 90 % sure {sure}; one run {run}")
    for target, needed in answer["targets"]:
        takes = about(Law(law), math.log(needed.value))
        ends = " to ".join("open" if end is None else count(end) for end in (needed.low, needed.high))
        beyond = ", outside the range" if not low <= needed.value <= high * (1 + 1e-9) else ""
        out.append(f"  {target.metric} {target.value:g} takes {takes} {unit} (90 % sure: {ends}){beyond}")
    if answer["next"]:
        out.append(f"  {answer['next']}")
    return out


def _best(found: BestSize, how: str) -> str:
    n, exponent = found.n_train[-1], found.exponent
    size = found.coefficient.value * n**exponent.value
    ends = " to ".join(f"{end:.2f}" if math.isfinite(end) else "open" for end in (exponent.low, exponent.high))
    grow = f"params grow as n_train^{exponent.value:.2f} (90 % sure: {ends})"
    return f"best size at {n:,.0f}: {float(f'{size:.3g}'):,.0f} params ({how}); {grow}"


def _shown(file: CurveFile, error: float) -> str:
    return f"{file.error(error):.4g}"


def _interval(file: CurveFile, ends: Any) -> str:
    if not ends:
        return "open"
    low, high = sorted(file.error(end) for end in ends[90])
    return f"{low:.4g} to {high:.4g}"


def _values(one: Fitted, answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "curve": one.name,
        "law": one.law,
        "flags": one.flags,
        "sizes": answer["sizes"],
        "best_size": _best_values(one),
        "predictions": [
            {
                "at": size,
                "error": found.value,
                "mean": _ends(found.mean),
                "run": _ends(found.run),
                "outside": found.outside,
            }
            for size, found in answer["predictions"]
        ],
        "targets": [
            {"metric": target.metric, "value": target.value, **needed._asdict()} for target, needed in answer["targets"]
        ],
        "refused": [str(failure.message) for failure in answer["refused"] if isinstance(failure, GuidesError)],
        "next": answer["next"],
    }


def _best_values(one: Fitted) -> dict[str, Any] | None:
    best = one.best_params()
    if best is None:
        return None
    found, how = best
    estimates = {
        name: {key: end if math.isfinite(end) else None for key, end in estimate._asdict().items()}
        for name, estimate in (("coefficient", found.coefficient), ("exponent", found.exponent))
    }
    sizes = [{"n_train": n, "params": params} for n, params in zip(found.n_train, found.params, strict=True)]
    return {"by": how, **estimates, "sizes": sizes}


def _compared_values(compared: Comparison) -> dict[str, Any]:
    own = {
        name: {"exponent": free._asdict(), "difference": compared.difference[name]._asdict()}
        for name, free in compared.free.items()
    }
    return {"value": compared.shared._asdict(), "told_apart": bool(compared.told_apart), "curves": own}


def _ends(intervals: Any) -> dict[str, list[float]] | None:
    return {str(level): list(ends) for level, ends in intervals.items()} if intervals else None


def _plot(
    path: Path,
    title: str,
    file: CurveFile,
    fitted: list[Fitted],
    errors: dict[parse.Target, float],
    answers: list[dict[str, Any]],
) -> None:
    """Draw points, laws, intervals and targets; floor and regions where there is one curve."""
    from harness import drawing

    made, [axes] = drawing.figure()
    reach = max((needed.value for answer in answers for _, needed in answer["targets"]), default=0.0)
    for i, one in enumerate(fitted):
        colour = drawing.LAW if len(fitted) == 1 else drawing.COLOURS[i % len(drawing.COLOURS)]
        most = MOST_DRAWN * one.law["valid_range"][file.variable][1]
        one.draw(axes, colour, min(most, 1.5 * reach), answers[i]["sizes"])
    if len(fitted) == 1:
        drawing.draw_regions(axes, fitted[0].law)
        drawing.draw_floor(axes, fitted[0].law)
    for target, error in errors.items():
        found = [needed for answer in answers for kept, needed in answer["targets"] if kept == target]
        drawing.draw_target(axes, error, f"{target.metric} {target.value:g}", found)
    shown = "loss" if file.result == "loss" else "error"
    drawing.label(axes, UNIT[file.variable], shown, f"{title}: law and 90 % interval")
    drawing.save(made, path)
