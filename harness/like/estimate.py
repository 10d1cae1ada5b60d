"""From descriptors to the size of a knee: a regression no finer than a dozen data sets can carry.

Candidates are ridge regressions on at most three of four descriptors: inputs, outputs and examples, which folk rules go
by, and what a method that is not linear gains over one that is. They foretell the logarithm of the knee's params, or of
its width. The candidate with the least mean error is taken, where every source of data is left out in turn: the glyphs
of ten classes say too much of those of a hundred.

How good that is, is measured one level up: the candidate is chosen anew without the source it then foretells. Counted
are data sets that would have been answered then: of the same modality, with one of another source near.
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
from harness.like.near import times_apart
from harness.like.recorded import FARTHEST

MOST_FEATURES: Final = 3
PENALTY: Final = 1.0  # of ridge regression, on descriptors of mean 0 and deviation 1
WIDEST: Final = 256  # no more than was measured
SHARE: Final = 0.8  # of the data sets, whose error the factor of uncertainty covers
FEWEST: Final = 5  # data sets that such a share is of

# name -> the number that a model sees; errors are counted as k + 0.5 of n + 1
FEATURES: Final[dict[str, Callable[[Descriptors], float]]] = {
    "inputs": lambda d: math.log(d.n_inputs),
    "outputs": lambda d: math.log(d.n_outputs),
    "examples": lambda d: math.log(d.n_train),
    "gain": lambda d: math.log(_counted(d.linear_error, d) / _counted(min(d.neighbour_error, d.tree_error), d)),
}
NAMES: Final = tuple(FEATURES)
TARGETS: Final[tuple[Literal["width", "params"], ...]] = ("width", "params")


@final
@dataclass(frozen=True)
class Known:
    """A data set whose knee was measured.

    Attributes:
        name: What its ladder is called.
        dataset: Its data set: there may be ladders at several sides of its pictures, or numbers of examples.
        source: Where its examples come from: several data sets may be of one source.
        descriptors: What it is like.
        width: Width of the knee, an mlp of depth 1.
    """

    name: str
    dataset: str
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
        of: What it foretells, its logarithm.
    """

    features: tuple[str, ...]
    of: Literal["params", "width"]

    def __str__(self) -> str:
        """Say it in words."""
        return f"log {self.of} by ridge regression on {' and '.join(self.features) or 'nothing: the same for all'}"


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
        self._targets = {of: np.log([getattr(one, of) for one in known]) for of in TARGETS}

    def widths(self, model: Model) -> list[int]:
        """Foretell the width of each knee: whole, from 1 to the widest that was measured."""
        columns = [NAMES.index(name) for name in model.features]
        targets = self._targets[model.of]
        mean = float(targets.mean())
        square = self._gram[np.ix_(columns, columns)] + PENALTY * np.eye(len(columns))
        slopes = np.linalg.solve(square, self._rows[:, columns].T @ (targets - mean))
        logs = (mean + self._asked_rows[:, columns] @ slopes).tolist()
        return [_whole_width(math.exp(log), model.of, one) for log, one in zip(logs, self._asked, strict=True)]


@final
@dataclass(frozen=True)
class Suggestion:
    """A size that nobody measured.

    Attributes:
        width: Of an mlp of depth 1.
        params: Its params.
        factor: The knee lies within this factor either way, in params, for ``n_within`` of ``n`` data sets, each
            foretold without its source.
        n_within: Data sets within the factor.
        n: Data sets that count.
        counted: Which those are, in words.
        model: How it was foretold, in words.
    """

    width: int
    params: int
    factor: float
    n_within: int
    n: int
    counted: str
    model: str


def suggest(known: Sequence[Known], data: Descriptors) -> Suggestion:
    """Foretell the knee of a data set from all that are known, and say how far off such foretelling was."""
    model = choose(known)
    [width] = Fold(known, [data]).widths(model)
    foretold = left_out(known, of_source)
    counted = [pair for pair in foretold if pair[0].descriptors.modality == data.modality and has_near(pair[0], known)]
    words = f"recorded {data.modality} data sets with one of another source near"
    if len(counted) < FEWEST:
        counted, words = foretold, "recorded data sets of all kinds"
    errors = [abs(math.log(params / one.params)) for one, params in counted]
    within = quantile(errors, SHARE)
    n_within = sum(error <= within for error in errors)
    params = folk.params(width, data)
    return Suggestion(width, params, math.exp(within), n_within, len(errors), words, str(model))


def has_near(one: Known, known: Iterable[Known]) -> bool:
    """Say whether a data set of another source is near: without its own source, this one would be answered."""
    apart = [times_apart(one.descriptors, other.descriptors) for other in known if other.source != one.source]
    return any(ratios is not None and max(ratios) <= FARTHEST for ratios in apart)


@cache
def models() -> tuple[Model, ...]:
    """Return every candidate, the simplest first."""
    return tuple(
        Model(names, of)
        for size in range(MOST_FEATURES + 1)
        for names in combinations(FEATURES, size)
        for of in TARGETS
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
        group: What is left out together: :func:`of_source`, or :func:`of_dataset`.
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


def of_dataset(one: Known) -> str:
    """Return the data set."""
    return one.dataset


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
    """Return all features of known data sets, mean 0 and deviation 1, and those of others on the same scale."""
    rows = np.array([[feature(one) for feature in FEATURES.values()] for one in (*known, *asked)])
    mean, deviation = rows[: len(known)].mean(axis=0), rows[: len(known)].std(axis=0)
    scaled = (rows - mean) / np.where(deviation > 0, deviation, 1.0)
    return scaled[: len(known)], scaled[len(known) :]


def _counted(error: float, data: Descriptors) -> float:
    """Return an error that none wrong does not make 0."""
    return (error * data.n_asked + 0.5) / (data.n_asked + 1)
