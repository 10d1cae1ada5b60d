"""`python -m harness`: what the harness does besides making records."""

from __future__ import annotations

import importlib
import pkgutil

import click

from harness import compare as comparisons
from harness.calibrate import calibrate
from harness.survey import survey
from harness.tabulate import tabulate
from registry.errors import GuidesError, UnknownName


class Comparisons(click.Group):
    """One command per file of ``harness/compare/``, each holding ``COMMAND``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the name of every comparison."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(comparisons.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one comparison; None where there is none, as click asks for."""
        if cmd_name not in self.list_commands(ctx):
            raise UnknownName("comparison", cmd_name, self.list_commands(ctx))
        module = importlib.import_module(f"harness.compare.{cmd_name.replace('-', '_')}")
        command: click.Command = module.COMMAND
        return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def harness() -> None:
    """Measure this project against the alternatives, and make the tables that takes."""


@harness.group(cls=Comparisons)
def compare() -> None:
    """Run us and an alternative side by side, interleaved, and print both."""


harness.add_command(tabulate)
harness.add_command(calibrate)
harness.add_command(survey)


def main(arguments: list[str] | None = None) -> None:
    """Run `python -m harness`; an expected failure prints one line and a hint."""
    try:
        harness.main(arguments, prog_name="python -m harness")
    except GuidesError as error:
        click.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
