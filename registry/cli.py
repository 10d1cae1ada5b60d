"""`guides`: options in, lines out, no logic. Commands are files; only the one that is called is imported."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

import click

from registry import __version__
from registry.errors import GuidesError, MissingDependency, UnknownName
from registry.options import examples

# name -> (module that holds COMMAND, line for the help). Those of the harness bring its packages with them.
COMMANDS: Final = {
    "lookup": ("registry.commands.lookup", "The smallest network on record for a target."),
    "data-needed": ("registry.commands.data_needed", "How much data a target takes, by the laws on record."),
    "predict": ("registry.commands.predict", "What a network reaches with so much data, by the laws on record."),
    "tradeoff": ("registry.commands.tradeoff", "Data against params: the cheapest mix, or which helps more."),
    "list": ("registry.commands.list", "Every guideline on record, with the root it lies in."),
    "show": ("registry.commands.show", "One guideline: its answers, what beats them, what it cost."),
    "export": ("registry.commands.export", "A network of a guideline, as ONNX file or PyTorch program."),
    "like": ("harness.commands.like", "Which recorded data sets yours is like, and the size that suggests."),
    "bench": ("harness.commands.bench", "Train, shrink, measure and certify: make a guideline."),
    "fit": ("harness.commands.fit", "Fit laws to your own learning curves."),
    "plot": ("harness.commands.plot", "Draw the frontier and the law of a guideline."),
    "burden": ("harness.commands.burden", "How training compute buys accuracy, by published figures."),
    "validate": ("registry.commands.validate", "Hold records against every static rule."),
    "schema": ("registry.commands.schema", "The JSON Schema of a guideline record."),
    "index": ("registry.commands.index", "Rebuild the lookup index of every root."),
}


# Commands too short for garbage to matter. Looking for it takes a tenth of a lookup's own time, as Python looks through
# all that was imported, the last time on leaving; measured in instructions, 4 % of the whole.
_SHORT: Final = ("lookup", "data-needed", "predict", "tradeoff")


class Guides(click.Group):
    """The group of all commands: names and help lines come from the table, a command from its own file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command's name."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's file; None where there is no such command, as click asks for."""
        return _load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the one that was meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UnknownName("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where whoever read our output is gone, leave quietly as a signal would make us."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(_silence()) from None
        except ModuleNotFoundError as error:
            raise _missing(ctx.invoked_subcommand, error) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help lines without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=Guides,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "guides lookup --task image-cls --target-acc 0.95",
        "guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95",
    ),
)
@click.version_option(__version__, prog_name="guides", message="%(prog)s %(version)s")
def guides() -> None:
    """How wide, how deep, and how much data, for the accuracy you need."""


def main(arguments: list[str] | None = None) -> None:
    """Run `guides` and exit with its code; an expected failure prints one line and a hint, never a traceback.

    Args:
        arguments: What follows the program's name; by default what this process was called with.
    """
    gc.disable()  # until it is known to be no short command
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run `guides` and return its exit code."""
    _escape_what_is_no_text()
    try:
        code = guides.main(arguments, prog_name="guides", standalone_mode=False)
        if sys.stdout is not None:  # None: the caller closed it
            sys.stdout.flush()
    except GuidesError as error:
        return _fail(str(error), error.exit_code)
    except click.UsageError as error:
        return _fail(_usage(error), 2)
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except BrokenPipeError:
        return _silence()
    except MemoryError:
        return _fail("out of memory", 5)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _silence()
            return _fail(f"no space left{f' for {error.filename!r}' if error.filename else ''}", 5)
        if error.filename is None:  # no file that somebody named: a bug
            raise
        return _fail(_unusable(error), _code_of(error))
    return code if isinstance(code, int) else 0


def _load(name: str) -> click.Command:
    module, _ = COMMANDS[name]
    if name not in _SHORT:
        gc.enable()
    try:
        command = import_module(module).COMMAND
    except ModuleNotFoundError as error:
        raise _missing(name, error) from None
    assert isinstance(command, click.Command)  # noqa: S101  # the contract of a command's file
    return command


def _missing(command: str | None, error: ModuleNotFoundError) -> Exception:
    """Say what to install; a module of ours that is missing is a bug and stays one."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "registry", "harness"):
        return error
    needs = f"guides {command} needs {package}, which is not installed"
    return MissingDependency(f"{needs}: pip install 'sizing-guides[harness]'")


def _usage(error: click.UsageError) -> str:
    message = error.format_message().rstrip(".")
    path = error.ctx.command_path if error.ctx else "guides"
    return f"{message[:1].lower()}{message[1:]}\n  See: {path} --help"


def _fail(message: str, code: int) -> int:
    with suppress(OSError):  # where nobody listens the exit code still speaks
        click.echo(message, err=True)
    return code


def _unusable(error: OSError) -> str:
    from registry.loader import shown

    return f"cannot use '{shown(os.fsdecode(error.filename), 300)}': {error.strerror}"


def _code_of(error: OSError) -> int:
    """Return the exit code for a file that the system refuses: a full system is not the caller's fault."""
    return 5 if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO) else 2


def _escape_what_is_no_text() -> None:
    """Let stdout print a path that is no UTF-8 with its bytes escaped, as stderr does anyway."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _silence() -> int:
    """Leave quietly when whoever read our output is gone: what is still buffered must not raise at exit."""
    if sys.stdout is None:
        return 128 + 13
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13
