"""What is certified beside a law: networks of its own record, on the test split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.laws.sources import Source


class Certified(NamedTuple):
    """A certified network: its test median, what it was trained on, and its size.

    Args:
        median: Median of the metric over fresh runs on the test split.
        score: The bound that targets are compared with, turned so that higher is better; None: no bound.
        n_train: Training examples.
        params: Parameters.
        depth: Its depth; None: unknown.
        resolution: Side of its pictures; None: it has none.
    """

    median: float
    score: float | None
    n_train: int
    params: int
    depth: int | None
    resolution: int | None

    @property
    def shape(self) -> tuple[int | None, int | None]:
        """Depth and resolution."""
        return self.depth, self.resolution


_SELECT = (
    "SELECT median, score, n_train, params, depth, resolution FROM points "
    "WHERE record = ? AND kind = 'frontier' AND n_train IS NOT NULL AND params IS NOT NULL"
)


def best_within(source: Source, n_train: float, sizes: Mapping[str, float]) -> Certified | None:
    """Return the record's best certified network of at most so many examples and such sizes; None: there is none.

    Of a law that knows no size, networks of its own shape alone count.
    """
    bounds, values = _at_most({"n_train": n_train, **sizes})
    if len(source.law.variables) == 1:
        for name in ("width", "depth", "resolution"):
            if (fixed := source.facts.get(name)) is not None:
                bounds += f" AND {name} IS ?"
                values.append(fixed)
    select = f"{_SELECT}{bounds} ORDER BY median * ? DESC, params, n_train LIMIT 1"
    row = source.opened.rows(select, (source.record, *values, source.question.sign)).fetchone()
    return Certified(*row) if row else None


def fewest_examples(source: Source, target: float, sizes: Mapping[str, float]) -> Certified | None:
    """Return the certified network with the fewest examples that meets a target within such sizes; None: none does."""
    bounds, values = _at_most(sizes)
    select = f"{_SELECT} AND score >= ?{bounds} ORDER BY n_train, params LIMIT 1"
    row = source.opened.rows(select, (source.record, source.question.sign * target, *values)).fetchone()
    return Certified(*row) if row else None


def _at_most(sizes: Mapping[str, float]) -> tuple[str, list[float]]:
    """Return conditions of SQL that keep columns to at most so much, and their values; sizes round a little."""
    return "".join(f" AND {name} <= ?" for name in sizes), [value * (1 + 1e-9) for value in sizes.values()]
