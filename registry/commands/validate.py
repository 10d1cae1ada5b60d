"""`guides validate`: hold records against every static rule."""

from __future__ import annotations

from pathlib import Path

import click

from registry.errors import UsageError
from registry.options import as_json, examples, print_json
from registry.validate import validate


@click.command("validate", epilog=examples("guides validate guidelines", "guides validate my-guidelines --json"))
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@as_json
def COMMAND(paths: tuple[str, ...], json_: bool) -> None:
    """Check roots, record folders or record files against every static rule; exit 1 where one is broken."""
    findings = []
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f"'{path}' does not exist", "expected a root, a record folder or a guideline.json")
        findings += validate(path)
    lines = [str(finding) for finding in findings]
    if json_:
        print_json("validate", {"paths": list(paths), "findings": lines})
    elif lines:
        click.echo("\n".join(lines))
    else:
        click.echo("no rule is broken")
    if findings:
        click.get_current_context().exit(1)
