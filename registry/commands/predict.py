"""`guides predict`: what a network reaches with so much data, by the laws on record."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from registry import index, parse, roots
from registry.answers import Query
from registry.laws import predict, report
from registry.options import (
    Reading,
    as_json,
    examples,
    law_sizes,
    one_metric,
    print_json,
    quiet,
    registries,
    warn,
    where,
)
from registry.options import targets as target_options

if TYPE_CHECKING:
    from registry.parse import Target


@click.command(
    "predict",
    short_help="What a network reaches with so much data, by the laws on record.",
    epilog=examples(
        "guides predict --task image-cls --n-train 500",
        "guides predict --task image-cls --dataset digits --n-train 500 --target-acc 0.95 --json",
    ),
)
@click.option("--task", required=True, metavar="TASK", help="Task category, for example image-cls.")
@click.option(
    "--n-train", required=True, type=Reading("size", parse.size), metavar="N", help="Training examples to predict for."
)
@target_options
@where
@law_sizes
@registries
@as_json
@quiet
def COMMAND(  # the name cli.py looks for
    task: str,
    n_train: int,
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
    """Predict the metric after training on N examples, with the 80 and 90 % interval of the mean and of one new run."""
    metric, values = one_metric(accuracies, targets)
    query = Query(task, values, metric, dataset, family)

    def answered(indexes: list[index.Index]) -> dict[str, Any] | str:
        reply = predict.foretell(indexes, query, n_train, extrapolate, sizes)
        if not json_:
            return "\n".join(report.predict_lines(query, n_train, reply))
        asked = {"task": task, "n_train": n_train, "dataset": dataset, "family": family, **sizes}
        return {
            "query": {**asked, "metric": metric, "targets": list(values), "extrapolate": extrapolate},
            "answers": list(map(report.forecast_values, reply.answers)),
            "refused": report.refused_values(reply.refused),
            "damaged": [line for one in indexes for line in one.damaged()],
        }

    found = index.read(roots.find(registry), answered, partial(warn, is_quiet=quiet))
    if isinstance(found, str):
        click.echo(found)
    else:
        print_json("predict", found)
