"""A plan: what a study would train, and about how long that takes, without training it.

The study is rehearsed twice: as if one of the smallest networks, easily trained, were enough for the hardest target,
or were the knee, and as if it took a large one that trains slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

from harness.clock import Turns
from harness.investigation import Investigation
from harness.metrics import scored
from harness.rehearsal import World, phases, rehearse
from harness.search.base import Setting, Space
from harness.study import Study
from harness.trial import Outcome, Shape, Trial
from registry.report import table
from registry.wording import counted

EASY, HARD = World(place=0.0, slowness=0.02), World(place=0.4, slowness=0.2)
HEADINGS: Final = ("phase", "trainings", "minutes")
NOT_FORESEEN: Final = (
    "how many trainings and minutes it may take is not foreseen: that takes too long for the time left"
)


@final
@dataclass(frozen=True)
class Phase:
    """What one phase takes, low to high."""

    name: str
    trainings: tuple[int, int]
    minutes: tuple[float, float]


@final
@dataclass(frozen=True)
class Plan:
    """What a study would do.

    Attributes:
        study: The question.
        space: What it may train.
        known: Trainings on record already.
        workers: Packs that train at once.
        pack_s: Seconds of a pack of trainings, of the cheapest and of the dearest.
        phases: What each phase takes; empty where that is not foreseen.
    """

    study: Study
    space: Space
    known: int
    workers: int
    pack_s: tuple[float, float]
    phases: tuple[Phase, ...] = ()

    @property
    def total(self) -> Phase:
        """All phases, low to high; what is low in one phase may be high in another."""
        low, high = ([phase.trainings[i] for phase in self.phases] for i in (0, 1))
        least, most = ([phase.minutes[i] for phase in self.phases] for i in (0, 1))
        return Phase("all", (sum(low), sum(high)), (sum(least), sum(most)))


def plan(
    study: Study,
    known: Mapping[str, Outcome],
    price: Callable[[Sequence[Trial]], float],
    turns: Turns | None,
    workers: int,
) -> Plan:
    """Say what a study takes.

    Args:
        study: The question.
        known: Outcomes on record by the trials' keys.
        price: Returns the seconds that a round of trials takes.
        turns: Where earlier runs were cut short.
        workers: Packs that train at once.
    """
    easy, hard = (rehearse(study, world, known, price, turns) for world in (EASY, HARD))
    found = []
    for name in phases(study):
        few, many = sorted((easy.trainings[name], hard.trainings[name]))
        low, high = sorted((easy.seconds[name] / 60, hard.seconds[name] / 60))
        found.append(Phase(name, (few, many), (low, high)))
    return replace(outline(study, known, price, workers), phases=tuple(found))


def outline(
    study: Study, known: Mapping[str, Outcome], price: Callable[[Sequence[Trial]], float], workers: int
) -> Plan:
    """Plan a study without rehearsing it: see :func:`plan`."""
    investigation = Investigation(study)
    space = investigation.space
    ranked = sorted(space.shapes, key=lambda shape: space.flops[shape])
    ends = [Setting(ranked[i], space.rates[0], space.steps[i]) for i in (0, -1)]
    low, high = (price([investigation.trial(end)]) for end in ends)
    return Plan(study, space, len(known), workers, (low, high))


def lines(plan: Plan) -> list[str]:
    """Return a plan as lines for people."""
    space, study = plan.space, plan.study
    ladders = [f"  {_ladder(space, shapes)}" for shapes in space.ladders.values()]
    low, high = plan.pack_s
    foreseen = [
        f"a pack of trainings takes {low:,.1f} to {high:,.1f} seconds, {counted(plan.workers, 'worker')}",
        NOT_FORESEEN,
    ]
    if plan.phases:
        phases = (*plan.phases, plan.total)
        rows = [(one.name, _span(one.trainings, ",d"), _span(one.minutes, ",.1f")) for one in phases]
        foreseen = [
            "",
            *table([HEADINGS, *rows], (0,)),
            "",
            f"{counted(plan.workers, 'worker')}; from a small, easily trained answer to a large, slow "
            "one. Starting and exporting take some seconds more.",
        ]
    return [
        f"{study.task} on {study.dataset}, {study.family}, {_aims(study)}, search by {study.search}:",
        *ladders,
        f"  {len(space.rates)} learning rates from {space.rates[0]:g} to {space.rates[-1]:g}, "
        f"{space.steps[0]:,} to {space.steps[-1]:,} steps",
        f"{plan.known:,} trainings are on record already",
        *foreseen,
    ]


def values(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON values."""
    space, study = plan.space, plan.study
    return {
        "question": {
            "task": study.task,
            "dataset": study.dataset,
            "family": study.family,
            "metric": scored(study.task, study.metric).metric.name,
            "targets": list(study.targets),
            "knee": study.knee,
            "search": study.search,
            "seed": study.seed,
        },
        "space": {
            "ladders": [
                {
                    "depth": depth,
                    "resolution": side,
                    "widths": [shape.width for shape in shapes],
                    "params": [space.params[shape] for shape in shapes],
                }
                for (depth, side), shapes in space.ladders.items()
            ],
            "learning_rates": list(space.rates),
            "steps": list(space.steps),
        },
        "n_known": plan.known,
        "workers": plan.workers,
        "phases": [_phase_values(phase) for phase in plan.phases],
        "total": _phase_values(plan.total),
    }


def _aims(study: Study) -> str:
    targets = [f"targets {', '.join(f'{target:g}' for target in study.targets)}"] if study.targets else []
    metric = [] if study.metric is None else [f"by {study.metric}"]
    return ", ".join([*targets, *(["the knee"] if study.knee else []), *metric])


def _ladder(space: Space, shapes: Sequence[Shape]) -> str:
    first, last = shapes[0], shapes[-1]
    side = "" if first.resolution is None else f", resolution {first.resolution}"
    if len(shapes) == 1:
        return f"depth {first.depth}{side}: 1 width of {first.width}, {space.params[first]:,} params"
    params = f"{space.params[first]:,} to {space.params[last]:,} params"
    return f"depth {first.depth}{side}: {len(shapes)} widths from {first.width} to {last.width}, {params}"


def _phase_values(phase: Phase) -> dict[str, Any]:
    return {
        "name": phase.name,
        "trainings": {"low": phase.trainings[0], "high": phase.trainings[1]},
        "minutes": {"low": round(phase.minutes[0], 3), "high": round(phase.minutes[1], 3)},
    }


def _span(ends: tuple[float, float], form: str) -> str:
    low, high = (format(end, form) for end in ends)
    return low if low == high else f"{low} to {high}"
