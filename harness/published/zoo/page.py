"""The page that sets what torchvision states beside what we count."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

from harness.published.zoo import counts, sizes
from harness.published.zoo.counts import Row

_HEAD = """# torchvision's networks, stated and counted

Made by `python -m harness published torchvision --check`, which builds every network of torchvision without its values
and counts it: trainable scalars exactly, flops by torch's own counter. torchvision states 1e9 multiply-adds; twice that
is set beside our flops. All counts are in `harness/published/zoo/counts.csv`, all figures in `guidelines/`, as records
with the evidence "published".
"""

_PRIOR = """
## How sure a published figure is

A published figure is one training. It ranks by a bound like a measured one, from a stated prior (`registry/prior.py`):
runs of one recipe are assumed to differ by 1 % of the error (standard deviation), and test items to be drawn: a
binomial share for accuracy, exact match and F1, of 1,000 items where nobody says how many; for other metrics 1 % of the
error again. F1 varies at most as a share of its items does. Where a record assumes a number of items, its notes say so.
Runs that err independently on each of n test items, as arXiv:2304.01910 finds, differ by at most
sqrt((1 - error) / (error x n)) of the error: 0.9 % for an error of 0.2 on 50,000 images. Small networks differ more:
in our own records on 10,000 test items (waveform, glyphs; under 2,500 params) by 2 to 12 % of the error. So up to
2,500 params 12 % are assumed, from 5 million params on 1 %, and a power of the params between them: 4.5 % for 50,000.
Weights in bytes stand for params where nobody states them; a network whose size is not known at all counts as large.
"""


def text(every: list[Any], table: dict[str, Row]) -> str:
    """Return the page: agreement by task, the rules counted by, every disagreement, the prior."""
    parts = [_HEAD, "## Agreement\n", agreement(every, table), "", *_by_kind(every, table)]
    parts += ["", "## What is counted\n", *_rules(every, table)]
    parts += ["", "## Where they disagree\n", *_disagreements(every, table)]
    silent = [str(weights) for weights in every if not counts.has_figure(weights)]
    if silent:
        parts += ["", f"Weights that state no figure have no point in a record: {', '.join(silent)}."]
    return "\n".join(parts) + "\n" + _PRIOR


def agreement(every: list[Any], table: dict[str, Row]) -> str:
    """Say how many agree, in one line."""
    counted = [(weights, table[str(weights)].counted) for weights in every]
    params = sum(counts.same_params(*pair) for pair in counted)
    flops = sum(counts.same_flops(*pair) for pair in counted)
    n = len(counted)
    return f"Of {n} weights, params are exactly as stated for {params}, flops within {counts.WITHIN:.0%} for {flops}."


def _by_kind(every: list[Any], table: dict[str, Row]) -> list[str]:
    lines = [
        "| part of torchvision | weights | params exact | flops within 2 % | median of counted / stated | farthest |",
        "|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(sorted(map(sizes.kind, every))):
        mine = [(weights, table[str(weights)].counted) for weights in every if sizes.kind(weights) == kind]
        ratios = [counted.flops / counts.stated_flops(weights) for weights, counted in mine]
        farthest = max(ratios, key=lambda ratio: abs(ratio - 1))
        exact, within = (sum(same(*pair) for pair in mine) for same in (counts.same_params, counts.same_flops))
        figures = f"{statistics.median(ratios):.4f} | {farthest:.4f}"
        lines.append(f"| {kind} | {len(mine)} | {exact} | {within} | {figures} |")
    return lines


def _rules(every: list[Any], table: dict[str, Row]) -> list[str]:
    rules = Counter(table[str(weights)].counted.rule for weights in every)
    lines = [
        "Each network is built by its own builder as for its weights; the example is the one torchvision counts at",
        "(512 x 512 pixels and 16 frames before the weights' own transforms). Attention counts as its matrix products.",
        "",
        "| rule | weights |",
        "|---|---|",
    ]
    return [*lines, *(f"| {rule} | {n} |" for rule, n in sorted(rules.items(), key=lambda pair: (-pair[1], pair[0])))]


def _disagreements(every: list[Any], table: dict[str, Row]) -> list[str]:
    lines = [
        "Records keep what torchvision states, with our count in the point's note.",
        "",
        "| weights | params stated | params counted | flops stated | flops counted | why |",
        "|---|---|---|---|---|---|",
    ]
    for weights in every:
        row = table[str(weights)]
        one = row.counted
        if counts.same_params(weights, one) and counts.same_flops(weights, one):
            continue
        stated = counts.stated_flops(weights)
        figures = f"{weights.meta['num_params']:,} | {one.params:,} | {stated:.4g} | {one.flops:.4g}"
        lines.append(f"| {weights} | {figures} | {row.explained} |")
    return lines
