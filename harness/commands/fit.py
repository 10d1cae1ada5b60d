"""`guides fit`: fit laws to a person's own learning curves; predict, and say what data a target takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from registry import parse
from registry.errors import GuidesError, InvalidData
from registry.options import Reading, as_json, examples, law_sizes, print_json, quiet
from registry.options import targets as target_options

if TYPE_CHECKING:
    from harness.curve_answers import Answers, Scale
    from harness.curve_file import CurveFile
    from harness.curves import Fitted
    from harness.laws.exponents import BestSize, Comparison

MOST_DRAWN: Final = 1000.0  # times the largest size measured


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
    from harness import curve_answers, curves, drawing
    from harness.curve_file import read_curves

    if plot is not None:
        drawing.check_path(plot)
    file = read_curves(curve)
    if file.unread and not quiet:
        click.echo(f"warning: not read: {', '.join(file.unread)}", err=True)
    asked = [*targets, *(parse.Target("accuracy", value) for values in accuracies for value in values)]
    errors = {target: curve_answers.error_of(file, target) for target in asked}
    scale = curve_answers.scale_of(file, asked)
    asked_size = {name: float(value) for name, value in sizes.items() if value is not None}
    fitted: list[Fitted] = []
    refused: list[GuidesError] = []
    for name in file.curves:
        try:
            fitted.append(curves.fit(file, name, chance=chance))
        except InvalidData as refusal:
            refused.append(refusal)
    answers = [
        curve_answers.answer(one, errors, at, one.sizes(asked_size), scale, extrapolate=extrapolate) for one in fitted
    ]
    refused += [failure for answer in answers for failure in answer.refused]
    compared = curves.shared_exponent(fitted) if len(fitted) > 1 else None
    if plot is not None and fitted:
        _plot(plot, curve.name, file, fitted, errors, answers)
    if json_:
        values = [_values(*pair) for pair in zip(fitted, answers, strict=True)]
        shared = None if compared is None else _compared_values(compared)
        print_json("fit", {"file": str(curve), "curves": values, "shared_exponent": shared})
    else:
        for one, answer in zip(fitted, answers, strict=True):
            click.echo("\n".join(_lines(one, file, answer, scale)))
        if compared is not None:
            click.echo("\n".join(curves.exponent_lines(compared)))
    for failure in refused[1:]:
        click.echo(str(failure), err=True)
    if refused:
        raise refused[0]


def _lines(one: Fitted, file: CurveFile, answers: Answers, scale: Scale) -> list[str]:
    from harness import curve_answers

    law = one.law
    low, high = law["valid_range"][file.variable]
    name = f"{one.name}: " if one.name else ""
    said = one.description()
    best = one.best_params()
    if best is not None:
        said.append(_best(*best))
    unseen = one.best_params_unseen()
    if unseen is not None:
        said.append(unseen)
    said += [f"note: {flag}" for flag in one.flags]
    said += curve_answers.lines(answers, law, scale)
    head = f"{name}{len(law['points'])} points, {low:,.0f} to {high:,.0f} {curve_answers.UNIT[file.variable]}"
    return [head, *(f"  {line}" for line in said)]


def _best(found: BestSize, how: str) -> str:
    n, exponent = found.n_train[-1], found.exponent
    size = found.coefficient.value * n**exponent.value
    ends = " to ".join(f"{end:.2f}" if math.isfinite(end) else "open" for end in (exponent.low, exponent.high))
    grow = f"params grow as n_train^{exponent.value:.2f} (90 % sure: {ends})"
    return f"best size at {n:,.0f}: {float(f'{size:.3g}'):,.0f} params ({how}); {grow}"


def _values(one: Fitted, answers: Answers) -> dict[str, Any]:
    from harness import curve_answers

    found = curve_answers.values(answers, one.law)
    return {"curve": one.name, "law": one.law, "flags": one.flags, "best_size": _best_values(one), **found}


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


def _plot(
    path: Path,
    title: str,
    file: CurveFile,
    fitted: list[Fitted],
    errors: dict[parse.Target, float],
    answers: list[Answers],
) -> None:
    """Draw points, laws, intervals and targets; floor and regions where there is one curve."""
    from harness import drawing
    from harness.curve_answers import UNIT

    made, [axes] = drawing.figure()
    reach = max((needed.value for answer in answers for _, needed in answer.targets), default=0.0)
    for i, one in enumerate(fitted):
        colour = drawing.LAW if len(fitted) == 1 else drawing.COLOURS[i % len(drawing.COLOURS)]
        most = MOST_DRAWN * one.law["valid_range"][file.variable][1]
        one.draw(axes, colour, min(most, 1.5 * reach), answers[i].sizes)
    if len(fitted) == 1:
        drawing.draw_regions(axes, fitted[0].law)
        drawing.draw_floor(axes, fitted[0].law)
    for target, error in errors.items():
        found = [needed for answer in answers for kept, needed in answer.targets if kept == target]
        drawing.draw_target(axes, error, f"{target.metric} {target.value:g}", found)
    shown = "loss" if file.result == "loss" else "error"
    drawing.label(axes, UNIT[file.variable], shown, f"{title}: law and 90 % interval")
    drawing.save(made, path)
