"""Refuse a question that has no answer: before anything is trained for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness import plugins
from registry.errors import UsageError
from registry.statistics import meets

if TYPE_CHECKING:
    from harness.study import Study


def check_data(
    dataset: str | None, data: Path | None, label: str | None, group: str | None, family: str | None
) -> None:
    """Refuse a question about no data, or about two."""
    if dataset is None and data is None:
        raise UsageError("give a data set with --dataset D, or your own file or folder with --data PATH")
    if dataset is not None and data is not None:
        raise UsageError("give --dataset or --data, not both")
    for option, value in (("--label", label), ("--group", group)):
        if value is not None and data is None:
            raise UsageError(f"{option} names a column of your own data: it needs --data")
    if family is None and data is None:
        raise UsageError("give a network family with --family F", f"families: {', '.join(plugins.names('families'))}")


def check(study: Study) -> None:
    """Refuse a data set of another task, a family that does not fit, or a target that needs no network."""
    data = plugins.load("datasets", study.dataset)
    if data.task != study.task:
        fitting = [n for n in plugins.names("datasets") if plugins.load("datasets", n).task == study.task]
        raise UsageError(
            f"data set {study.dataset} is for task {data.task}, not {study.task}",
            f"data sets of {study.task}: {', '.join(fitting)}",
        )
    families = {name: plugins.load("families", name) for name in plugins.names("families")}
    fitting = [n for n, f in families.items() if f.takes(data)]
    if study.family not in fitting:
        raise UsageError(
            f"family {study.family} does not fit {study.task} on {study.dataset}",
            f"those that fit: {', '.join(fitting)}",
        )

    task = plugins.load("tasks", study.task)
    chance = task.chance(data)
    for target in study.targets:
        if meets(chance, target, task.metric.direction):
            raise UsageError(
                f"target {task.metric.name} {target:g} needs no network: on {study.dataset} the best constant answer "
                f"reaches {chance:.3f}"
            )
