"""`guides index`: rebuild the lookup index of every root."""

from __future__ import annotations

import click

from registry import index, roots
from registry.options import as_json, examples, print_json, quiet, registries, warn


@click.command("index", epilog=examples("guides index", "guides index --registry my-guidelines --json"))
@registries
@as_json
@quiet
def COMMAND(registry: tuple[str, ...], json_: bool, quiet: bool) -> None:
    """Rebuild the lookup index of every root; needed only after hand edits in a root of 200 guidelines or more."""
    rebuilt = []
    for root in roots.find(registry):
        opened = index.rebuild(root)
        damaged = opened.damaged()
        warn(damaged, is_quiet=quiet)
        rebuilt.append({"root": root.path, "records": opened.n_records, "left_out": damaged, "index": opened.path})
        opened.close()
    if json_:
        print_json("index", {"roots": rebuilt})
    else:
        for one in rebuilt:
            place = one["index"] or "memory only: neither the root nor the cache folder can be written"
            noun = "record" if one["records"] == 1 else "records"
            click.echo(f"{one['root']}: {one['records']:,} {noun} indexed in {place}")
