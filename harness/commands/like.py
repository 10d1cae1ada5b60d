"""`guides like`: which recorded data sets a person's own data are like, and the size that this suggests."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from registry import roots
from registry.options import as_json, examples, print_json, quiet, registries, warn


@click.command(
    "like",
    epilog=examples("guides like measurements.csv --label species", "guides like photographs/ --task image-cls --json"),
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--task", metavar="T", help="What is to be learnt [default: what the data look like].")
@click.option("--label", metavar="COL", help="The column to predict, where there are columns.")
@click.option("--group", metavar="COL", help="A column that train and test must not share values of; no input.")
@registries
@as_json
@quiet
def COMMAND(
    data: Path,
    task: str | None,
    label: str | None,
    group: str | None,
    registry: tuple[str, ...],
    json_: bool,
    quiet: bool,
) -> None:
    """Find the recorded data sets nearest to DATA, a folder, CSV, Parquet or text file, and the size they suggest.

    Takes seconds: nothing is trained but cheap methods without a network. Nothing is kept.
    """
    from harness import plugins
    from harness.like import answer, asked, language, near, near_language
    from harness.like.descriptors import describe
    from harness.like.ladder import read_ladders
    from harness.own.place import found_in
    from harness.own.read import Own, keep

    if task is None:
        task = asked.task_of(data, label, group)
        if not quiet:
            click.echo(f"{data}: taken for {task}; --task T says otherwise", err=True)
    else:
        plugins.load("tasks", task)
    bench = answer.bench_command(task, data, label, group)
    with TemporaryDirectory() as folder, found_in(Path(folder)):
        kept = keep(Own(task, data, label, group), Path(folder))
        for note in () if quiet else kept.facts.notes:
            click.echo(f"  {note}", err=True)
        for warning in () if quiet else kept.facts.warnings:
            click.echo(f"warning: {warning}", err=True)
        read = plugins.load("datasets", kept.name)
        where, tell = roots.find(registry), partial(warn, is_quiet=quiet)
        if read.per_position:
            texts = near_language.of_registry(where, tell)
            found = answer.answer_language(language.describe(read), texts, bench)
        else:
            recorded = near.of_registry(where, tell)
            found = answer.answer(describe(read), recorded, read_ladders(), answer.advice_for(read), bench)
    if json_:
        print_json("like", answer.values(found))
    else:
        click.echo("\n".join(answer.lines(found)))
    if (refusal := found.refusal()) is not None:
        raise refusal
