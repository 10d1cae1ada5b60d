"""Trainings with their compute, from records of published figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from registry.literature import computes
from registry.literature.columns import HOW

if TYPE_CHECKING:
    from harness.burden.int8 import Pair

# Better accounts first: where two records tell of one training, its compute is taken from the better.
ACCOUNTS: Final = tuple(HOW[account] for account in computes.ACCOUNTS)
# Metrics that points may have beside the one their record asks, all fractions and better when higher.
FURTHER: Final = ("accuracy", "accuracy-top-5", "map", "f1", "em", "bleu", "miou", "auc")
MAIN: Final = ("accuracy", "map", "f1", "bleu", "miou")  # the metric that is meant where a data set has several


@final
@dataclass(frozen=True)
class Training:
    """One training whose compute and result are known.

    Attributes:
        name: The model's name at the source.
        error: In error form, above 0; see :func:`error_form`.
        train_flops: Of the whole run, above 0.
        account: How ``train_flops`` was obtained, one of ``ACCOUNTS``.
        year: Of the source; None where unknown.
        citation: Key or link: trainings of one source share their recipe and their way of counting.
        where: Place in the source.
        route: scratch, pruned or distilled.
        precision: Of the weights: float32, int8 ...; None where it is not said.
    """

    name: str
    error: float
    train_flops: float
    account: str
    year: int | None
    citation: str
    where: str
    route: str
    precision: str | None

    @property
    def variant(self) -> str:
        """Return what sets the network apart from one as it was trained: ``pruned``, ``int8``, or nothing."""
        is_int8 = (self.precision or "").startswith("int8")
        return "int8" if is_int8 else "pruned" if self.route == "pruned" else ""


@final
@dataclass(frozen=True)
class Collection:
    """What records say of one task, data set and metric.

    Attributes:
        metric: Its name, unit and direction.
        trainings: Each once.
        n_figures: Published figures, those without compute and repeats included.
        n_repeats: Figures with compute that tell of a training that another tells of as well.
        n_perfect: Figures with compute and no error at all, which have no logarithm.
        pairs: Networks in 32-bit floats and in int8, with or without compute.
    """

    metric: Mapping[str, Any]
    trainings: tuple[Training, ...]
    n_figures: int
    n_repeats: int
    n_perfect: int
    pairs: tuple[Pair, ...] = ()

    @property
    def as_trained(self) -> tuple[Training, ...]:
        """Return the trainings that exponents rest on: neither pruned nor int8."""
        return self.of("")

    def of(self, variant: str) -> tuple[Training, ...]:
        """Return the trainings of one variant."""
        return tuple(one for one in self.trainings if one.variant == variant)

    @property
    def accounts(self) -> dict[str, int]:
        """Return how many trainings as trained have compute by which account, the most first."""
        return dict(Counter(one.account for one in self.as_trained).most_common())


def main_metric(names: Iterable[str]) -> str:
    """Return the metric that is meant where nobody says which: the first of ``MAIN``, else by the alphabet."""
    known = set(names)
    return next((name for name in MAIN if name in known), min(known))


def error_form(metric: Mapping[str, Any]) -> str:
    """Say what is used as error: ``1 - accuracy``, or a metric that is an error itself.

    Metrics that are better when higher count as 1 - metric. BLEU, a fraction in records, does so too: that is how
    Computer Progress, where Thompson et al. publish their data, draws every benchmark.

    Source:
        Computer-Progress/computerprogress.com, components/Chart/index.js: 1 / (1 - metric / 100) over log compute.
    """
    return f"1 - {metric['name']}" if metric["direction"] == "higher" else str(metric["name"])


def metrics(records: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return every metric that records have figures in, by name: those they ask, and further ones of ``FURTHER``."""
    asked: dict[str, Mapping[str, Any]] = {}
    further: dict[str, Mapping[str, Any]] = {}
    for record in records:
        asked.setdefault(record["question"]["metric"]["name"], record["question"]["metric"])
        for point in record["frontier"]:
            further |= {
                name: {"name": name, "unit": "fraction", "direction": "higher", "chance": None}
                for name in point["metrics"]
                if name in FURTHER
            }
    return further | asked


def gather(records: Iterable[Mapping[str, Any]], metric: Mapping[str, Any]) -> Collection:
    """Return the trainings that records tell of with a figure in one metric, each once.

    A point counts with its value where its record asks that metric, else with its further figure of that name. One
    training is one model name (case, spaces, hyphens and underscores aside) at one resolution, route and precision,
    whichever record or source tells of it. Of several figures the one counts whose compute has the better account, by
    ``ACCOUNTS``; then the one whose record comes first. A network of one name and compute that was tested at several
    resolutions was trained once: its best figure counts.

    Args:
        records: Published records as plain JSON values, first wins.
        metric: One of :func:`metrics`.
    """
    found: dict[tuple[Any, ...], Training] = {}
    n_figures = n_computed = n_perfect = 0
    for record in records:
        is_asked = record["question"]["metric"]["name"] == metric["name"]
        for point in record["frontier"]:
            value = point["value"] if is_asked else point["metrics"].get(metric["name"])
            n_figures += value is not None
            if value is None or not point["train_flops"]:
                continue
            one = _training(point, 1 - value if metric["direction"] == "higher" else float(value))
            n_computed += 1
            n_perfect += one.error <= 0
            place = (_plain(point), one.route, one.precision, _resolution(point))
            before = found.get(place)
            if one.error > 0 and (before is None or _rank(one) < _rank(before)):
                found[place] = one
    once: dict[tuple[Any, ...], Training] = {}
    for (name, route, precision, _), one in found.items():
        run = (name, route, precision, one.train_flops)
        if run not in once or one.error < once[run].error:
            once[run] = one
    return Collection(metric, tuple(once.values()), n_figures, n_computed - n_perfect - len(once), n_perfect)


def _rank(one: Training) -> int:
    return ACCOUNTS.index(one.account)


def _training(point: Mapping[str, Any], error: float) -> Training:
    return Training(
        name=point["name"],
        error=error,
        train_flops=float(point["train_flops"]),
        account=point["train_flops_source"],
        year=point["year"],
        citation=point["citation"],
        where=point["where"],
        route=point["route"],
        precision=point["precision"],
    )


def _plain(point: Mapping[str, Any]) -> str:
    """Return a model's name without what records add to tell its resolutions and precisions apart."""
    name = point["name"].removesuffix(f" in {point['precision']}").removesuffix(f" at {_resolution(point)}")
    return re.sub(r"[\s_-]+", "", name.casefold())


def _resolution(point: Mapping[str, Any]) -> int | None:
    """Return the side a figure was measured at; None where it is not said."""
    if point["resolution"] is not None:
        return int(point["resolution"])
    return int(point["input_shape"][-1]) if point["input_shape"] else None
