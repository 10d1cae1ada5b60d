"""What a lookup and answers from laws cost, in units of what it takes Python to import click."""

from __future__ import annotations

import compileall
import contextlib
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

import registry
from registry import index, roots
from registry.errors import GuidesError, UsageError
from registry.roots import Root
from registry.stamps import SMALL
from registry.survey import RECORD

_QUERY: Final = ("lookup", "--task", "image-cls", "--target-acc", "0.95")
_DIGITS: Final = ("--task", "image-cls", "--dataset", "digits")
_FROM_LAWS: Final = (  # asked of the shipped records: synthetic ones have no laws
    ("predict", *_DIGITS, "--n-train", "400", "--params", "1000"),
    ("data-needed", *_DIGITS, "--target-acc", "0.9"),
    ("tradeoff", *_DIGITS, "--target-acc", "0.9"),
)
_IMPORT_CLICK: Final = (sys.executable, "-c", "import click")
_TASKS: Final = ("image-cls", "tabular-cls", "text-cls", "audio-cls")
_FAMILIES: Final = ("mlp", "cnn", "gru", "lstm", "tcn", "resnet", "mixer", "vit", "tree-net", "rbf")


_COUNT: Final = click.IntRange(min=1)


class Row(NamedTuple):
    """CPU seconds (user + system) of one command beside those of importing click, medians of one run."""

    records: int
    command: str
    cpu_s: float
    import_click_cpu_s: float
    ratio: float


@click.command("lookup")
@click.option(
    "--records", type=_COUNT, default=100_000, show_default=True, help="Synthetic records in the large registry."
)
@click.option("--runs", type=_COUNT, default=20, show_default=True, help="Runs of each command, interleaved.")
@click.option("--json", "json_", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows here too.")
def COMMAND(records: int, runs: int, json_: Path | None) -> None:
    """CPU time of a warm answer over that of `python -c "import click"`: shipped records, then synthetic ones too."""
    if json_ is not None and (json_.is_dir() or not os.access(json_.parent, os.W_OK)):
        raise UsageError(f"cannot write '{json_}'", "expected a file in a folder that may be written to")
    json_ = json_ and json_.absolute()
    compileall.compile_dir(Path(registry.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as here, contextlib.chdir(here):
        synthetic = Root(folder)
        for path, _ in itertools.islice(_synthetic(records), SMALL):  # a root is as large as its folders say
            Path(folder, path).parent.mkdir(parents=True)
        index.build(synthetic, str(Path(folder, index.FILE)), _synthetic(records))
        rows = measure((), runs) + measure((folder,), runs)
    for row in rows:
        click.echo(
            f"{row.records:>9,} records  {row.command:<27}  {1000 * row.cpu_s:6.1f} ms  "
            f"import click {1000 * row.import_click_cpu_s:6.1f} ms  ratio {row.ratio:.2f}"
        )
    if json_ is not None:
        json_.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n", encoding="utf-8")


def measure(folders: Sequence[str], runs: int) -> list[Row]:
    """Time warm answers from the shipped records and those in ``folders``, as module and as installed command.

    Records of the folder it runs in, and of ``GUIDES_PATH``, would count as shipped: have neither.

    Args:
        folders: Registry folders besides the shipped one.
        runs: How often each command runs; commands take turns, so that a busy machine slows all alike.
    """
    options = [part for folder in folders for part in ("--registry", folder)]
    starts = {"python -m registry": [sys.executable, "-m", "registry"]}
    if script := shutil.which("guides", path=str(Path(sys.executable).parent)):
        starts["guides"] = [script]
    ways = {f"{name} lookup": [*start, *_QUERY, *options] for name, start in starts.items()}
    if not folders:
        for query in _FROM_LAWS:
            name, start = list(starts.items())[-1]
            ways[f"{name} {query[0]}"] = [*start, *query]
    for command in ways.values():  # builds the index where there is none, and warms the caches
        cpu_seconds(command)
    times: dict[str, list[float]] = {name: [] for name in (*ways, "import click")}
    for _ in range(runs):
        times["import click"].append(cpu_seconds(_IMPORT_CLICK))
        for name, command in ways.items():
            times[name].append(cpu_seconds(command))
    reference = statistics.median(times["import click"])
    n_records = _count(folders)
    return [
        Row(n_records, name, statistics.median(times[name]), reference, statistics.median(times[name]) / reference)
        for name in ways
    ]


def cpu_seconds(command: Sequence[str]) -> float:
    """Run a command without output and return its user + system time.

    Raises:
        GuidesError: If it neither answers nor says that nothing on record does.
    """
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    paths = filter(None, (str(Path(registry.__file__).parents[1]), os.environ.get("PYTHONPATH")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "GUIDES_PATH": ""}
    child = os.posix_spawn(command[0], list(command), environment, file_actions=silence)
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise GuidesError(f"{' '.join(command)} exited with {os.waitstatus_to_exitcode(status)}, expected 0 or 3")
    return usage.ru_utime + usage.ru_stime


def _count(folders: Sequence[str]) -> int:
    where = [*map(Root, folders), *roots.shipped()]
    return index.read(where, lambda opened: sum(one.n_records for one in opened))


def _synthetic(n: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield ``n`` made-up records: 4 tasks, 10 families, as many data sets as it takes."""
    for i in range(n):
        task, family = _TASKS[i % 4], _FAMILIES[i // 4 % 10]
        dataset = f"synthetic-{i // 40:06d}"
        yield f"{task}/{dataset}/{family}/v1/{RECORD}", _record(task, dataset, family, i)


def _record(task: str, dataset: str, family: str, i: int) -> dict[str, Any]:
    """Return what the index reads of a record; sizes vary with ``i``."""
    params = 500 + i * 7919 % 90_000
    points = [_point(target, params * (k + 1)) for k, target in enumerate((0.9, 0.95, 0.97))]
    return {
        "id": f"{task}/{dataset}/{family}",
        "version": 1,
        "supersedes": None,
        "created": "2025-01-01T00:00:00Z",
        "evidence": "measured",
        "question": {
            "task": task,
            "dataset": {"id": dataset, "n_train": 1000, "input_shape": [1, 8, 8], "n_classes": 10},
            "metric": {"name": "accuracy", "unit": "fraction", "direction": "higher"},
        },
        "frontier": points,
        "knee": [],
        "baselines": [{"name": "nearest-neighbours", "metric": 0.96, "bytes": 256_000, "flops": 128_000}],
        "cost": {"wall_s": 60.0},
    }


def _point(target: float, params: int) -> dict[str, Any]:
    test: dict[str, Any] = {"median": target + 0.01, "low": target, "high": target + 0.02, "n_seeds": 20}
    below: dict[str, Any] = {"median": target - 0.01, "low": target - 0.02, "high": target - 0.005, "n_seeds": 20}
    below["reach"] = {"value": 0.1, "low": 0.02}
    shape = {"width": params // 75, "depth": 1, "resolution": None}
    return {
        "target": target,
        "shape": shape,
        "route": "scratch",
        "n_train": 1000,
        "steps": 2000,
        "params": params,
        "flops": 2.0 * params,
        "weight_bytes": 4 * params,
        "test": {**test, "reach": {"value": 1.0, "low": 0.86}},
        "bracket": [
            {
                "shape": {**shape, "width": params // 90},
                "params": params * 5 // 6,
                "test": below,
                "test_longer": below,
                "verdict": "refuted",
            }
        ],
    }
