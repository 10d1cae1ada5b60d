"""What a certified smallest network costs, by strategy: replays on tables of real trainings."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import click

from harness.contest import CLOSE, LEVELS, Row, compare, questions, strategies
from harness.live import live_search
from harness.search import optuna
from harness.study import Study
from harness.tables import TABLES, read_table
from registry.errors import UnknownName, UsageError

LIVE: Final = ("image-cls", "digits", "mlp", (0.95,))  # task, data set, family, target
_COUNT: Final = click.IntRange(min=2)


@click.command("search")
@click.option("--replays", type=_COUNT, default=84, show_default=True, help="Searches a strategy and target.")
@click.option("--optuna-replays", type=_COUNT, default=12, show_default=True, help="The same for Optuna.")
@click.option("--table", "only", multiple=True, metavar="DATASET/FAMILY", help="Only this table (repeatable).")
@click.option("--tables", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of other tables.")
@click.option("--live", is_flag=True, help="Instead of replays: train digits/mlp for real, stacked and one by one.")
@click.option("--json", "json_", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows here too.")
def COMMAND(
    replays: int, optuna_replays: int, only: tuple[str, ...], folder: Path | None, live: bool, json_: Path | None
) -> None:
    """Cost of a certified answer: pooled against grids, bisection, halving and Optuna, on tables of real trainings."""
    if json_ is not None and (json_.is_dir() or not os.access(json_.absolute().parent, os.W_OK)):
        raise UsageError(f"cannot write '{json_}'", "expected a file in a folder that may be written to")
    if live:
        _live(json_)
        return
    paths = sorted((folder or TABLES).glob("*.csv"))
    tables = list(map(read_table, paths))
    names = [table.name for table in tables]
    for name in only:
        if name not in names:
            raise UnknownName("table", name, names)
    tables = [table for table in tables if not only or table.name in only]
    for table in tables:
        for question in questions(table):
            low, high = question.interval
            click.echo(
                f"{table.name} {question.accuracy:g} ({question.level}): true smallest {question.best:,} params "
                f"[{low:,}, {high:,}]"
            )
    rows = []
    for row in compare(tables, replays, optuna_replays):
        rows.append(row)
        click.echo(_line(row))
    click.echo(_summary(rows))
    if json_ is not None:
        json_.write_text(json.dumps({"rows": [_plain(row) for row in rows]}, indent=2) + "\n", encoding="utf-8")


def _live(json_: Path | None) -> None:
    """Search once for real, twice: both ways end in the same certification, trained as a stack."""
    study = Study(*LIVE)
    ways = {"pooled, stacked": live_search(study, strategies()["pooled"], "stacked")}
    ways["optuna, one by one"] = live_search(study, optuna.Optuna(optuna.TRIALS), "one by one")
    rows = []
    for name, found in ways.items():
        shape = "nothing certified" if found.setting is None else f"{found.setting.shape}, {found.params:,} params"
        click.echo(
            f"{study.dataset}/{study.family} {study.targets[0]:g}  {name:<18}  {shape}  {found.wall_s:7.1f} s, of them "
            f"{found.search_s:.1f} s searching; {found.n_trainings} trainings, {found.train_flops:.2e} flops"
        )
        rows.append({"way": name, "params": found.params, "wall_s": found.wall_s, "search_s": found.search_s,
                     "n_trainings": found.n_trainings, "train_flops": found.train_flops})  # fmt: skip
    slow, fast = ways["optuna, one by one"], ways["pooled, stacked"]
    if slow.setting and fast.setting:
        click.echo(f"wall clock, Optuna / pooled: {slow.wall_s / fast.wall_s:.1f}")
    else:
        click.echo("wall clock: no ratio, as one of them certified nothing")
    if json_ is not None:
        json_.write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")


def _line(row: Row) -> str:
    return (
        f"{row.dataset + '/' + row.family:<13} {row.target:<6g} {row.level:<5} {row.strategy:<8} "
        f"pow2/ {row.cost_ratio_to_pow2:6.1f}  grid/ {row.cost_ratio_to_grid:6.1f}  "
        f"optuna/ {row.cost_ratio_to_optuna:5.2f}  params {row.params_ratio_to_best:5.2f}  "
        f"miss {row.miss_rate:4.0%}  false {row.false_rate:4.0%}  none {row.none_rate:4.0%}  "
        f"search {row.search_flops:8.2e} of {row.train_flops:8.2e}, close by {row.flops_until_close:8.2e}"
    )


def _summary(rows: Sequence[Row]) -> str:
    """Return the medians over tables of what the default strategy does."""
    lines = []
    for level in LEVELS:
        for which in ("all", "held-out"):
            own = [row for row in rows if row.strategy == "pooled" and row.level == level]
            own = [row for row in own if which == "all" or not row.frozen_on]
            if own:
                lines.append(_headline(f"pooled, {level}, median of {len(own)} tables ({which})", own))
    own = [row for row in rows if row.strategy == "pooled"]
    total = sum(row.n_replays for row in own)
    false, missed = (sum(getattr(row, name) * row.n_replays for row in own) for name in ("false_rate", "miss_rate"))
    mid = [row for row in own if row.level == "mid"]
    for what in ("certify", "bracket") if mid else ():
        early, full = (
            median(getattr(row, f"{what}_flops{end}") / row.search_flops for row in mid) for end in ("", "_at_20")
        )
        lines.append(f"pooled, mid: {what} costs {early:.2f} x the search, {full:.2f} x with 20 seeds always")
    lines.append(
        f"pooled, {total:,} whole searches: false 'meets' {false / total:.1%} by the runs drawn from, "
        f"{missed / total:.1%} by the other half of the seeds"
    )
    return "\n".join(lines)


def _headline(name: str, rows: Sequence[Row]) -> str:
    middle = partial(_median_of, rows)
    close = sum(math.isfinite(row.flops_until_close) for row in rows)
    return (
        f"{name}: pow2 / pooled {middle('cost_ratio_to_pow2'):.1f}, grid / pooled {middle('cost_ratio_to_grid'):.1f}, "
        f"Optuna / pooled {middle('cost_ratio_to_optuna'):.2f}, params {middle('params_ratio_to_best'):.2f} of the "
        f"smallest, none {max(row.none_rate for row in rows):.0%} at most; within {CLOSE:g} x in 9 of 10 replays: "
        f"{close} of {len(rows)} tables"
    )


def _median_of(rows: Sequence[Row], name: str) -> float:
    return float(median(getattr(row, name) for row in rows))


def _plain(row: Row) -> dict[str, Any]:
    return {key: (None if isinstance(v, float) and not math.isfinite(v) else v) for key, v in row._asdict().items()}
