"""From descriptors to the size of a knee: a regression no finer than a dozen data sets can carry.

Candidates are ridge regressions on at most three descriptors, and means over the nearest one or three data sets by
them; they foretell the logarithm of the knee's params, or of its width. The candidate with the least mean error is
taken, where every source of data is left out in turn: the glyphs of ten classes say too much of those of a hundred.
How good that is, is measured one level up: the candidate is chosen anew without the source it then foretells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import fmean
from typing import Final, Literal, final

import numpy as np

from harness.like import folk
from harness.like.descriptors import Descriptors

MOST_FEATURES: Final = 3
PENALTY: Final = 1.0  # of ridge regression, on descriptors of mean 0 and deviation 1
NEIGHBOURS: Final = (1, 3)
WIDEST: Final = 256  # no more than was measured
SHARE: Final = 0.8  # of the data sets, whose error the factor of uncertainty covers

# name -> the number that a model sees; errors are counted as k + 0.5 of n + 1
FEATURES: Final[dict[str, Callable[[Descriptors], float]]] = {
    "inputs": lambda d: math.log(d.n_inputs),
    "outputs": lambda d: math.log(d.n_outputs),
    "examples": lambda d: math.log(d.n_train),
    "linear error": lambda d: math.log(_counted(d.linear_error, d)),
    "neighbour error": lambda d: math.log(_counted(d.neighbour_error, d)),
    "tree error": lambda d: math.log(_counted(d.tree_error, d)),
    "linear over neighbour error": lambda d: math.log(_counted(d.linear_error, d) / _counted(d.neighbour_error, d)),
    "linear over tree error": lambda d: math.log(_counted(d.linear_error, d) / _counted(d.tree_error, d)),
    "dimension": lambda d: math.nan if d.intrinsic_dimension is None else math.log(d.intrinsic_dimension),
}
NAMES: Final = tuple(FEATURES)
TARGETS: Final = ("width", "params")


@final
@dataclass(frozen=True)
class Known:
    """A data set whose knee was measured.

    Attributes:
        name: What its ladder is called.
        source: Where its examples come from: several data sets may be of one source.
        descriptors: What it is like.
        width: Width of the knee, an mlp of depth 1.
    """

    name: str
    source: str
    descriptors: Descriptors
    width: int

    @property
    def params(self) -> int:
        """Params of the knee."""
        return folk.params(self.width, self.descriptors)


@final
@dataclass(frozen=True)
class Model:
    """A way to foretell.

    Attributes:
        features: Names of the descriptors it looks at.
        neighbours: How many of the nearest data sets it takes the mean of; 0 for a ridge regression.
        of: What it foretells, its logarithm.
    """

    features: tuple[str, ...]
    neighbours: int
    of: Literal["params", "width"]

    def __str__(self) -> str:
        """Say it in words."""
        by = " and ".join(self.features) or "nothing: the same for all"
        if self.neighbours == 0:
            return f"ridge regression of log {self.of} on {by}"
        return f"mean log {self.of} of the nearest {self.neighbours or ''} by {by}".replace(" 1 by", " by")


@final
class Fold:
    """Data sets to learn from, and those to foretell: what every candidate needs of them, computed once.

    Args:
        known: To learn from.
        asked: To foretell.
    """

    def __init__(self, known: Sequence[Known], asked: Sequence[Descriptors]) -> None:
        self._asked = asked
        self._rows, self._asked_rows = _standardised([one.descriptors for one in known], asked)
        self._gram = self._rows.T @ self._rows
        self._squares = np.square(self._asked_rows[:, np.newaxis] - self._rows)
        self._targets = {of: np.log([getattr(one, of) for one in known]) for of in TARGETS}

    def widths(self, model: Model) -> list[int]:
        """Foretell the width of each knee: whole, from 1 to the widest that was measured."""
        columns = [NAMES.index(name) for name in model.features]
        values = self._nearest(model, columns) if model.neighbours else self._ridge(model, columns)
        return [_whole_width(math.exp(value), model.of, one) for value, one in zip(values, self._asked, strict=True)]

    def _ridge(self, model: Model, columns: list[int]) -> list[float]:
        targets = self._targets[model.of]
        mean = float(targets.mean())
        square = self._gram[np.ix_(columns, columns)] + PENALTY * np.eye(len(columns))
        slopes = np.linalg.solve(square, self._rows[:, columns].T @ (targets - mean))
        return [mean + value for value in (self._asked_rows[:, columns] @ slopes).tolist()]

    def _nearest(self, model: Model, columns: list[int]) -> list[float]:
        order = np.argsort(self._squares[:, :, columns].sum(axis=2), axis=1, kind="stable")
        found: list[float] = self._targets[model.of][order[:, : model.neighbours]].mean(axis=1).tolist()
        return found


@final
@dataclass(frozen=True)
class Suggestion:
    """A size that nobody measured.

    Attributes:
        width: Of an mlp of depth 1.
        params: Its params.
        factor: The knee lies within this factor either way, in params, for ``n_within`` of ``n`` recorded data sets,
            each foretold without its source.
        n_within: Data sets within the factor.
        n: Data sets on record.
        model: How it was foretold, in words.
    """

    width: int
    params: int
    factor: float
    n_within: int
    n: int
    model: str


def suggest(known: Sequence[Known], data: Descriptors) -> Suggestion:
    """Foretell the knee of a data set from all that are known, and say how far off such foretelling was."""
    model = choose(known)
    [width] = Fold(known, [data]).widths(model)
    errors = [abs(math.log(params / one.params)) for one, params in left_out(known, of_source)]
    within = quantile(errors, SHARE)
    return Suggestion(
        width, folk.params(width, data), math.exp(within), sum(e <= within for e in errors), len(errors), str(model)
    )


@cache
def models() -> tuple[Model, ...]:
    """Return every candidate, the simplest first."""
    return tuple(
        Model(names, neighbours, of)
        for size in range(MOST_FEATURES + 1)
        for names in combinations(FEATURES, size)
        for neighbours in ((0, *NEIGHBOURS) if names else (0,))
        for of in ("width", "params")
    )


def choose(known: Sequence[Known], group: Callable[[Known], str] | None = None) -> Model:
    """Return the candidate with the least mean error in log params, each group left out in turn; of equals the first.

    Args:
        known: The data sets.
        group: What is left out together; by default the source.
    """
    group = group or of_source
    folds = []
    for name in dict.fromkeys(map(group, known)):
        left = [one for one in known if group(one) == name]
        rest = [one for one in known if group(one) != name]
        folds.append((Fold(rest, [one.descriptors for one in left]), left))
    return min(models(), key=lambda model: fmean(_errors(model, folds)))


def left_out(known: Sequence[Known], group: Callable[[Known], str]) -> list[tuple[Known, int]]:
    """Foretell each data set's params by a model that was chosen and fitted without its group.

    Args:
        known: The data sets.
        group: What is left out together: :func:`of_source`, or :func:`of_name` for each by itself.
    """
    found: dict[str, int] = {}
    for name in dict.fromkeys(map(group, known)):
        rest = [one for one in known if group(one) != name]
        left = [one for one in known if group(one) == name]
        widths = Fold(rest, [one.descriptors for one in left]).widths(choose(rest, group))
        found |= {one.name: folk.params(width, one.descriptors) for one, width in zip(left, widths, strict=True)}
    return [(one, found[one.name]) for one in known]


def of_source(one: Known) -> str:
    """Return the source."""
    return one.source


def of_name(one: Known) -> str:
    """Return the data set itself."""
    return one.name


def quantile(values: Iterable[float], share: float) -> float:
    """Return the least of the values that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered) - 1e-9) - 1]


def _errors(model: Model, folds: Sequence[tuple[Fold, Sequence[Known]]]) -> list[float]:
    return [
        abs(math.log(folk.params(width, one.descriptors) / one.params))
        for fold, left in folds
        for one, width in zip(left, fold.widths(model), strict=True)
    ]


def _whole_width(size: float, of: str, data: Descriptors) -> int:
    """Return the width of so many params, or so large a width: whole, from 1 to the widest that was measured."""
    width = size if of == "width" else (size - data.n_outputs) / (data.n_inputs + data.n_outputs + 1)
    return max(1, min(WIDEST, round(width)))


def _standardised(known: Sequence[Descriptors], asked: Sequence[Descriptors]) -> tuple[np.ndarray, np.ndarray]:
    """Return all features of known data sets, mean 0 and deviation 1, and those of others; 0 where one is unknown."""
    rows = np.array([[feature(one) for feature in FEATURES.values()] for one in (*known, *asked)])
    n = len(known)
    there = ~np.isnan(rows[:n])
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, rows[:n], 0.0).sum(axis=0) / count
    apart = np.where(np.isnan(rows), 0.0, rows - mean)
    deviation = np.sqrt(np.square(apart[:n]).sum(axis=0) / count)
    scaled = apart / np.where(deviation > 0, deviation, 1.0)
    return scaled[:n], scaled[n:]


def _counted(error: float, data: Descriptors) -> float:
    """Return an error that none wrong does not make 0."""
    return (error * data.n_asked + 0.5) / (data.n_asked + 1)
