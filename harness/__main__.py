"""`python -m harness`: what the harness does besides making records."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

import click

from harness import compare as comparisons
from harness import published as sources
from harness.burden.page import page as burden
from harness.calibrate import calibrate
from harness.fetch import fetch
from harness.like.knees import knees
from harness.results import results
from harness.shipped import guidelines
from harness.survey import survey
from harness.tabulate import tabulate
from registry.errors import GuidesError, UnknownName


class Files(click.Group):
    """One command per file of a folder, each holding ``COMMAND``; packages in it are theirs.

    Args:
        folder: The folder, as a package.
        kind: What one of them is, for messages.
    """

    def __init__(self, *arguments: Any, folder: ModuleType, kind: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._folder, self._kind = folder, kind

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the name of every command."""
        modules = pkgutil.iter_modules(self._folder.__path__)
        return sorted(module.name.replace("_", "-") for module in modules if not module.ispkg)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command.

        Raises:
            UnknownName: If there is none of that name.
        """
        if cmd_name not in self.list_commands(ctx):
            raise UnknownName(self._kind, cmd_name, self.list_commands(ctx))
        module = importlib.import_module(f"{self._folder.__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.COMMAND
        return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def harness() -> None:
    """Measure this project against the alternatives, make the tables that takes, and fetch data."""


@harness.group(cls=Files, folder=comparisons, kind="comparison")
def compare() -> None:
    """Run us and an alternative side by side, interleaved, and print both."""


@harness.group(cls=Files, folder=sources, kind="source")
def published() -> None:
    """Turn figures that others have published into records."""


harness.add_command(fetch)
harness.add_command(tabulate)
harness.add_command(calibrate)
harness.add_command(survey)
harness.add_command(knees)
harness.add_command(burden)
harness.add_command(results)
harness.add_command(guidelines)


def main(arguments: list[str] | None = None) -> None:
    """Run `python -m harness`; an expected failure prints one line and a hint."""
    try:
        harness.main(arguments, prog_name="python -m harness")
    except GuidesError as error:
        click.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
