"""Answer a person's questions from the law of their own curve: predictions, the data a target takes, and the words.

Where the file holds accuracies, or an accuracy is asked for, answers are accuracies; else what the file holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from registry.errors import GuidesError, Inconclusive, NoAnswer, OutsideRange, UsageError
from registry.law import Bounds, Law, Prediction, data_needed, evaluate, locate, refuse_outside
from registry.laws.counting import FAR_TIMES, about, count

if TYPE_CHECKING:
    from harness.curve_file import CurveFile
    from harness.curves import Fitted
    from registry.parse import Target

UNIT: Final = {"n_train": "training examples", "steps": "steps"}
_ROUNDING: Final = 1e-9  # 10,000 that came out of a logarithm is inside a range that ends at 10,000


@final
@dataclass(frozen=True)
class Scale:
    """What results are shown as.

    Args:
        result: ``error``, ``accuracy`` or ``loss``.
    """

    result: str

    def shown(self, error: float) -> str:
        """Return an error as a result, with its name: ``accuracy 0.98``."""
        return f"{self.result} {self.number(error)}"

    def number(self, error: float, figures: int = 4) -> str:
        """Return an error as a result, an accuracy to the decimals of its error: 0.99996 is not 1."""
        if self.result != "accuracy":
            return f"{error:.{figures}g}"
        decimals = max(figures, figures - 2 - math.floor(math.log10(error))) if error > 0 else figures
        return f"{1 - error:.{decimals}f}".rstrip("0").removesuffix(".")

    def apart(self, error: float, other: float) -> str:
        """Return an error as a result, with its name and as many figures as tell it from another one."""
        tried = ((self.number(error, figures), self.number(other, figures)) for figures in range(4, 10))
        return f"{self.result} {next((mine for mine, its in tried if mine != its), self.number(error))}"

    def interval(self, ends: tuple[float | None, float | None]) -> str:
        """Return an interval of errors as one of results, the lesser end first; None is open."""
        low, high = ends[::-1] if self.result == "accuracy" else ends
        return " to ".join("open" if end is None else self.number(end) for end in (low, high))


@final
@dataclass(frozen=True)
class Answers:
    """What one law says.

    Args:
        sizes: The network that is answered for; empty where the law knows none.
        predictions: Sizes of data, and what is predicted there.
        targets: Targets, and the data they take.
        refused: Why the rest is not answered.
        next: Which run to make next, in words; None where none is worth it.
    """

    sizes: Mapping[str, float]
    predictions: tuple[tuple[int, Prediction], ...]
    targets: tuple[tuple[Target, Bounds], ...]
    refused: tuple[GuidesError, ...]
    next: str | None


def scale_of(file: CurveFile, targets: Sequence[Target]) -> Scale:
    """Return what the results of a file are shown as."""
    is_accuracy = file.result != "loss" and any(target.metric == "accuracy" for target in targets)
    return Scale("accuracy" if is_accuracy else file.result)


def error_of(file: CurveFile, target: Target) -> float:
    """Return a target as an error of the file.

    Raises:
        UsageError: If the file's results are of another metric.
    """
    if file.result == "loss":
        if target.metric != "loss" or target.value <= 0:
            raise UsageError(
                f"{target.metric} {target.value:g} is no target for losses", "use --target loss=VALUE, above 0"
            )
        return target.value
    if target.metric not in ("error", "accuracy"):
        raise UsageError(
            f"the file holds {file.result}, not {target.metric}", "use --target-acc A or --target error=VALUE"
        )
    error = 1 - target.value if target.metric == "accuracy" else target.value
    if not 0 < error < 1:
        raise UsageError(f"{target.metric} {target.value:g} cannot be reached, expected a fraction between 0 and 1")
    return error


def answer(
    one: Fitted,
    errors: Mapping[Target, float],
    asked: Sequence[int],
    sizes: Mapping[str, float],
    scale: Scale,
    *,
    extrapolate: bool,
) -> Answers:
    """Return predictions and data needed; what cannot be answered is kept, so that the rest is said first.

    Args:
        one: The law.
        errors: Each target with the error it stands for.
        asked: Sizes of data to predict at.
        sizes: The network to answer for.
        scale: What results are shown as.
        extrapolate: Whether to answer outside the range too.
    """
    predictions: list[tuple[int, Prediction]] = []
    targets: list[tuple[Target, Bounds]] = []
    refused: list[GuidesError] = []
    name = f"{one.name}: " if one.name else ""
    for size in asked:
        try:
            predictions.append((size, evaluate(one.law, size, extrapolate=extrapolate, **sizes)))
        except NoAnswer as refusal:
            refused.append(OutsideRange(f"{name}{refusal.message}{_how_far(one.law, size)}", refusal.hint))
    for target, error in errors.items():
        words = f"{name}{target.metric} {target.value:g}"
        try:
            targets.append((target, _needed(one.law, words, error, sizes, extrapolate=extrapolate)))
        except OutsideRange as refusal:
            refused.append(refusal)
        except NoAnswer:
            refused.append(out_of_reach(one.law, words, error, sizes, Scale(target.metric)))
    if asked or targets:
        at = float(asked[-1]) if asked else targets[-1][1].value
        return Answers(sizes, tuple(predictions), tuple(targets), tuple(refused), one.measure_next(at, sizes))
    return Answers(sizes, tuple(predictions), tuple(targets), tuple(refused), None)


def out_of_reach(
    law: Mapping[str, Any], words: str, error: float, sizes: Mapping[str, float], scale: Scale
) -> GuidesError:
    """Say that no amount of data reaches a target, that a larger network may, or that the floor leaves it open.

    Args:
        law: The law.
        words: The target.
        error: The error it stands for.
        sizes: The network that was asked for.
        scale: What results are shown as.
    """
    ready = Law(law)
    x = locate(ready, math.exp(ready.ranges[0][0]), **sizes)
    limit, floor = ready.limit(x), law["irreducible_error"] or {}
    low = floor.get("low")
    interval = scale.interval((low, floor.get("high")))
    if low is not None and error < low:
        return NoAnswer(
            f"{words}: no amount of data reaches it: the floor's 90 % interval is {scale.result} {interval}",
            "try another width, family or resolution, or better labels",
        )
    larger = (x[0], *(max(value, high) for value, (_, high) in zip(x[1:], ready.ranges[1:], strict=True)))
    if larger != x and ready.limit(larger) < error:
        return NoAnswer(
            f"{words} takes a larger network: at this size the law levels off at {scale.apart(limit, error)}, "
            f"at the largest measured at {scale.number(ready.limit(larger))}",
            "leave the size out: the largest measured is then answered for",
        )
    high = floor.get("high")
    if larger == x and len(x) > 1 and high is not None and high < error <= limit:
        named = zip(ready.variables[1:], x[1:], strict=True)
        at = " and ".join(f"{name} {math.exp(value):,.0f}" for name, value in named)
        return NoAnswer(
            f"{words} takes a larger network: at {at} the law levels off at "
            f"{scale.apart(limit, error)}, and the floor lies beyond the target (90 % sure: {interval})",
            "measure larger networks",
        )
    levels = f"levels off at {scale.apart(limit, error)}"
    if limit < error:
        levels = f"gets there past 1e30 {UNIT[ready.variables[0]]} alone"
    return Inconclusive(
        f"{words} is undecided: the law {levels}, and the floor may lie on either side of it (90 % sure: {interval})",
        "measure at larger sizes, or more runs of the largest",
    )


def lines(answers: Answers, law: Mapping[str, Any], scale: Scale) -> list[str]:
    """Write answers down, a line each."""
    first = law["variables"][0]
    unit, high = UNIT[first], law["valid_range"][first][1]
    out = []
    if answers.sizes:
        asked = ", ".join(f"{name} {value:,.0f}" for name, value in answers.sizes.items())
        out.append(f"for networks of {asked}:")
    for size, found in answers.predictions:
        sure, run = (scale.interval(ends[90]) if ends else "open" for ends in (found.mean, found.run))
        said = f"at {size:,} {unit}{_how_far(law, size)}: {scale.shown(found.value)} predicted, 90 % sure {sure}"
        out.append(f"{said}; one run {run}{_widened(law, found, answers.sizes)}")
    for target, needed in answers.targets:
        takes = about(Law(law), math.log(needed.value))
        ends = " to ".join("open" if end is None else _examples(end, high) for end in (needed.low, needed.high))
        how_far = _how_far(law, needed.value, asked=False)
        out.append(f"{target.metric} {target.value:g} takes {takes} {unit} (90 % sure: {ends}){how_far}")
    return out + ([answers.next] if answers.next else [])


def values(answers: Answers, law: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers as plain JSON values."""
    largest = law["valid_range"][law["variables"][0]][1]
    return {
        "sizes": dict(answers.sizes),
        "predictions": [
            {
                "at": size,
                "error": found.value,
                "mean": _ends(found.mean),
                "run": _ends(found.run),
                "outside": found.outside,
                "times_largest": size / largest,
            }
            for size, found in answers.predictions
        ],
        "targets": [
            {
                "metric": target.metric,
                "value": target.value,
                **needed._asdict(),
                "times_largest": needed.value / largest,
            }
            for target, needed in answers.targets
        ],
        "refused": [failure.message for failure in answers.refused],
        "next": answers.next,
    }


def _needed(
    law: Mapping[str, Any], words: str, error: float, sizes: Mapping[str, float], *, extrapolate: bool
) -> Bounds:
    found, ready = data_needed(law, error, extrapolate=True, level=90, **sizes), Law(law)
    if not extrapolate:
        x = locate(ready, found.value, **sizes)
        unit, how_far = UNIT[ready.variables[0]], _how_far(law, found.value, asked=False)
        refuse_outside(ready, x, f"{words} needs {about(ready, x[0])} {unit}{how_far},")
    return found


def _how_far(law: Mapping[str, Any], size: float, *, asked: bool = True) -> str:
    """Return how far a size of data lies outside the range, as what follows it; nothing inside.

    A size that was not asked for but worked out is not told where it lies more than 100 times out.
    """
    low, high = law["valid_range"][law["variables"][0]]
    for times, end in ((size / high, "the largest"), (low / size, "below the smallest")):
        if times <= 1 + _ROUNDING:
            continue
        is_far = times > FAR_TIMES * (1 + _ROUNDING)
        much = f"{times:.3g}" if times < 1000 else f"{float(f'{times:.2g}'):,.0f}"
        much = f"more than {FAR_TIMES}" if is_far and not asked else much
        return f", {much} x {end} n measured{', far outside' if is_far else ''}"
    return ""


def _widened(law: Mapping[str, Any], found: Prediction, sizes: Mapping[str, float]) -> str:
    """Return how much wider the interval is, in log error, than at the largest n; nothing where none is known."""
    if found.outside <= 0 or not found.mean:
        return ""
    largest = law["valid_range"][law["variables"][0]][1]
    inside = evaluate(law, largest, extrapolate=True, **sizes)
    if not inside.mean:
        return ""
    there, here = (math.log(one[90].high / one[90].low) for one in (found.mean, inside.mean))
    return f"; that is {there / here:.2g} x as wide as at {largest:,}" if here > 0 else ""


def _examples(value: float, largest: float) -> str:
    return f"more than {count(FAR_TIMES * largest)}" if value > FAR_TIMES * largest * (1 + _ROUNDING) else count(value)


def _ends(intervals: Any) -> dict[str, list[float]] | None:
    return {str(level): list(ends) for level, ends in intervals.items()} if intervals else None
