"""Answer "what is the smallest network that reaches this target?" from the indexes of the roots.

Pure functions over the index; nothing here prints. A network answers a target where the bound of its median run
reaches it: the lower bound where higher is better, the upper one where lower is. Sizes on different data sets are
not comparable, so there is one answer per data set and target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from registry import index, roots
from registry.answers import Answer, Baseline, Bracket, Limit, Miss, Network, NoKnee, Query, Question, Reply
from registry.questions import questions, refuse_unanswerable
from registry.wording import bound_of, is_limited, is_near, no_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry.answers import Source
    from registry.index import Index
    from registry.roots import Root


def smallest_for(
    task: str,
    target: float | Sequence[float] = (),
    *,
    registry: Sequence[str] = (),
    **limits: Any,
) -> list[Answer]:
    """Return the smallest network on record for each data set of ``task`` and each target.

    Args:
        task: The task category, for example ``image-cls``.
        target: One or more values of the task's metric; none asks for the knee.
        registry: Folders to search before the usual ones.
        **limits: Any other field of :class:`Query`, by name; ``metric`` is ``accuracy`` unless given.

    Returns:
        One answer per data set and target that has one, by data set.

    Raises:
        UsageError: If the task, data set, family or metric is unknown, or a value cannot be.
        NoAnswer: If nothing on record reaches any target.
    """
    targets = (float(target),) if isinstance(target, int | float) else tuple(target)
    query = Query(task, targets, **limits)
    found = answer(roots.find(registry), query)
    if not found.answers:
        raise no_answer(query, found)
    return list(found.answers)


def answer(where: Iterable[Root], query: Query) -> Reply:
    """Look a query up in the roots, first wins; errors are those of :func:`reply`.

    Raises:
        DamagedRegistry: If a root cannot be read, too.
    """
    return index.read(where, lambda indexes: reply(indexes, query))


def reply(indexes: list[Index], query: Query, most: int | None = None) -> Reply:
    """Answer a query from open indexes.

    Args:
        indexes: One for each root, first wins.
        query: What is asked.
        most: Stop after so many data sets with an answer; None looks at all.

    Raises:
        UsageError: If the task, data set, family or metric is unknown, or a target cannot be.
        NoAnswer: If there is no record at all for the task.
        DamagedRegistry: If there are records, but all of them damaged.
    """
    refuse_unanswerable(indexes, query)
    asked = questions(indexes, query)
    answers: list[Answer] = []
    misses: list[Miss] = []
    answered = 0
    for question in asked:
        if query.targets:
            found = [_smallest(indexes, question, query, target) for target in query.targets]
        else:  # a knee is one of its family: their floors differ
            families = _families(indexes, question) if query.family is None else [query.family]
            found = [_smallest(indexes, question, query._replace(family=family), None) for family in families]
        answers += [one for one in found if isinstance(one, Answer)]
        misses += [one for one in found if isinstance(one, Miss)]
        answered += any(isinstance(one, Answer) for one in found)
        if answered == most:
            break
    if not answers:
        misses = [_advised(indexes, miss) for miss in misses]
    more = next(asked, None) is not None
    measured = {one.question for one in answers if one.network.evidence == "measured"}
    answers.sort(key=lambda one: one.question not in measured)  # what was measured comes before what was read
    return Reply(tuple(answers), tuple(misses), more, tuple(line for one in indexes for line in one.damaged()))


def _families(indexes: list[Index], question: Question) -> list[str]:
    select = (
        "SELECT DISTINCT family FROM questions JOIN records USING (question) "
        "WHERE (task, dataset, metric, unit, direction) = (?, ?, ?, ?, ?) AND evidence = 'measured'"
    )
    return sorted({family for opened in indexes for (family,) in opened.rows(select, question)})


def _smallest(indexes: list[Index], question: Question, query: Query, target: float | None) -> Answer | Miss:
    found = _first(indexes, question, query, target)
    if found is None:
        best = _first(indexes, question, query, target, by_score=True)
        free = _without_limits(query)
        unlimited = _first(indexes, question, free, target) if is_limited(query) else None
        miss = _miss(indexes, question, query, target, _network(best), _network(unlimited))
        if best is None and unlimited is None:
            miss = miss._replace(limit=_limit(indexes, question, query.family))
        if target is None and unlimited is None:
            miss = miss._replace(no_knee=_no_knee(indexes, question, query.family))
        if unlimited is None or query.int8 or (query.flash is None and query.ram is None):
            return miss
        return miss._replace(int8=_network(_first(indexes, question, query._replace(int8=True), target)))
    network, opened = found
    scratch = measured = None
    if network.route != "scratch":
        scratch = _network(_first(indexes, question, query, target, ("points.route", "scratch")))
    if network.evidence != "measured":
        measured = _network(_first(indexes, question, query, target, ("records.evidence", "measured")))
    columns = ", ".join(Bracket._fields)
    select = f"SELECT {columns} FROM brackets WHERE point = ? ORDER BY params DESC"  # noqa: S608  # our own columns
    bracket = tuple(Bracket(*row) for row in opened.rows(select, (network.point,)))
    return Answer(
        question,
        target,
        network,
        opened.root,
        scratch,
        measured,
        bracket,
        _baselines(indexes, question),
        _best_median(indexes, question),
        is_near(query, network),
        _also(indexes, question, network),
        _n_unstated(indexes, question, query, target) if network.evidence == "published" else None,
    )


def _limit(indexes: list[Index], question: Question, family: str | None) -> Limit | None:
    """Return the hardest score that a source only requires; None where the data set has results, too, or neither."""
    select = (
        "SELECT name, median, citation, score FROM points WHERE question = ? AND kind = 'frontier' AND superseded = 0 "
        "AND family = COALESCE(?, family) ORDER BY score IS NULL, median"
    )
    rows: list[tuple[Any, ...]] = []
    for opened in indexes:
        number = opened.rows(_NUMBER, question).fetchone()
        rows += opened.rows(select, (*number, family)) if number else ()
    if not rows or any(score is not None for *_, score in rows):
        return None
    return max((Limit(*row[:3]) for row in rows), key=lambda one: question.sign * one.value)


def _no_knee(indexes: list[Index], question: Question, family: str | None) -> NoKnee | None:
    """Return the newest guideline that was to have a knee and has none."""
    select = (
        "SELECT id, version, no_knee FROM records WHERE question = ? AND superseded = 0 AND no_knee IS NOT NULL "
        "AND family = COALESCE(?, family) ORDER BY created DESC, id"
    )
    for position, opened in enumerate(indexes):
        number = opened.rows(_NUMBER, question).fetchone()
        for row in opened.rows(select, (*number, family)) if number else ():
            if not is_hidden(row[:2], indexes, position, allow_superseded=False):
                return NoKnee(*row)
    return None


def _n_unstated(indexes: list[Index], question: Question, query: Query, target: float | None) -> int:
    """Count the networks that meet the query and have no figure of what "smallest" goes by first.

    One that is published in several places counts once where its name is the same.
    """
    conditions, parameters = _conditions(question, query, target)
    wanted = ("points.question = ?", "points.kind = 'frontier'", "points.superseded = 0", *conditions)
    where = " AND ".join((*wanted, f"points.{query.sizes[0]} IS NULL"))
    select = f"SELECT DISTINCT id, version, name FROM points JOIN records USING (record) WHERE {where}"  # noqa: S608  # ours
    found = set()
    for position, opened in enumerate(indexes):
        number = opened.rows(_NUMBER, question).fetchone()
        for record_id, version, name in opened.rows(select, (*number, *parameters)) if number else ():
            if not is_hidden((record_id, version), indexes, position, allow_superseded=False):
                found.add(name or f"{record_id} v{version}")
    return len(found)


def _also(indexes: list[Index], question: Question, network: Network) -> tuple[Source, ...]:
    if network.evidence != "published":
        return ()
    from registry import twins  # only here: what was measured stands in one record

    return twins.elsewhere(indexes, question, network)


def _miss(
    indexes: list[Index],
    question: Question,
    query: Query,
    target: float | None,
    best: Network | None,
    unlimited: Network | None,
) -> Miss:
    """Set beside a miss what the law of its record predicts for the asker's examples, where these are too few."""
    if query.n_train is None or unlimited is None or (unlimited.n_train or 0) <= query.n_train:
        return Miss(question, target, best, unlimited, family=query.family)
    if unlimited.evidence == "published":  # no record of published figures has a law
        return Miss(question, target, best, unlimited, family=query.family)
    from registry.laws import misses  # only here: a lookup that finds something needs no law

    predicted = misses.predicted(indexes, question, unlimited, query.n_train)
    return Miss(question, target, best, unlimited, predicted=predicted, family=query.family)


def _advised(indexes: list[Index], miss: Miss) -> Miss:
    """Set beside a miss which floor of its record's law is in the way; said only where nothing else answers."""
    if miss.best is None or miss.target is None or miss.unlimited is not None or miss.best.evidence == "published":
        return miss
    from registry.laws import misses  # only here, as above

    return miss._replace(advice=misses.advice(indexes, miss.question, miss.best, miss.target))


_COLUMNS: Final = ", ".join(
    "COALESCE(points.input_size, records.input_size)"  # published networks of one record may differ in it
    if column == "record_input_size"
    else f"{'points' if position > 7 else 'records'}.{column.removeprefix('record_')}"
    for position, column in enumerate(Network._fields)
)


_NUMBER: Final = "SELECT question FROM questions WHERE (task, dataset, metric, unit, direction) = (?, ?, ?, ?, ?)"


def _first(
    indexes: list[Index],
    question: Question,
    query: Query,
    target: float | None,
    only: tuple[str, str] | None = None,
    *,
    by_score: bool = False,
) -> tuple[Network, Index] | None:
    """Return the smallest network that meets the query in any root, a superseded one only where nothing else does.

    With ``by_score`` the target is not a condition, and the best comes first; no target asks for a knee otherwise.
    ``only`` is a column and the value it must have.
    """
    conditions, parameters = _conditions(question, query, None if by_score else target)
    if only is not None:
        conditions, parameters = [*conditions, f"{only[0]} = ?"], [*parameters, only[1]]
    kind = "knee" if target is None and not by_score else "frontier"
    by_params = query.minimise == "params" and not by_score
    for superseded, known in _passes(by_params=by_params):
        where = " AND ".join(("points.question = ?", "points.kind = ?", "points.superseded = ?", *known, *conditions))
        order = ", ".join((*(("points.score DESC",) if by_score else ()), *_order(query, target, by_params=by_params)))
        select = f"SELECT {_COLUMNS} FROM points JOIN records USING (record) WHERE {where} ORDER BY {order}"  # noqa: S608  # ours
        found: list[tuple[Network, Index]] = []
        for position, opened in enumerate(indexes):
            number = opened.rows(_NUMBER, question).fetchone()
            for row in opened.rows(select, (*number, kind, superseded, *parameters)) if number else ():
                network = Network(*row)
                name = (network.id, network.version)
                if network.low is None and network.high is None:  # a published limit is no result
                    continue
                if not is_hidden(name, indexes, position, allow_superseded=bool(superseded)):
                    found.append((network, opened))
                    break
        if found:
            return min(found, key=lambda pair: _rank(pair[0], query, question, by_score=by_score))
    return None


def _network(found: tuple[Network, Index] | None) -> Network | None:
    return None if found is None else found[0]


def _conditions(question: Question, query: Query, target: float | None) -> tuple[list[str], list[Any]]:
    sign = question.sign
    int8 = "_int8" if query.int8 else ""
    wanted = [
        # The plus keeps this condition from choosing the index: read in order of size, the first that meets it ends it.
        ("+points.score >= ?", None if target is None else sign * target),
        ("points.family = ?", query.family),
        ("points.n_train <= ?", query.n_train),
        ("points.params <= ?", query.max_params),
        ("points.flops <= ?", query.max_flops),
        (f"points.weight_bytes{int8} <= ?", query.flash),
        (f"points.ram_bytes{int8} <= ?", query.ram),
        ("points.latency_ratio <= ?", query.max_latency_ratio),
        ("points.reach_low >= ?", query.reach),
        # Reach is that of the point's own target: a lower bound for an easier one, nothing for a harder one.
        (f"{sign} * points.target >= ?", None if query.reach is None or target is None else sign * target),
        (f"{sign} * points.int8_metric >= ?", sign * target if query.int8 and target is not None else None),
    ]
    conditions = [clause for clause, value in wanted if value is not None]
    parameters = [value for _, value in wanted if value is not None]
    return conditions + (["points.int8_metric IS NOT NULL"] if query.int8 else []), parameters


def _passes(*, by_params: bool) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield what is looked at in turn: (superseded, further conditions).

    Where params say what is smallest, networks whose params nobody states come after all others; apart from these,
    so that the index is read in order of size.
    """
    stated = (("points.params IS NOT NULL",), ("points.params IS NULL",)) if by_params else ((),)
    yield from ((superseded, known) for superseded in (0, 1) for known in stated)


def _order(query: Query, target: float | None, *, by_params: bool) -> Iterator[str]:
    if target is None:  # a knee grows with the examples: the one for the most of them comes first
        yield "points.n_train DESC"
    for column in query.sizes:
        yield "points.params" if column == "params" and by_params else f"points.{column} NULLS LAST"
    yield "points.route != 'scratch'"
    if target is not None:  # of one size, what was certified for this target
        yield f"points.target IS NOT {target!r}"
    yield from ("points.route", "records.id", "records.version DESC")
    yield "CASE WHEN points.name IS NULL THEN 0 ELSE -points.score END"  # a network may be published more than once


def _rank(network: Network, query: Query, question: Question, *, by_score: bool) -> tuple[Any, ...]:
    """Order networks of several roots as :func:`_order` does those of one."""
    sizes = [getattr(network, column) for column in query.sizes]
    smallness = tuple((size is None, size or 0) for size in sizes)
    route = (network.route != "scratch", network.route, network.id, -network.version)
    score = -question.sign * bound_of(network, question) if by_score else 0.0
    return (score, 0 if network.target is not None else -(network.n_train or 0), smallness, route)


def is_hidden(name: tuple[str, int], indexes: list[Index], position: int, *, allow_superseded: bool) -> bool:
    """Say whether an earlier root has this very id and version, or any root a version that supersedes it."""
    same = "SELECT 1 FROM records WHERE id = ? AND version = ?"
    if any(opened.rows(same, name).fetchone() for opened in indexes[:position]):
        return True
    if allow_superseded:
        return False
    newer = "SELECT 1 FROM records WHERE id = ? AND version > ? AND supersedes >= ?"
    others = (opened for i, opened in enumerate(indexes) if i != position)
    return any(opened.rows(newer, (*name, name[1])).fetchone() for opened in others)


def _without_limits(query: Query) -> Query:
    return query._replace(
        max_params=None,
        max_flops=None,
        flash=None,
        ram=None,
        int8=False,
        max_latency_ratio=None,
        reach=None,
        n_train=None,
    )


def _baselines(indexes: list[Index], question: Question) -> tuple[Baseline, ...]:
    select = (
        "SELECT name, baselines.metric, bytes, flops FROM questions JOIN baselines USING (question) "
        "WHERE (task, dataset, questions.metric, unit, direction) = (?, ?, ?, ?, ?)"
    )
    best: dict[str, Baseline] = {}
    for opened in indexes:
        for row in opened.rows(select, question):
            one = Baseline(*row)
            if one.name not in best or not question.meets(best[one.name].metric, one.metric):
                best[one.name] = one
    return tuple(sorted(best.values(), key=lambda one: (-question.sign * one.metric, one.name)))


def _best_median(indexes: list[Index], question: Question) -> float:
    extreme = "MAX" if question.sign > 0 else "MIN"
    select = (
        f"SELECT {extreme}(median) FROM questions JOIN points USING (question) "  # noqa: S608  # our own word
        "WHERE (task, dataset, metric, unit, direction) = (?, ?, ?, ?, ?)"
    )
    medians = [opened.rows(select, question).fetchone()[0] for opened in indexes]
    known = [float(median) for median in medians if median is not None]
    return max(known) if question.sign > 0 else min(known)
