"""`guides data-needed`: how much data a target takes, by the laws on record."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from registry import index, roots
from registry.answers import Query
from registry.errors import UsageError
from registry.laws import predict, report
from registry.options import as_json, examples, law_sizes, one_metric, print_json, quiet, registries, warn, where
from registry.options import targets as target_options

if TYPE_CHECKING:
    from registry.parse import Target


@click.command(
    "data-needed",
    short_help="How much data a target takes, by the laws on record.",
    epilog=examples(
        "guides data-needed --task image-cls --target-acc 0.92",
        "guides data-needed --task image-cls --dataset digits --target-acc 0.9,0.95 --extrapolate --json",
    ),
)
@click.option("--task", required=True, metavar="TASK", help="Task category, for example image-cls.")
@target_options
@where
@law_sizes
@registries
@as_json
@quiet
def COMMAND(  # the name cli.py looks for
    task: str,
    accuracies: tuple[list[float], ...],
    targets: tuple[Target, ...],
    dataset: str | None,
    family: str | None,
    extrapolate: bool,
    registry: tuple[str, ...],
    json_: bool,
    quiet: bool,
    **sizes: int | None,
) -> None:
    """Say how many training examples a target takes, with a 90 % interval, open where the law cannot close it."""
    metric, values = one_metric(accuracies, targets)
    if not values:
        raise UsageError("give a target with --target-acc A or --target METRIC=VALUE")
    query = Query(task, values, metric, dataset, family)

    def answered(indexes: list[index.Index]) -> dict[str, Any] | str:
        reply = predict.inquire(indexes, query, extrapolate, sizes)
        if not json_:
            return "\n".join(report.needed_lines(query, reply))
        asked = {"task": task, "dataset": dataset, "family": family, **sizes}
        return {
            "query": {**asked, "metric": metric, "targets": list(values), "extrapolate": extrapolate},
            "answers": list(map(report.needed_values, reply.answers)),
            "refused": report.refused_values(reply.refused),
            "damaged": [line for one in indexes for line in one.damaged()],
        }

    found = index.read(roots.find(registry), answered, partial(warn, is_quiet=quiet))
    if isinstance(found, str):
        click.echo(found)
    else:
        print_json("data-needed", found)
