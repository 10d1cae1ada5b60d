"""Strategies against each other: what a certified smallest network costs each of them, by replays on tables."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal, NamedTuple, final

import numpy as np

from harness.certify import CLEAR, LONGER
from harness.replay import Replay, Truth, space_of, truth_of
from harness.search import grid, optuna
from harness.search.base import Setting, Strategy
from harness.speed import Speed
from harness.tables import Table
from registry.statistics import LOOKS, sign_test_count

FROZEN_ON: Final = ("digits/mlp", "glyphs/mlp")  # where pooled's constants come from; the others only score them
BUDGETS: Final = (20, 40, 60, 100)  # networks that Optuna trains before it certifies
LEVELS: Final[Mapping[Literal["easy", "mid", "near"], float]] = {"easy": 0.25, "mid": 0.5, "near": 1.0}
NEAR: Final = 1.1  # times the lowest error of the table: the target near the floor, as a knee has it
GRAIN: Final = 0.005  # targets are accuracies in such steps
CLOSE: Final = 1.25  # params over those of the true smallest shape that count as found
SURE: Final = 0.9  # share of replays that must have found it


class Row(NamedTuple):
    """One strategy at one target of one table; medians over replays, a replay without an answer costs infinity."""

    dataset: str
    family: str
    target: float
    level: Literal["easy", "mid", "near"]
    strategy: str
    cost_ratio_to_pow2: float
    cost_ratio_to_grid: float
    cost_ratio_to_optuna: float
    params_ratio_to_best: float
    miss_rate: float
    none_rate: float
    false_rate: float
    train_flops: float
    search_flops: float
    flops_until_close: float
    wall_s_until_close: float
    flops_curve: list[list[float]]
    wall_s_curve: list[list[float]]
    certify_flops: float
    certify_flops_at_20: float
    bracket_flops: float
    bracket_flops_at_20: float
    n_replays: int
    frozen_on: bool


@final
@dataclass(frozen=True)
class Ended:
    """How one replay ended; costs in flops, infinite where nothing was certified.

    Attributes:
        cost: Everything up to the certificate.
        search: Of it, what was not certification.
        wall_s: Seconds it would take on one thread of this machine, at the speed measured before.
        params: Of the certified shape.
        certify_at_20: What its certifications would have cost with 20 seeds each, none stopped early.
        bracket: What refuting the largest cheaper shape of every ladder costs, stopping early.
        bracket_at_20: The same with 20 seeds each time.
        misses: Whether the certified shape misses the target by the other half of the seeds.
        is_false: Whether the certified setting misses it by the runs that were drawn from.
    """

    cost: float
    search: float
    wall_s: float = math.inf
    params: int | None = None
    certify_at_20: float = math.nan
    bracket: float = math.nan
    bracket_at_20: float = math.nan
    misses: bool = False
    is_false: bool = False


@final
@dataclass(frozen=True)
class Question:
    """One target of one table, and what is true of it.

    Attributes:
        table: The trainings.
        level: How hard the target is for this table.
        accuracy: The target.
        truth: What the first half of the seeds says.
        best: Params of the true smallest shape.
        interval: Params of the smallest shapes that may meet the target, and that surely do, with 95 % confidence each.
    """

    table: Table
    level: Literal["easy", "mid", "near"]
    accuracy: float
    truth: Truth
    best: int
    interval: tuple[int, int]

    @property
    def error(self) -> float:
        """The largest error that meets the target."""
        return round(1 - self.accuracy, 12)


def halves(table: Table) -> tuple[slice, slice]:
    """Return the seeds that say what is true, and those that replays draw from."""
    n = table.facts["seeds"]
    return slice(0, n // 2), slice(n // 2, n)


def questions(table: Table) -> Iterator[Question]:
    """Yield an easy, a middle and a near-floor target of a table.

    Of the shapes on the frontier (each with a lower error than every smaller one) up to 1.1 times the lowest error,
    the one a quarter of the way up is to be the answer to the easy target, the one in the middle to the middle target:
    half way, in log error, between it and the shape before it. Near the floor the error is 1.1 times the lowest, or
    what nine of ten runs of some shape keep within, if that is more: else nothing could be certified. Targets are
    accuracies in steps of 0.005.
    """
    space, truth = space_of(table), truth_of(table, halves(table)[0])
    near = max(min(truth.median.values()) * NEAR, min(truth.dependable.values()))
    frontier: list[float] = []
    for shape in space.shapes:
        error = truth.median[shape]
        if error < min(frontier, default=space.chance_error):
            frontier.append(error)
        if error <= near:
            break
    last = len(frontier) - 1
    for level, position in LEVELS.items():
        own = math.floor(last * position) if level == "easy" else math.ceil(last * position)
        before = frontier[own - 1] if own else space.chance_error
        error = near if level == "near" else math.sqrt(frontier[own] * before)
        accuracy = round(math.floor((1 - error) / GRAIN + 1e-9) * GRAIN, 6)
        best = truth.smallest(space, round(1 - accuracy, 12))
        may, surely = truth.interval(space, round(1 - accuracy, 12))
        assert best is not None  # noqa: S101 - the frontier's own error meets it
        assert may is not None  # noqa: S101 - what meets it may meet it
        dearest = space.params[surely or space.shapes[-1]]
        yield Question(table, level, accuracy, truth, space.params[best], (space.params[may], dearest))


def replay(question: Question, strategy: Strategy, number: int, speed: Speed | None = None) -> Ended:
    """Run one search for one target on resampled runs; without ``speed`` nothing is said of seconds."""
    table, space, seeds = question.table, space_of(question.table), halves(question.table)[1]
    run = Replay(table, seeds, number)
    found = run.run(strategy, space, question.error)
    search = run.train_flops - run.certify_flops
    if found.certified is None:
        return Ended(math.inf, search)
    bracket, bracket_at_20 = _bracket(question, found.certified, number)
    drawn = table.test_errors[table.rows[found.certified], seeds]
    return Ended(
        cost=run.train_flops,
        search=search,
        wall_s=math.inf if speed is None else speed.seconds(run.rounds, alone=isinstance(strategy, optuna.Optuna)),
        certify_at_20=sum(LOOKS[1] * space.train_flops(test.setting) for test in found.history.tests),
        bracket=bracket,
        bracket_at_20=bracket_at_20,
        params=space.params[found.certified.shape],
        misses=question.truth.median[found.certified.shape] > question.error,
        is_false=float(np.median(drawn)) > question.error,
    )


def strategies(number: int = 0) -> dict[str, Strategy]:
    """Return everything that is compared, Optuna at each of its budgets; ``number`` seeds what draws at random."""
    from harness.search import bisect, halving, pooled

    found: dict[str, Strategy] = {
        "pooled": pooled.PLUGIN,
        "pow2": grid.POWERS_OF_TWO,
        "grid": grid.PLUGIN,
        "bisect": bisect.PLUGIN,
        "halving": halving.Halving(number),
    }
    return found | {f"optuna-{budget}": optuna.Optuna(budget, number) for budget in BUDGETS}


def compare(
    tables: Sequence[Table],
    n_replays: int,
    n_optuna: int,
    chosen: Callable[[int], Mapping[str, Strategy]] = strategies,
) -> Iterator[Row]:
    """Yield the rows of every question, strategy by strategy.

    Args:
        tables: The trainings.
        n_replays: Searches a strategy and target.
        n_optuna: The same for Optuna, which is slow to propose.
        chosen: The strategies of a replay, by its number; by default all.
    """
    for table in tables:
        speed = Speed.measure(table)
        for question in questions(table):
            ended: dict[str, list[Ended]] = defaultdict(list)
            for number in range(max(n_replays, n_optuna)):
                for name, strategy in chosen(number).items():
                    if number < (n_optuna if name.startswith("optuna") else n_replays):
                        # seconds take longer to work out than all the rest: the first replays say enough
                        timed = speed if number < n_optuna else None
                        ended[name].append(replay(question, strategy, number, timed))
            budgets = [name for name in ended if name.startswith("optuna")]
            if budgets:  # at the budget that is best for it
                best = min(budgets, key=lambda name: (_cost(ended[name]), _none_rate(ended[name])))
                ended["optuna"] = ended[best]
            kept = {name: results for name, results in ended.items() if name not in budgets}
            yield from _rows(question, kept, n_optuna)


def _rows(question: Question, ended: Mapping[str, Sequence[Ended]], n_timed: int) -> Iterator[Row]:
    """Yield a row a strategy; seconds are known of the first ``n_timed`` replays."""
    costs = {name: _cost(results) for name, results in ended.items()}
    for name, results in ended.items():
        answered = [result for result in results if result.params is not None]
        flops = [result.cost if _is_close(question, result) else math.inf for result in results]
        seconds = [result.wall_s if _is_close(question, result) else math.inf for result in results[:n_timed]]
        yield Row(
            dataset=question.table.facts["dataset"],
            family=question.table.facts["family"],
            target=question.accuracy,
            level=question.level,
            strategy=name,
            cost_ratio_to_pow2=costs.get("pow2", math.nan) / costs[name],
            cost_ratio_to_grid=costs.get("grid", math.nan) / costs[name],
            cost_ratio_to_optuna=costs.get("optuna", math.nan) / costs[name],
            params_ratio_to_best=median([(r.params or 0) / question.best for r in answered] or [math.nan]),
            miss_rate=sum(result.misses for result in results) / len(results),
            none_rate=_none_rate(results),
            false_rate=sum(result.is_false for result in results) / len(results),
            train_flops=costs[name],
            search_flops=median(result.search for result in results),
            flops_until_close=_sure(flops),
            wall_s_until_close=_sure(seconds),
            flops_curve=_curve(flops),
            wall_s_curve=_curve(seconds),
            certify_flops=median([r.cost - r.search for r in answered] or [math.nan]),
            certify_flops_at_20=median([r.certify_at_20 for r in answered] or [math.nan]),
            bracket_flops=median([r.bracket for r in answered] or [math.nan]),
            bracket_flops_at_20=median([r.bracket_at_20 for r in answered] or [math.nan]),
            n_replays=len(results),
            frozen_on=question.table.name in FROZEN_ON,
        )


def _cost(results: Sequence[Ended]) -> float:
    return median(result.cost for result in results)


def _none_rate(results: Sequence[Ended]) -> float:
    return sum(result.params is None for result in results) / len(results)


def _is_close(question: Question, result: Ended) -> bool:
    return result.params is not None and result.params <= CLOSE * question.best


def _sure(spent: Sequence[float]) -> float:
    """Return what 9 of 10 replays stay within; infinite where fewer get there."""
    return sorted(spent)[math.ceil(SURE * len(spent)) - 1]


def _curve(spent: Sequence[float]) -> list[list[float]]:
    """Return [spent, share of replays that have certified a shape close to the true smallest by then]."""
    ordered = sorted(value for value in spent if math.isfinite(value))
    return [[value, (i + 1) / len(spent)] for i, value in enumerate(ordered)]


def _bracket(question: Question, answer: Setting, number: int) -> tuple[float, float]:
    """Return what weighing the largest cheaper shape of every ladder costs, stopping early, and with 20 seeds always.

    As :meth:`harness.certify.Bench.weigh` does it. Runs at 4 x the steps are not in the table: they are taken to turn
    out like those at the answer's steps. The tuning of those shapes, further notches down and 64-seed looks are left
    out.
    """
    table, space, seeds = question.table, space_of(question.table), halves(question.table)[1]
    generator = np.random.default_rng((number, 11))
    early = full = 0.0
    for shapes in space.ladders.values():
        cheaper = [shape for shape in shapes if space.order(shape) < space.order(answer.shape)]
        if not cheaper:
            continue
        own = [Setting(cheaper[-1], rate, answer.steps) for rate in space.rates]
        setting = min(own, key=lambda one: float(np.mean(np.minimum(table.val_errors[table.rows[one], seeds], 1.0))))
        errors = generator.choice(table.test_errors[table.rows[setting], seeds], size=LOOKS[1])
        met = errors <= question.error
        price = space.train_flops(setting)
        n = LOOKS[0] if not met[: LOOKS[0]].any() else LOOKS[1]
        missed = met[:n].sum() <= n - sign_test_count(n)
        longer = LOOKS[0] if missed and met[:n].sum() * LOOKS[1] <= CLEAR * n else LOOKS[1]
        early += price * (n + (longer * LONGER if missed else 0))
        missed = met.sum() <= LOOKS[1] - sign_test_count(LOOKS[1])
        full += price * LOOKS[1] * (1 + (LONGER if missed else 0))
    return early, full
