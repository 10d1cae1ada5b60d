"""Say things one way: networks, numbers, commands, and why there is no answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from registry.errors import NoAnswer

if TYPE_CHECKING:
    from registry.answers import Bracket, Miss, Network, Query, Question, Reply


def no_answer(query: Query, reply: Reply) -> NoAnswer:
    """Say in one line that nothing reaches the target, what comes nearest, and in a hint what to do."""
    if query.n_train is not None and all(miss.best is None for miss in reply.misses):
        return NoAnswer(
            f"no guideline for {query.task} was measured with at most {query.n_train:,} training examples",
            f"Measure one: {bench_command(query, reply.misses[0].question.dataset)}",
        )
    miss = max(reply.misses, key=_nearness)
    aim = "has a knee" if miss.target is None else f"reaches {shown(miss.target)}"
    limits = " within these limits" if is_limited(query) else ""
    start = f"no guideline for {query.task} {aim}{limits}"
    if miss.unlimited is not None:
        least = miss.unlimited
        return NoAnswer(
            f"{start}; without them the smallest is {naming(least)} with {least.params:,} params",
            f"Ask for less, or measure: {bench_command(query, miss.question.dataset)}",
        )
    if miss.best is None:
        return NoAnswer(start, f"Measure one: {bench_command(query, miss.question.dataset)}")
    bound = bound_of(miss.best, miss.question)
    message = f"{start}; the best on record is {shown(bound)} ({naming(miss.best)})"
    if miss.target is not None and miss.question.meets(miss.best.median, miss.target):
        message += f", whose median run makes {shown(miss.best.median)} but not with 95 % confidence"
    return NoAnswer(message, f"Measure more: {bench_command(query, miss.question.dataset)}")


def bench_command(query: Query, dataset: str | None = None) -> str:
    """Return the command that makes the evidence a query lacks."""
    chosen = query.dataset or dataset or "DATASET"
    command = f"guides bench --task {query.task} --dataset {chosen} --family {query.family or 'mlp'}"
    if not query.targets:
        return command
    if query.metric != "accuracy":
        return f"{command} --target {query.metric}={query.targets[0]:g}"
    return f"{command} --target-acc {','.join(f'{target:g}' for target in query.targets)}"


def naming(network: Network) -> str:
    """Return ``image-cls/digits/cnn v1, width 32, depth 2``."""
    return f"{network.id} v{network.version}, {shape_of(network)}"


def shape_of(network: Network | Bracket) -> str:
    """Return ``width 32, depth 2`` or the published name of a network without a shape."""
    if network.width is None:
        return f"'{getattr(network, 'name', '')}'"
    side = f", resolution {network.resolution}" if network.resolution is not None else ""
    return f"width {network.width}, depth {network.depth}{side}"


def bound_of(network: Network, question: Question) -> float:
    """Return the bound a target is compared with; the plain figure of published evidence that has none."""
    bound = network.low if question.sign > 0 else network.high
    return network.median if bound is None else bound


def shown(value: float) -> str:
    """Return a metric with at least 3 decimals, and more only where they were asked for."""
    return max(f"{value:.3f}", f"{value:.6g}", key=len)


def is_limited(query: Query) -> bool:
    """Say whether the query bounds sizes or asks for a reach."""
    limits = (query.max_params, query.max_flops, query.flash, query.ram, query.max_latency_ratio, query.reach)
    return query.int8 or any(limit is not None for limit in limits)


def _nearness(miss: Miss) -> tuple[Any, ...]:
    """Order misses: one that a limit alone prevents first, then by how close the best comes."""
    if miss.best is None:
        return (miss.unlimited is not None, -math.inf)
    gap = 0.0 if miss.target is None else miss.question.sign * (bound_of(miss.best, miss.question) - miss.target)
    return (miss.unlimited is not None, gap)
