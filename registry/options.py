"""What the commands share on the command line: types that read numbers, common options, examples, JSON output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from registry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
