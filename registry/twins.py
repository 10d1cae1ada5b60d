"""One network that several records tell of: the same name, size and figure.

Standard library only: a lookup whose answer is published names the other sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from registry.answers import Source
from registry.literature.names import network as name_of

if TYPE_CHECKING:
    from registry.answers import Network, Question
    from registry.index import Index

# One network under two names has params within 1 %, as sources round them, and a metric within 0.1 %: of 1 for a
# fraction, of the figure itself for anything else.
SAME_PARAMS: Final = 0.01
SAME_FIGURE: Final = 0.001
_SELECT: Final = """
SELECT records.id, records.version, name, citation, found_at, params, median, points.precision
FROM questions JOIN points USING (question) JOIN records USING (record)
WHERE (task, dataset, metric, unit, direction) = (?, ?, ?, ?, ?) AND kind = 'frontier' AND points.superseded = 0
  AND evidence = 'published' AND params BETWEEN ? AND ? AND median BETWEEN ? AND ? AND route = ?
  AND points.n_train IS ? AND citation != ?
ORDER BY records.id, name
"""


def elsewhere(indexes: list[Index], question: Question, network: Network) -> tuple[Source, ...]:
    """Return where else a published network stands; nothing where nobody states its params.

    Two figures of one source are two trainings; so are one on more examples and one on the data set's own. A point
    without a precision is of the same as any: most sources do not say it.
    """
    if network.params is None or network.name is None:
        return ()
    name = name_of(network.name)
    width = SAME_FIGURE if question.unit == "fraction" else SAME_FIGURE * abs(network.median)
    sizes = (network.params * (1 - SAME_PARAMS), network.params * (1 + SAME_PARAMS))
    figures = (network.median - width, network.median + width)
    exact = (network.route, network.n_train, network.citation)
    found: dict[tuple[str, str], Source] = {}
    for opened in indexes:
        for *row, precision in opened.rows(_SELECT, (*question, *sizes, *figures, *exact)):
            one = Source(*row)
            if name_of(one.name) == name and not _differ(precision, network.precision):
                found.setdefault((one.id, one.name), one)
    return tuple(found.values())


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
