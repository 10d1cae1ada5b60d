"""`guides burden`: how compute buys accuracy on a benchmark, from published figures."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from registry import roots
from registry.errors import NoAnswer
from registry.options import as_json, examples, print_json, quiet, registries, warn


@click.command(
    "burden",
    epilog=examples(
        "guides burden --task image-cls --dataset imagenet-1k --by-year",
        "guides burden --task detection --dataset coco --plot coco.svg",
    ),
)
@click.option("--task", required=True, metavar="T", help="The task category.")
@click.option("--dataset", required=True, metavar="D", help="The data set.")
@click.option("--metric", metavar="M", help="The metric, where the data set has several.")
@click.option("--by-year", is_flag=True, help="How fast the compute for one error falls, too.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw to FILE.svg, .png or .pdf."
)
@registries
@as_json
@quiet
def COMMAND(
    task: str,
    dataset: str,
    metric: str | None,
    by_year: bool,
    plot: Path | None,
    registry: tuple[str, ...],
    json_: bool,
    quiet: bool,
) -> None:
    """Say how training compute grows as error falls, by published figures: as (1 / error) ** k.

    Needs 10 trainings with compute; --by-year 15 with their year.
    """
    from harness.burden import answer, report
    from harness.burden.halving import progress

    if plot is not None:
        from harness import drawing

        drawing.check_path(plot)
    name = f"{task} on {dataset}"
    records = answer.records(roots.find(registry), task, dataset, partial(warn, is_quiet=quiet))
    collection, others = answer.collect(records, metric)
    found = answer.burden(collection, name)
    years, refusal = None, None
    if by_year:
        try:
            years = progress(collection.as_trained)
        except NoAnswer as refused:
            refusal = refused
    if plot is not None:
        from harness.burden import figure

        figure.draw(plot, found, years, f"{name}: what accuracy costs")
    if json_:
        said = None if years is None else report.year_values(years)
        question = {"task": task, "dataset": dataset, "other_metrics": others}
        print_json("burden", {**question, **report.values(found), "by_year": said})
    else:
        click.echo("\n".join([*report.lines(found, name), *([] if years is None else report.year_lines(years))]))
    if others and not quiet:
        click.echo(f"also on record: --metric {', --metric '.join(others)}", err=True)
    if refusal is not None:
        raise refusal
