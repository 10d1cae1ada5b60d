"""`guides tradeoff`: data against parameters, by the laws on record that are in both."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from registry import index, parse, roots
from registry.answers import Query
from registry.errors import UsageError
from registry.laws import tradeoff, weighing
from registry.laws.costing import prices
from registry.laws.report import refused_values
from registry.options import Reading, as_json, examples, one_metric, print_json, quiet, registries, warn, where
from registry.options import targets as target_options

if TYPE_CHECKING:
    from registry.laws.mixes import Change
    from registry.parse import Target

_NUMBER = Reading("number", parse.number)
_LARGE: Final = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


def budget(text: str) -> float:
    """Read a number of flops above 0: ``1e12``, ``1T``, ``500G``.

    Raises:
        UsageError: If it is none.
    """
    times = _LARGE.get(text.strip()[-1:])
    if times is None:
        return parse.number(text)
    try:
        return parse.number(text.strip()[:-1]) * times
    except UsageError:
        raise UsageError(f"{text!r} is not a number of flops above 0, such as 1e12, 1T or 500G") from None


@click.command(
    "tradeoff",
    short_help="Data against params: the cheapest mix, or which helps more.",
    epilog=examples(
        "guides tradeoff --task image-cls --dataset digits --target-acc 0.9",
        "guides tradeoff --task image-cls --at 200,500 --compare data*2,params*4 --json",
    ),
)
@click.option("--task", required=True, metavar="TASK", help="Task category, for example image-cls.")
@target_options
@click.option(
    "--budget-flops",
    type=Reading("number", budget),
    metavar="C",
    help="Most flops of one training run: the best mix for it.",
)
@click.option("--at", type=Reading("mix", parse.mix), metavar="N,P", help="Training examples and params of a mix.")
@click.option(
    "--compare",
    "changes",
    multiple=True,
    type=Reading("changes", parse.changes),
    metavar="CHANGES",
    help="Changes of that mix, such as data*2,params*4.",
)
@click.option("--price-per-example", type=_NUMBER, metavar="X", help="What a training example costs.")
@click.option("--price-per-flop", type=_NUMBER, metavar="Y", help="What a flop of training costs.")
@where
@click.option("--extrapolate", is_flag=True, help="Answer outside a law's range too, with wider intervals.")
@registries
@as_json
@quiet
def COMMAND(  # the name cli.py looks for
    task: str,
    accuracies: tuple[list[float], ...],
    targets: tuple[Target, ...],
    budget_flops: float | None,
    at: tuple[int, int] | None,
    changes: tuple[list[Change], ...],
    price_per_example: float | None,
    price_per_flop: float | None,
    dataset: str | None,
    family: str | None,
    extrapolate: bool,
    registry: tuple[str, ...],
    json_: bool,
    quiet: bool,
) -> None:
    """Find the cheapest mix of data and params for a target or budget, or say which change of a mix helps more."""
    metric, values = one_metric(accuracies, targets)
    wanted = [change for several in changes for change in several]
    if bool(values) + (budget_flops is not None) + (at is not None) != 1 or (at is None) != (not wanted):
        raise UsageError(
            "give exactly one of a target (--target-acc A), --budget-flops C, or --at N,P with --compare CHANGES"
        )
    query = Query(task, values, metric, dataset, family)
    paid = prices(price_per_example, price_per_flop)

    def answered(indexes: list[index.Index]) -> dict[str, Any] | str:
        if at is not None:
            reply = tradeoff.weigh(indexes, query, at, wanted, paid, extrapolate)
        else:
            reply = tradeoff.cheapest(indexes, query, budget_flops, paid, extrapolate)
        if not json_:
            return "\n".join(weighing.lines(query, reply))
        return {
            "query": {
                "task": task,
                "dataset": dataset,
                "family": family,
                "metric": metric,
                "targets": list(values),
                "budget_flops": budget_flops,
                "at": None if at is None else {"n_train": at[0], "params": at[1]},
                "changes": list(map(weighing.naming, wanted)),
                "price_per_example": price_per_example,
                "price_per_flop": price_per_flop,
                "extrapolate": extrapolate,
            },
            "answers": list(map(weighing.values, reply.answers)),
            "refused": refused_values(reply.refused),
            "damaged": [line for one in indexes for line in one.damaged()],
        }

    found = index.read(roots.find(registry), answered, partial(warn, is_quiet=quiet))
    if isinstance(found, str):
        click.echo(found)
    else:
        print_json("tradeoff", found)
