"""Turn what people type (sizes, targets, shapes, record ids) into numbers, or say in one line why it cannot be."""

import math
import re
from typing import Final, Literal

from registry.errors import UnknownName, UsageError
from registry.tuples import NamedTuple

LARGEST_SIZE: Final = 2**53 - 1
_MULTIPLES: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
# Patterns are compiled when first needed: a lookup without sizes needs none.
_SIZE: Final = r"(\d[\d_,]*(?:\.\d+)?(?:[eE]\+?\d+)?)(k|M|G|Ki|Mi|Gi|)"
_THOUSANDS: Final = r"\d{1,3}(,\d{3})+([.eE].*)?"
_SLUG: Final = r"[a-z0-9][a-z0-9-]{1,63}"
_RECORD: Final = rf"({_SLUG}/{_SLUG}/{_SLUG})(?:@v?([1-9]\d{{0,8}}))?"


class Target(NamedTuple):
    """What is asked for: a value of a metric."""

    metric: str
    value: float


def size(text: str) -> int:
    """Read a whole, positive number of things or bytes: ``10e6``, ``10M``, ``64k``, ``64Ki``, ``1_000``.

    Raises:
        UsageError: If it is none, or beyond 2**53 - 1.
    """
    match = re.fullmatch(_SIZE, text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a size; expected a positive whole number such as 10e6, 10M, 64k or 1_000")
    if "," in match[1] and not re.fullmatch(_THOUSANDS, match[1]):
        raise UsageError(
            f"{text!r} is not a size: a comma groups thousands, as in 1,000,000", "give several sizes one option each"
        )
    number = float(match[1].replace("_", "").replace(",", "")) * _MULTIPLES[match[2]]
    if not 1 <= number <= LARGEST_SIZE or not math.isclose(number, round(number), rel_tol=1e-12):
        raise UsageError(f"{text!r} is not a whole number from 1 to {LARGEST_SIZE:,}")
    return round(number)


def number(text: str) -> float:
    """Read a finite number above 0.

    Raises:
        UsageError: If it is none.
    """
    value = _finite(text)
    if value is None or value <= 0:
        raise UsageError(f"{text!r} is not a number above 0")
    return value


def fraction(text: str) -> float:
    """Read a fraction in [0, 1]; a percentage is refused with the fraction it would be.

    Raises:
        UsageError: If it is no fraction.
    """
    value = _finite(text.strip().removesuffix("%"))
    if value is None:
        raise UsageError(f"{text!r} is not a fraction in [0, 1]")
    percent = text.strip().endswith("%")
    if percent or not 0 <= value <= 1:
        likely = 0 <= value <= 100 and (percent or value >= 2)
        expected = f"; did you mean {value / 100:g}?" if likely else " in [0, 1]: nothing is above 1 or below 0"
        raise UsageError(f"{text.strip()} is not a fraction{expected}")
    return value


def accuracies(text: str) -> list[float]:
    """Read one or more fractions separated by commas.

    Raises:
        UsageError: If one is no fraction.
    """
    return [fraction(part) for part in text.split(",")]


def target(text: str) -> Target:
    """Read ``METRIC=VALUE``. What values the metric can take is its task's to say.

    Raises:
        UsageError: If it is not of that form, or the value is no finite number.
    """
    metric, equals, number_text = text.partition("=")
    value = _finite(number_text)
    if not equals or not re.fullmatch(_SLUG, metric) or value is None:
        raise UsageError(f"{text!r} is not a target; expected METRIC=VALUE, for example r2=0.9")
    return Target(metric, value)


def targets(text: str) -> list[Target]:
    """Read ``METRIC=VALUE``, or several values separated by commas, as :func:`target` reads one.

    Raises:
        UsageError: If it is not of that form, or a value is no finite number.
    """
    metric, _, _ = text.partition("=")
    parts = [part if "=" in part else f"{metric}={part}" for part in text.split(",")]
    try:
        return [target(part) for part in parts]
    except UsageError:
        raise UsageError(f"{text!r} is not a target; expected METRIC=VALUE, for example r2=0.9 or r2=0.8,0.9") from None


def mix(text: str) -> tuple[int, int]:
    """Read ``N,P``: training examples and parameters, each as :func:`size` reads it.

    Raises:
        UsageError: If it is not of that form.
    """
    parts = text.split(",")
    if len(parts) != 2:
        raise UsageError(f"{text!r} is not a mix; expected N,P: training examples and params, such as 10k,5e3")
    return size(parts[0]), size(parts[1])


def changes(text: str) -> list[tuple[Literal["n_train", "params"], float]]:
    """Read changes of a mix such as ``data*2,params*4``: pairs of a variable and its factor.

    Raises:
        UsageError: If one is not of that form.
    """
    return [_change(part.strip()) for part in text.split(",")]


def _change(text: str) -> tuple[Literal["n_train", "params"], float]:
    name, star, factor_text = text.partition("*")
    factor = _finite(factor_text)
    if not star or factor is None or not 1e-6 <= factor <= 1e6:
        raise UsageError(f"{text!r} is not a change; expected data*FACTOR or params*FACTOR, such as data*2")
    if name not in _CHANGED:
        raise UnknownName("change", name, _CHANGED)
    return _CHANGED[name], factor


_CHANGED: Final[dict[str, Literal["n_train", "params"]]] = {"data": "n_train", "params": "params"}


def input_shape(text: str) -> tuple[int, ...]:
    """Read the sides of one input, such as ``28x28x1`` or ``30``.

    Raises:
        UsageError: If a side is no positive whole number, or there are more than 4.
    """
    sides = text.lower().split("x")
    if len(sides) > 4 or not all(re.fullmatch(r"[1-9]\d{0,8}", side) for side in sides):
        raise UsageError(f"{text!r} is not an input shape; expected up to 4 sides such as 28x28x1 or 30")
    return tuple(int(side) for side in sides)


def record_id(text: str) -> tuple[str, int | None]:
    """Read ``task/dataset/family`` or ``task/dataset/family@VERSION``; the version is None where none is given.

    Raises:
        UsageError: If it is neither.
    """
    match = re.fullmatch(_RECORD, text)
    if match is None:
        raise UsageError(f"{text!r} is not a guideline id; expected task/dataset/family or task/dataset/family@2")
    return match[1], int(match[2]) if match[2] else None


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
