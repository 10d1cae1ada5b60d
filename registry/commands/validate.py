"""`guides validate`: hold records against every static rule."""

from __future__ import annotations

import os
from pathlib import Path

import click

from registry import index
from registry.errors import DamagedRegistry, UsageError
from registry.loader import shown
from registry.options import as_json, examples, print_json
from registry.roots import Root
from registry.validate import validate


@click.command("validate", epilog=examples("guides validate guidelines", "guides validate my-guidelines --json"))
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@as_json
def COMMAND(paths: tuple[str, ...], json_: bool) -> None:
    """Check roots, record folders or record files against every static rule; exit 1 where one is broken.

    The lookup index of a root is rebuilt.
    """
    findings = []
    for path in map(Path, paths):
        if not os.path.lexists(path):
            raise UsageError(
                f"'{shown(str(path))}' does not exist", "expected a root, a record folder or a guideline.json"
            )
        for _ in os.walk(path, onerror=_refuse):  # what cannot be listed would pass for empty
            pass
        findings += validate(path)
        index.refresh(Root(str(path)))
    lines = [str(finding) for finding in findings]
    if json_:
        print_json("validate", {"paths": list(paths), "findings": lines})
    elif lines:
        click.echo("\n".join(lines))
    else:
        click.echo("no rule is broken")
    if findings:
        click.get_current_context().exit(1)


def _refuse(error: OSError) -> None:
    raise DamagedRegistry(f"cannot read the folder '{shown(os.fsdecode(error.filename), 300)}': {error.strerror}")
