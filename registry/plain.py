"""Write a reply down as plain JSON values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from registry.wording import bench_command

if TYPE_CHECKING:
    from registry.answers import Answer, Network, Query, Reply, Source


def values(query: Query, reply: Reply) -> dict[str, Any]:
    """Return the reply as plain JSON values; the query is in it as it was understood."""
    return {
        "query": query._asdict(),
        "answers": [_answer_values(query, answer) for answer in reply.answers],
        "misses": [
            {
                "dataset": miss.question.dataset,
                "target": miss.target,
                "family": miss.family,
                "best": _network_values(miss.best) if miss.best else None,
                "smallest_without_limits": _network_values(miss.unlimited) if miss.unlimited else None,
                "predicted": miss.predicted._asdict() if miss.predicted else None,
                "smallest_with_int8": _network_values(miss.int8) if miss.int8 else None,
                "limit": miss.limit._asdict() if miss.limit else None,
                "no_knee": miss.no_knee._asdict() if miss.no_knee else None,
            }
            for miss in reply.misses
        ],
        "near": any(answer.near for answer in reply.answers),
        "bench": bench_command(query),
        "damaged": list(reply.damaged),
    }


def _network_values(network: Network) -> dict[str, Any]:
    """Return a network as plain JSON values, its test result grouped as in the record."""
    plain = network._asdict()
    for key in ("point", "record_n_train", "record_input_size", "record_n_classes", "record_wall_s"):
        del plain[key]
    shape = {key: plain.pop(key) for key in ("width", "depth", "resolution")}
    test = {key: plain.pop(key) for key in ("median", "low", "high", "n_seeds")}
    reach = {key: plain.pop(f"reach_{key}") for key in ("value", "low")}
    where = plain.pop("found_at")
    reference, doubts = plain.pop("reference"), plain.pop("doubts")
    return {
        **plain,
        "hasty": bool(network.hasty),
        "reference": json.loads(reference) if reference else None,
        "doubts": json.loads(doubts or "[]"),
        "where": where,
        "superseded": bool(network.superseded),
        "family_options": json.loads(network.family_options),
        "shape": None if network.width is None and network.resolution is None else shape,
        "test": {**test, "reach": None if network.reach_value is None else reach},
    }


def _answer_values(query: Query, answer: Answer) -> dict[str, Any]:
    question = answer.question
    return {
        "task": question.task,
        "dataset": question.dataset,
        "metric": {"name": question.metric, "unit": question.unit, "direction": question.direction},
        "root": {"path": answer.root.path, "shipped": answer.root.shipped},
        **_network_values(answer.network),
        "target": answer.target,
        "point_target": answer.network.target,
        "near": answer.near,
        "ranked_by": query.ranked_by(answer.network),
        "size_unstated_by": answer.n_unstated,
        "runs_meeting_at_least": answer.n_meeting,
        "scratch": _network_values(answer.scratch) if answer.scratch else None,
        "measured": _network_values(answer.measured) if answer.measured else None,
        "also": [_source_values(one) for one in answer.also],
        "bracket": [
            {**part._asdict(), "verdict": part.verdict if answer.refutes(part) else "undecided"}
            for part in answer.bracket
        ],
        "baselines": [
            {**one._asdict(), "beats": question.beats(one.metric, answer.network.median)} for one in answer.baselines
        ],
    }


def _source_values(one: Source) -> dict[str, Any]:
    plain = one._asdict()
    return {**plain, "where": plain.pop("found_at")}
