"""Refuse a question that has no answer: before anything is trained for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import plugins
from registry.errors import UsageError
from registry.statistics import meets

if TYPE_CHECKING:
    from harness.datasets.base import Dataset
    from harness.study import Study
    from registry.parse import Target


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


def one_metric(
    task: str, accuracies: Sequence[Sequence[float]], targets: Sequence[Target], named: str | None
) -> str | None:
    """Return the one metric that a question asks in; None for the task's own.

    Args:
        task: The task.
        accuracies: Targets in accuracy.
        targets: Targets that name their metric.
        named: The metric by itself, as where there is no target.

    Raises:
        UsageError: If a metric does not fit the task, or there are several.
    """
    from harness.metrics import scored

    asked = {*(["accuracy"] if accuracies else []), *(target.metric for target in targets), *([named] if named else [])}
    for metric in sorted(asked):
        scored(task, metric)  # raises, with those that fit
    if len(asked) > 1:
        raise UsageError(
            f"targets and knee are in one metric at a time, got {' and '.join(sorted(asked))}",
            "each is a question of its own: ask for one after the other",
        )
    return next((metric for metric in asked if metric != scored(task).metric.name), None)


def check_family(family: str, data: Dataset) -> None:
    """Refuse a family that does not fit a data set.

    Raises:
        UsageError: If it does not; names those that do.
    """
    fitting = [name for name in plugins.names("families") if plugins.load("families", name).takes(data)]
    if family not in fitting:
        raise UsageError(
            f"family {family} does not fit {data.task} on {data.name}", f"those that fit: {', '.join(fitting)}"
        )


def check(study: Study) -> None:
    """Refuse a data set of another task, a family that does not fit, or a target that needs no network."""
    from harness.metrics import scored

    data = plugins.load("datasets", study.dataset)
    if data.task != study.task:
        fitting = [n for n in plugins.names("datasets") if plugins.load("datasets", n).task == study.task]
        raise UsageError(
            f"data set {study.dataset} is for task {data.task}, not {study.task}",
            f"data sets of {study.task}: {', '.join(fitting)}",
        )
    check_family(study.family, data)
    task = scored(study.task, study.metric)
    chance = task.chance(data)
    for target in study.targets:
        if meets(chance, target, task.metric.direction):
            raise UsageError(
                f"target {task.metric.name} {target:g} needs no network: on {study.dataset} the best constant answer "
                f"reaches {chance:.3f}"
            )
