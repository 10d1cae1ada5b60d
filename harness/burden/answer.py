"""What the records of one task, data set and metric say of compute: every fit, and why one is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, final

from harness.burden.exponent import LEAST, Fit, Interval, fit
from harness.burden.int8 import Effect, effect, pairs
from harness.burden.points import Collection, Training, gather, main_metric, metrics
from registry import index, shelf
from registry.errors import NoAnswer, UnknownName
from registry.roots import Root
from registry.schema import PublishedPoint
from registry.shelf import Listed

VARIANTS: Final = ("pruned", "int8")
HALF: Final = 2.0  # errors that span less do not hold a halving


class Missing(NamedTuple):
    """A fit that there is not.

    Args:
        n: Trainings there are.
        why: What is in the way.
    """

    n: int
    why: str


@final
@dataclass(frozen=True)
class Burden:
    """What compute buys.

    Attributes:
        collection: The trainings.
        all_points: The line through all of them.
        frontier: That through those that none with as little compute beats.
        variants: That through pruned, and through int8 networks.
        int8: What int8 does to the errors of networks that stand in both precisions; None where there are none.
    """

    collection: Collection
    all_points: Fit
    frontier: Fit | Missing
    variants: dict[str, Fit | Missing]
    int8: Effect | None = None

    def halving(self, one: Fit) -> Interval | None:
        """Return what halving the error takes by one of the lines; None where the one through all says nothing of it.

        Where errors span less than a factor of ``HALF``, half of one lies outside what anybody measured.

        A frontier is nearly straight because it was picked so: its R2 does not count.
        """
        return None if self.silence else one.halving

    @property
    def silence(self) -> str | None:
        """Return why nothing is said of halving the error; None where something is."""
        if self.all_points.silence:
            return self.all_points.silence
        return f"errors here span a factor of {self.span:.2g}" if self.span < HALF else None

    @property
    def span(self) -> float:
        """Return how many times the least error the largest is, over the trainings that are fitted."""
        errors = [one.error for one in self.collection.as_trained]
        return max(errors) / min(errors)


def records(
    where: Sequence[Root], task: str, dataset: str, tell: Callable[[list[str]], None] | None = None
) -> list[dict[str, Any]]:
    """Return the published records of a task and data set: none twice, none superseded.

    Args:
        where: The roots, first wins.
        task: The task.
        dataset: The data set.
        tell: Gets a line for each record that was left out because it is damaged.

    Raises:
        UnknownName: If no record has that task, or that data set of it.
        NoAnswer: If none is published.
    """
    every = index.read(where, _listed, tell)
    for kind, name, known in (
        ("task", task, {one.task for one in every}),
        ("data set", dataset, {one.dataset for one in every if one.task == task}),
    ):
        if name not in known:
            raise UnknownName(kind, name, known)
    chosen = [one for one in every if (one.task, one.dataset) == (task, dataset) and _counts(one)]
    if not chosen:
        raise NoAnswer(f"nothing is published of {task} on {dataset}", "see docs/literature.md for how to add some")
    return [_filled(shelf.read(one)) for one in chosen]


def collect(found: Sequence[dict[str, Any]], metric: str | None) -> tuple[Collection, list[str]]:
    """Pool what records say in one metric, and name the others.

    Args:
        found: What :func:`records` returned.
        metric: The metric; None for the one that is meant.

    Raises:
        UnknownName: If there is no figure in that metric.
    """
    known = metrics(found)
    wanted = main_metric(known) if metric is None else metric
    if wanted not in known:
        raise UnknownName("metric", wanted, known)
    pooled = replace(gather(found, known[wanted]), pairs=pairs(found, known[wanted]))
    return pooled, sorted({*known} - {wanted})


def burden(collection: Collection, name: str) -> Burden:
    """Fit all that there is to fit.

    Args:
        collection: The trainings.
        name: Task and data set, for messages.

    Raises:
        NoAnswer: If there are too few trainings.
    """
    there = collection.as_trained
    if len(there) < LEAST:
        figures = f"{collection.n_figures} figures in {collection.metric['name']}"
        what = f"{name} has {len(there)} with training compute, of {figures}"
        raise NoAnswer(
            f"an exponent takes {LEAST} trainings, {what}", "add rows with train_flops: docs/literature.md says how"
        )
    variants = {name: _or_missing(collection.of(name)) for name in VARIANTS}
    return Burden(collection, fit(there), _or_missing(there, frontier=True), variants, effect(collection.pairs))


def _or_missing(trainings: tuple[Training, ...], *, frontier: bool = False) -> Fit | Missing:
    try:
        return fit(trainings, frontier=frontier)
    except NoAnswer as refusal:
        return Missing(len(trainings), refusal.message)


def _listed(indexes: list[index.Index]) -> list[Listed]:
    shelf.refuse_nothing(indexes)
    return shelf.listed(indexes)


def _filled(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose points have every field: those that it leaves out as the schema fills them in."""
    fields = PublishedPoint.model_fields
    defaults = {name: field.default for name, field in fields.items() if not field.is_required()}
    return {**record, "frontier": [defaults | point for point in record["frontier"]]}


def _counts(one: Listed) -> bool:
    return one.evidence == "published" and not one.shadowed and not one.superseded
