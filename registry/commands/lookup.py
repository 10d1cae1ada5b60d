"""`guides lookup`: the smallest network on record for a target."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from registry import index, lookup, parse, roots
from registry.answers import MINIMISE, Query
from registry.errors import UsageError
from registry.options import Reading, as_json, examples, one_metric, print_json, quiet, registries, warn, where
from registry.options import targets as target_options
from registry.wording import no_answer

if TYPE_CHECKING:
    from registry.index import Index
    from registry.parse import Target

_SHOWN = 10  # data sets a person wants to see; --json has all

_FRACTION = Reading("fraction", parse.fraction)
_NUMBER = Reading("number", parse.number)
_SHAPE = Reading("shape", parse.input_shape)
_SIZE = Reading("size", parse.size)


@click.command(
    "lookup",
    short_help="The smallest network on record for a target.",
    epilog=examples(
        "guides lookup --task image-cls --target-acc 0.95",
        "guides lookup --task image-cls --dataset digits --target-acc 0.9,0.95 --flash 64k --json",
    ),
)
@click.option("--task", required=True, metavar="TASK", help="Task category, for example image-cls.")
@target_options
@click.option("--knee", is_flag=True, help="The size beyond which width hardly helps: needs no target.")
@where
@click.option("--n-train", type=_SIZE, metavar="N", help="Training examples you have.")
@click.option("--input", "input_shape", type=_SHAPE, metavar="SHAPE", help="Your input, for example 28x28x1.")
@click.option("--classes", "n_classes", type=_SIZE, metavar="K", help="Your classes.")
@click.option("--reach", type=_FRACTION, metavar="R", help="Share of runs that must meet the target (95 % bound).")
@click.option("--max-params", type=_SIZE, metavar="N", help="Most parameters.")
@click.option("--max-flops", type=_SIZE, metavar="N", help="Most flops of one forward pass.")
@click.option("--flash", type=_SIZE, metavar="BYTES", help="Most bytes of weights.")
@click.option("--ram", type=_SIZE, metavar="BYTES", help="Most bytes of live tensors.")
@click.option("--int8", is_flag=True, help="Count int8 bytes, and hold the int8 file to the target.")
@click.option("--max-latency-ratio", type=_NUMBER, metavar="X", help="Most time, in dense 64-128-128-10s.")
@click.option(
    "--minimize", "minimise", type=click.Choice(MINIMISE), default="params", help="What smallest means first."
)
@registries
@as_json
@quiet
def COMMAND(  # the name cli.py looks for
    accuracies: tuple[list[float], ...],
    targets: tuple[Target, ...],
    knee: bool,
    input_shape: tuple[int, ...] | None,
    registry: tuple[str, ...],
    json_: bool,
    quiet: bool,
    **limits: Any,
) -> None:
    """Print the smallest network on record that reaches a target, what was tried below it, and how sure that is."""
    metric, values = _one_metric(accuracies, targets, knee=knee)
    if knee and limits["reach"] is not None:
        raise UsageError("--reach needs a target: a knee has none")
    size = math.prod(input_shape) if input_shape else None
    query = Query(targets=values, metric=metric, input_size=size, **limits)

    def answered(indexes: list[Index]) -> dict[str, Any] | str:
        reply = lookup.reply(indexes, query, most=None if json_ else _SHOWN)
        if not reply.answers:
            raise no_answer(query, reply)
        if json_:
            from registry import plain  # each form is imported where it is asked for: a lookup is short

            return plain.values(query, reply)
        from registry import report

        return "\n".join(report.lines(query, reply))

    found = index.read(roots.find(registry), answered, partial(warn, is_quiet=quiet))
    if isinstance(found, str):
        click.echo(found)
    else:
        print_json("lookup", found)


def _one_metric(
    accuracies: tuple[list[float], ...], targets: tuple[Target, ...], *, knee: bool
) -> tuple[str, tuple[float, ...]]:
    """Return the metric and its targets, or say that there is not exactly one."""
    if knee == bool(accuracies or targets):
        raise UsageError(
            "give a target with --target-acc A or --target METRIC=VALUE, or --knee", "one kind, not several"
        )
    return one_metric(accuracies, targets)
