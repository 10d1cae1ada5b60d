"""Rules on a record's figures: in range, in order, and derived again from what the record keeps of every seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, Literal

from registry.answers import OUT_OF_TIME
from registry.errors import GuidesError
from registry.loader import LARGEST_INT
from registry.metrics import BALANCED
from registry.onnx_wire import Network
from registry.outcomes import TOLD, is_worst, metric_of, unpack
from registry.rules.classes import class_sizes
from registry.rules.record import ANSWERS_LIMIT, Problem, Record, Result, aim
from registry.schema import Bound, BracketPoint, KneePoint, MeasuredPoint, PublishedGuideline, PublishedPoint, Shape
from registry.statistics import KNEE, LOOKS, clopper_pearson_low, knee_limit, meets, sequential_counts, summarise

SHAPE_CONSTANT: Final = 16  # elements of an integer tensor in a float network: a shape, no weights
BASELINES: Final = ("majority", "linear")  # what every task of classification asks for, and more
UNFITTED: Final = "could not be fitted: "  # a note that begins so names them
LONGER: Final = 4  # a bracketing shape is measured again at this many times its steps


def ranges(record: Record) -> Iterator[Problem]:
    """A metric lies where its unit allows: a fraction in [0, 1], r2 at most 1, bits per byte and pixels at least 0.

    An example has at most 2**53 - 1 numbers.
    """
    if record.guideline is None:
        return
    if math.prod(record.guideline.question.dataset.input_shape or ()) > LARGEST_INT:
        yield Problem("question.dataset.input_shape", "is an example of more than 2**53 - 1 numbers")
    metric = record.guideline.question.metric
    low, high, said = {
        "fraction": (0.0, 1.0, "a fraction in [0, 1]"),
        "r2": (-math.inf, 1.0, "an R2 of at most 1"),
        "bits-per-byte": (0.0, math.inf, "a number of bits of at least 0"),
        "pixels": (0.0, math.inf, "a distance of at least 0"),
    }[metric.unit]
    if metric.chance is None and record.measured is not None:
        yield Problem("question.metric.chance", "is null, expected the metric of the best constant answer")
    for field, value in (("question.metric.chance", metric.chance), *_metric_values(record)):
        if value is not None and not low <= value <= high:
            yield Problem(field, f"{value:g} is not {said}")


def intervals(record: Record) -> Iterator[Problem]:
    """Bounds enclose what they bound, and a certified network's bound meets its target."""
    guideline = record.guideline
    if isinstance(guideline, PublishedGuideline):
        for i, figure in enumerate(guideline.frontier):
            yield from _open_interval(f"frontier.{i}", figure)
    measured = record.measured
    if measured is None:
        return
    for field, _, test in record.results():
        if not test.low <= test.median <= test.high:
            yield Problem(f"{field}.median", f"{test.median:g} is not between {test.low:g} and {test.high:g}")
    direction = measured.question.metric.direction
    for field, point in record.points():
        bound, wanted = point.test.low if direction == "higher" else point.test.high, aim(point)
        if wanted is not None and not meets(bound, wanted, direction):
            what = "limit" if point.target is None else "target"
            yield Problem(f"{field}.test", f"its bound {bound:g} does not meet the {what} {wanted:g}")
    if measured.law is not None:
        yield from _open_interval("law.width_floor", measured.law.width_floor)
        yield from _open_interval("law.irreducible_error", measured.law.irreducible_error)
        regions = measured.law.regions
        for name in ("small_data_end", "irreducible_start"):
            yield from _open_interval(f"law.regions.{name}", getattr(regions, name, None))


def reach(record: Record) -> Iterator[Problem]:
    """Reach stands beside every target and knee's limit and no other result, with its Clopper-Pearson bound."""
    for field, target, test in record.results():
        if (target is None) != (test.reach is None):
            yield Problem(f"{field}.reach", "stands exactly beside a target or a knee's limit")
        elif test.reach is not None:
            n_meeting = round(test.reach.value * test.n_seeds)
            if not _same(n_meeting / test.n_seeds, test.reach.value):
                yield Problem(f"{field}.reach.value", f"{test.reach.value:g} is no share of {test.n_seeds} seeds")
            elif not _same(low := clopper_pearson_low(n_meeting, test.n_seeds), test.reach.low):
                said = f"{n_meeting} of {test.n_seeds} give {low:.6g}"
                yield Problem(f"{field}.reach.low", f"is {test.reach.low:.6g}, but {said}")


def outcomes(record: Record) -> Iterator[Problem]:
    """Median, mean, bounds, spread and reach follow from each seed's right and wrong answers, or its losses."""
    measured = record.measured
    if measured is None or (metric := measured.question.metric).name not in TOLD:
        return  # another metric needs more than that
    n_test = measured.question.dataset.n_test
    if n_test is None:
        yield Problem("question.dataset.n_test", "is null, expected the number of test items of the outcomes")
        return
    if (answers := record.n_answers()) > ANSWERS_LIMIT:
        said = f"{n_test:,} items of all seeds and tested runs are {answers:,} answers"
        yield Problem("question.dataset.n_test", f"{said}, expected at most {ANSWERS_LIMIT:,}")
        return
    if unlike := list(class_sizes(measured)):
        yield from unlike
        return
    sizes = measured.question.dataset.n_test_by_class or ()
    for result in record.results():
        try:
            rows = unpack(result.test.outcomes, result.test.n_seeds, n_test, metric.name)
            values = [metric_of(row, n_test, metric.name, sizes) for row in rows]
            derived = summarise(values, result.target, metric.direction)
        except GuidesError as error:
            yield Problem(f"{result.field}.outcomes", error.message)
            continue
        yield from _differing(result, derived)
        worst = sum(is_worst(row, metric.name) for row in rows)
        if result.test.n_diverged > worst:
            message = f"is {result.test.n_diverged}, but {worst} seeds have every item wrong"
            yield Problem(f"{result.field}.n_diverged", message)


def bracket(record: Record) -> Iterator[Problem]:
    """Each bracketing shape is cheaper than the answer; refuted if it misses the target, also at 4 x the steps.

    What misses was measured there, too, but where a note says that time was short.
    """
    measured = record.measured
    if measured is None:
        return
    direction = measured.question.metric.direction
    is_hasty = any(OUT_OF_TIME in note for note in measured.notes)
    for here, point in record.points():
        wanted = aim(point)
        for j, cheaper in enumerate(point.bracket):
            field = f"{here}.bracket.{j}"
            settled, *longer = cheaper.steps_tried
            if cheaper.params > point.params:
                yield Problem(f"{field}.params", f"{cheaper.params} is above the answer's {point.params}")
            if cheaper.shape == point.shape:
                yield Problem(f"{field}.shape", "is the answer's own, expected a cheaper one")
            if (cheaper.test_longer is None) != (not longer):
                yield Problem(f"{field}.steps_tried", "has as many entries as there are measurements")
            if longer and longer[0] != LONGER * settled:
                yield Problem(f"{field}.steps_tried", f"{longer[0]} steps are not {LONGER} x {settled}")
            if wanted is not None:
                yield from _verdict(f"{field}.verdict", cheaper, wanted, direction, is_hasty=is_hasty)


def networks(record: Record) -> Iterator[Problem]:
    """A shape has the same params wherever it stands, its file holds as many, and float32 weights take 4 bytes each."""
    params: dict[Shape, int] = {}
    for here, point in record.points():
        counted: list[tuple[str, Shape, int]] = [
            (here, point.shape, point.params),
            *((f"{here}.attempts.{j}", one.shape, one.params) for j, one in enumerate(point.attempts)),
            *((f"{here}.bracket.{j}", one.shape, one.params) for j, one in enumerate(point.bracket)),
        ]
        if isinstance(point, KneePoint):
            counted.append((f"{here}.reference", point.reference.shape, point.reference.params))
        for field, shape, n in counted:
            if params.setdefault(shape, n) != n:
                yield Problem(f"{field}.params", f"is {n}, but {params[shape]} elsewhere for the same shape")
        if point.weight_bytes is not None and point.weight_bytes != 4 * point.params:
            yield Problem(f"{here}.weight_bytes", f"is {point.weight_bytes}, but 4 x {point.params} params")
        network = None if point.onnx is None else record.network(point.onnx.path, "float")
        if isinstance(network, Network):
            yield from _recounted(here, point, network)


def baselines(record: Record) -> Iterator[Problem]:
    """Beside a classifier stand the constant answer and a linear one; of these the latter, if it could be fitted."""
    if record.measured is None or record.measured.question.metric.name not in ("accuracy", BALANCED):
        return
    names = [baseline.name for baseline in record.measured.baselines]
    unfitted = {
        name
        for note in record.measured.notes
        if note.startswith(UNFITTED)
        for name in note.removeprefix(UNFITTED).split(", ")
    }
    for name in BASELINES:
        if name not in names and (name == "majority" or name not in unfitted):
            yield Problem("baselines", f"have no {name}, expected {' and '.join(BASELINES)} beside a classifier")
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Problem(f"baselines.{i}.name", f"{name} stands twice")


def attempts(record: Record) -> Iterator[Problem]:
    """Attempts end as their counts say, one of them certified this answer, and none certified a cheaper one."""
    for field, point in record.points():
        yield from _attempts(f"{field}.attempts", point)


def knee(record: Record) -> Iterator[Problem]:
    """A knee's limit is 1.1 x the median error of its reference; there is one knee per n_train."""
    measured = record.measured
    if measured is None:
        return
    metric = measured.question.metric
    n_items = measured.question.dataset.n_test if metric.name == "accuracy" else None
    sizes: set[int] = set()
    for i, point in enumerate(measured.knee):
        limit = knee_limit(point.reference.test.median, metric.direction, n_items)
        if not _same(point.limit, limit):
            said = f"is {point.limit:.9g}, but {KNEE:g} x the error of its reference's median run is {limit:.9g}"
            yield Problem(f"knee.{i}.limit", said)
        if point.n_train in sizes:
            yield Problem(f"knee.{i}.n_train", f"is {point.n_train}, as of a knee before")
        sizes.add(point.n_train)


def order(record: Record) -> Iterator[Problem]:
    """The frontier goes from the lowest target up, by route within one; each point has a target, no knee has one."""
    measured = record.measured
    if measured is None:
        return
    before: tuple[float, str] | None = None
    for i, point in enumerate(measured.frontier):
        if point.target is None:
            yield Problem(f"frontier.{i}.target", "is null, expected a target")
            continue
        here = (point.target, point.route)
        if before is not None and here < before:
            yield Problem(f"frontier.{i}", f"{here[0]:g} {here[1]} stands after {before[0]:g} {before[1]}")
        before = here
    for i, point in enumerate(measured.knee):
        if point.target is not None:
            yield Problem(f"knee.{i}.target", "is a number, expected null: a knee needs no target")


def _recounted(field: str, point: MeasuredPoint, network: Network) -> Iterator[Problem]:
    if network.params != point.params:
        yield Problem(f"{field}.params", f"is {point.params}, but its network's file holds {network.params}")
    if network.largest_integers > SHAPE_CONSTANT:
        held = f"holds a tensor of {network.largest_integers} integers"
        yield Problem(f"{field}.onnx", f"{held}, expected shapes alone: weights are floats and counted")


def _verdict(
    field: str, cheaper: BracketPoint, target: float, direction: Literal["higher", "lower"], *, is_hasty: bool
) -> Iterator[Problem]:
    tests = [test for test in (cheaper.test, cheaper.test_longer) if test is not None]
    bests = [test.high if direction == "higher" else test.low for test in tests]
    meeting = [best for best in bests if meets(best, target, direction)]
    if cheaper.verdict == "refuted" and meeting:
        yield Problem(field, f"is refuted, but its bound {meeting[0]:g} meets {target:g}")
    elif cheaper.verdict == "refuted" and len(bests) < 2:
        yield Problem(field, f"is refuted, but was not measured at {LONGER} x the steps")
    elif cheaper.verdict == "undecided" and not meeting and not (is_hasty and len(bests) < 2):
        said = " and ".join(f"{best:g}" for best in bests)
        yield Problem(field, f"is undecided, but its bounds {said} miss {target:g}")


def _metric_values(record: Record) -> Iterator[tuple[str, float | None]]:
    for field, _, test in record.results():
        for name in ("median", "mean", "low", "high", "best_of_3"):
            yield f"{field}.{name}", getattr(test, name)
    guideline = record.guideline
    if isinstance(guideline, PublishedGuideline):
        for i, figure in enumerate(guideline.frontier):
            yield f"frontier.{i}.value", figure.value
            yield f"frontier.{i}.low", figure.low
            yield f"frontier.{i}.high", figure.high
    if record.measured is None:
        return
    for i, baseline in enumerate(record.measured.baselines):
        yield f"baselines.{i}.metric", baseline.metric
    for field, point in record.points():
        yield f"{field}.{'target' if point.target is not None else 'limit'}", aim(point)
        if point.onnx is not None:
            yield f"{field}.onnx.metric", point.onnx.metric
            yield f"{field}.onnx.int8.metric", None if point.onnx.int8 is None else point.onnx.int8.metric


def _open_interval(field: str, bound: Bound | PublishedPoint | None) -> Iterator[Problem]:
    if bound is None:
        return
    if bound.low is not None and bound.low > bound.value:
        yield Problem(f"{field}.low", f"{bound.low:g} is above the value {bound.value:g}")
    if bound.high is not None and bound.high < bound.value:
        yield Problem(f"{field}.high", f"{bound.high:g} is below the value {bound.value:g}")


def _differing(result: Result, derived: dict[str, Any]) -> Iterator[Problem]:
    for name in ("median", "mean", "low", "high", "sd"):
        said = getattr(result.test, name)
        if not _same(said, derived[name]):
            yield Problem(f"{result.field}.{name}", f"is {said:.6g}, but the outcomes give {derived[name]:.6g}")
    if result.test.reach is not None and derived["reach"] is not None:
        said, given = result.test.reach.value, derived["reach"]["value"]
        if not _same(said, given):
            yield Problem(f"{result.field}.reach.value", f"is {said:.6g}, but the outcomes give {given:.6g}")


def _attempts(field: str, point: MeasuredPoint) -> Iterator[Problem]:
    answered = False
    for j, attempt in enumerate(point.attempts):
        if attempt.n_meeting > attempt.n_seeds:
            yield Problem(f"{field}.{j}.n_meeting", f"{attempt.n_meeting} is above n_seeds {attempt.n_seeds}")
            continue
        if attempt.n_seeds not in LOOKS:
            looks = ", ".join(map(str, LOOKS))
            yield Problem(f"{field}.{j}.n_seeds", f"is {attempt.n_seeds}, expected one of {looks}: seeds of a look")
            continue
        needed = sequential_counts(j + 1).get(attempt.n_seeds)
        certified = attempt.verdict == "certified"
        if certified and (needed is None or attempt.n_meeting < needed):
            needs = "no such number is enough" if needed is None else f"{needed} are needed"
            counts = f"{attempt.n_meeting} of {attempt.n_seeds} seeds meet the target and at attempt {j + 1} {needs}"
            yield Problem(f"{field}.{j}.verdict", f"is certified, but {counts}")
        failed_before = any(other.shape == attempt.shape and other.verdict == "failed" for other in point.attempts[:j])
        if not certified and not failed_before and needed is not None and attempt.n_meeting >= needed:
            counts = f"{attempt.n_meeting} of {attempt.n_seeds} seeds meet the target and {needed} are enough"
            yield Problem(f"{field}.{j}.verdict", f"is failed, but at attempt {j + 1} {counts}")
        if certified and failed_before:
            yield Problem(f"{field}.{j}.verdict", "is certified, but the same shape has failed before")
        if certified and attempt.params < point.params:
            yield Problem(f"{field}.{j}.params", f"{attempt.params} was certified, which is below the answer's")
        answered = answered or (certified and attempt.shape == point.shape and attempt.params == point.params)
    if not answered:
        yield Problem(field, "has no certified attempt of the answer's shape and params")


def _same(said: float, derived: float) -> bool:
    return math.isclose(said, derived, rel_tol=1e-9, abs_tol=1e-9)
