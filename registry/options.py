"""What the commands share on the command line: types that read numbers, common options, examples, JSON output."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import click

from registry import parse
from registry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from registry.parse import Target

F = TypeVar("F", bound="Callable[..., Any]")


class Reading(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """An option value read by one function of ``parse.py``.

    Args:
        name: What help calls the value.
        read: Turns the text into the value, or raises UsageError.
    """

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read ``value``; a value that is none of this type is a usage error."""
        return self._read(value) if isinstance(value, str) else value


def targets(function: F) -> F:
    """Add ``--target-acc A`` and ``--target METRIC=VALUE``, both repeatable; see :func:`one_metric`."""
    named = click.option(
        "--target",
        "targets",
        multiple=True,
        type=Reading("target", parse.targets),
        callback=lambda _, __, given: tuple(chain.from_iterable(given)),
        metavar="METRIC=VALUE",
        help="Any other metric (repeatable, or commas).",
    )
    return click.option(
        "--target-acc",
        "accuracies",
        multiple=True,
        type=Reading("accuracy", parse.accuracies),
        metavar="A",
        help="Accuracy as a fraction (repeatable, or commas).",
    )(named(function))


def one_metric(accuracies: Sequence[Sequence[float]], named: Sequence[Target]) -> tuple[str, tuple[float, ...]]:
    """Return the metric that targets are in, accuracy where there are none, and each target once.

    Raises:
        UsageError: If they are in several metrics.
    """
    asked = {(target.metric, target.value): None for target in named}
    asked |= {("accuracy", value): None for values in accuracies for value in values}
    metrics = {metric for metric, _ in asked}
    if len(metrics) > 1:
        raise UsageError(f"targets are in one metric at a time, got {', '.join(sorted(metrics))}")
    return next(iter(metrics), "accuracy"), tuple(value for _, value in asked)


def where(function: F) -> F:
    """Add ``--dataset D`` and ``--family F``."""
    family = click.option("--family", metavar="F", help="One family only.")
    return click.option("--dataset", metavar="D", help="One data set only.")(family(function))


def law_sizes(function: F) -> F:
    """Add ``--params P``, ``--width W`` and ``--depth D``, and ``--extrapolate``."""
    size = Reading("size", parse.size)
    for option in (
        click.option("--extrapolate", is_flag=True, help="Answer outside a law's range too, with wider intervals."),
        click.option("--depth", type=size, metavar="L", help="Hidden layers, for a law in width and depth."),
        click.option("--width", type=size, metavar="W", help="Width, for a law in width and depth."),
        click.option("--params", type=size, metavar="P", help="Parameters, for a law in them; else the best in range."),
    ):
        function = option(function)
    return function


def registries(function: F) -> F:
    """Add ``--registry DIR``, repeatable."""
    return click.option("--registry", multiple=True, metavar="DIR", help="Search it first (repeatable).")(function)


def as_json(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "json_", is_flag=True, help="Print JSON instead of text.")(function)


def quiet(function: F) -> F:
    """Add ``--quiet``."""
    return click.option("--quiet", is_flag=True, help="Print no warnings and show no progress.")(function)


def examples(*commands: str) -> str:
    """Return the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


def print_json(command: str, values: Mapping[str, Any]) -> None:
    """Print ``values`` in the envelope of ``command``: its ``schema`` names the command and the layout's version."""
    import json

    click.echo(json.dumps({"schema": f"guides.{command}/1", **values}, indent=2, ensure_ascii=False, allow_nan=False))


def warn(damaged: Iterable[str], *, is_quiet: bool) -> None:
    """Say on stderr, one line each, which records were left out."""
    if not is_quiet:
        for line in damaged:
            click.echo(f"warning: {line} (left out; see guides validate)", err=True)


def refuse_both(options: Mapping[str, object]) -> None:
    """Raise unless exactly one of the options was given.

    Raises:
        UsageError: If none or several were.
    """
    if sum(value not in (None, False, (), []) for value in options.values()) != 1:
        raise UsageError(f"give exactly one of {', '.join(options)}")
