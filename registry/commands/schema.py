"""`guides schema`: the JSON Schema of a record."""

from __future__ import annotations

import json

import click

from registry.options import examples
from registry.schema import json_schema


@click.command("schema", epilog=examples("guides schema", "guides schema > guideline.schema.json"))
def COMMAND() -> None:
    """Print the JSON Schema (2020-12) of a guideline record."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
