"""`guides list`: every guideline on record, or the names of tasks, data sets or families."""

from __future__ import annotations

from collections import Counter
from functools import partial

import click

from registry import index, roots, shelf
from registry.options import as_json, examples, print_json, quiet, registries, warn
from registry.report import table
from registry.shelf import Listed


@click.command("list", epilog=examples("guides list", "guides list --tasks --json"))
@click.option("--tasks", "kind", flag_value="task", help="The tasks, with the number of records of each.")
@click.option("--datasets", "kind", flag_value="dataset", help="The data sets.")
@click.option("--families", "kind", flag_value="family", help="The families.")
@registries
@as_json
@quiet
def COMMAND(kind: str | None, registry: tuple[str, ...], json_: bool, quiet: bool) -> None:
    """List every guideline on record with the root it lies in, or the names of tasks, data sets or families."""
    records = index.read(roots.find(registry), _all, partial(warn, is_quiet=quiet))
    if kind is not None:
        counts = sorted(Counter(getattr(one, kind) for one in records if not one.shadowed).items())
        if json_:
            print_json("list", {"kind": kind, "names": [{"name": name, "records": n} for name, n in counts]})
        else:
            click.echo("\n".join(table([(name, f"{n:,}") for name, n in counts], (0,))))
    elif json_:
        print_json("list", {"records": [_values(one) for one in records]})
    else:
        heading = ("guideline", "evidence", "metric", "targets", "root", "")
        click.echo("\n".join(table([heading, *map(_row, records)], (0, 1, 2, 4, 5))))


def _all(indexes: list[index.Index]) -> list[Listed]:
    shelf.refuse_nothing(indexes)
    return shelf.listed(indexes)


def _row(one: Listed) -> tuple[str, ...]:
    state = "shadowed by an earlier root" if one.shadowed else "superseded" if one.superseded else ""
    root = "shipped" if one.root.shipped else one.root.path
    return (f"{one.id} v{one.version}", one.evidence, one.metric, f"{one.n_targets}", root, state)


def _values(one: Listed) -> dict[str, object]:
    return {**one._asdict(), "root": one.root._asdict()}
