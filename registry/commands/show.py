"""`guides show`: one guideline, summarised or whole."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from registry import index, parse, roots, shelf
from registry.options import as_json, examples, print_json, quiet, registries, warn
from registry.report import table
from registry.wording import shown


@click.command("show", epilog=examples("guides show image-cls/digits/mlp", "guides show image-cls/digits/mlp@1 --json"))
@click.argument("record", metavar="ID[@VERSION]")
@registries
@as_json
@quiet
def COMMAND(record: str, registry: tuple[str, ...], json_: bool, quiet: bool) -> None:
    """Show a guideline: what was asked, its answers, its baselines and cost. With --json the whole record."""
    record_id, version = parse.record_id(record)
    tell = partial(warn, is_quiet=quiet)

    places = index.read(roots.find(registry), lambda opened: shelf.pick(opened, record_id, version), tell)
    values = shelf.read(places[0])
    if json_:
        where = [{"path": one.path, "root": one.root._asdict(), "shadowed": one.shadowed} for one in places]
        print_json("show", {"places": where, "record": values})
    else:
        click.echo("\n".join(_lines(values, places)))


def _lines(values: dict[str, Any], places: list[shelf.Listed]) -> list[str]:
    question = values["question"]
    dataset, metric = question["dataset"], question["metric"]
    first = places[0]
    state = ", superseded by a later version" if first.superseded else ""
    out = [
        f"{first.id} v{first.version}, {first.evidence}, {first.created[:10]}{state}",
        *(f"  in {one.path}{' (shadowed)' if one.shadowed else ''}" for one in places),
        f"  {question['task']} on {dataset['id']}, licence {dataset['licence']}",
        f"  {dataset['source']}",
        f"  {_splits(dataset)}",
        f"  metric: {metric['name']}, {metric['direction']} is better{_chance(metric['chance'])}",
    ]
    if cost := values.get("cost"):
        out.append(f"  cost: {cost['n_trials']:,} trainings, {cost['wall_s'] / 60:.1f} min of one core")
    heading = ("target", "shape", "route", "params", "flops", f"{metric['name']} [low, high]", "runs", "next smaller")
    out += ["", *table([heading, *_points(values)], (1, 2, 7))]
    out += _further(values)
    if baselines := values.get("baselines"):
        rows = [(one["name"], shown(one["metric"]), f"{one['bytes']:,}") for one in baselines]
        out += ["", *table([("without a network", metric["name"], "bytes"), *rows], (0,))]
    return [*out, "", *(f"note: {note}" for note in values["notes"]), f"cite: {values['cite']}"]


def _further(values: dict[str, Any]) -> list[str]:
    """Return the further figures of published networks as a table: a row for each that has any."""
    points = [point for point in values["frontier"] if point.get("metrics")]
    names = sorted({name for point in points for name in point["metrics"]})
    if not names:
        return []
    figures = [[point["metrics"].get(name) for name in names] for point in points]
    rows = [
        (point["name"], *("-" if figure is None else shown(figure) for figure in row))
        for point, row in zip(points, figures, strict=True)
    ]
    return ["", *table([("further figures", *names), *rows], (0,))]


def _chance(value: float | None) -> str:
    return "" if value is None else f", {shown(value)} by chance"


def _splits(dataset: dict[str, Any]) -> str:
    sizes = [f"{dataset[key]:,} to {use}" for key, use in _SPLITS if dataset[key] is not None]
    return ", ".join(sizes) or "split sizes unknown"


_SPLITS = (("n_train", "train"), ("n_val", "choose by"), ("n_test", "test"))


def _points(values: dict[str, Any]) -> list[tuple[str, ...]]:
    return [_point(point) for kind in ("frontier", "knee") for point in values.get(kind, ())]


def _point(point: dict[str, Any]) -> tuple[str, ...]:
    shape, test = point["shape"], point.get("test")
    size = point.get("name") or f"width {shape['width']}, depth {shape['depth']}"
    target = "published" if test is None else "knee" if point["target"] is None else f"{point['target']:g}"
    if test is None:
        low, high = ("open" if point[key] is None else shown(point[key]) for key in ("low", "high"))
        metric, seeds = f"{shown(point['value'])} [{low}, {high}]", "-"
    else:
        metric, seeds = f"{shown(test['median'])} [{shown(test['low'])}, {shown(test['high'])}]", f"{test['n_seeds']}"
    params, flops = ("-" if point[key] is None else f"{point[key]:,.0f}" for key in ("params", "flops"))
    return (target, size, point["route"], params, flops, metric, seeds, _next_smaller(point))


def _next_smaller(point: dict[str, Any]) -> str:
    """Return ``535 params undecided``: the largest of what was tried below the point."""
    nearest = max(point.get("bracket", ()), key=lambda part: int(part["params"]), default=None)
    return "-" if nearest is None else f"{nearest['params']:,} params {nearest['verdict']}"
