"""`python -m harness burden`: write docs/burden.md, what compute buys on the benchmarks of Thompson et al."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from harness.burden import answer, int8, pairs, report
from harness.burden.answer import Burden, Missing
from harness.burden.exponent import ARTICLE, Fit, fit
from harness.burden.halving import Progress, progress
from harness.burden.points import Training
from registry import roots
from registry.errors import NoAnswer
from registry.roots import Root

PAGE: Final = Path(__file__).parents[2] / "docs" / "burden.md"


class Benchmark(NamedTuple):
    """One benchmark of the page: what it is called, and where it is on record."""

    name: str
    task: str
    dataset: str
    metric: str


BENCHMARKS: Final = (
    Benchmark("ImageNet, top-1", "image-cls", "imagenet-1k", "accuracy"),
    Benchmark("ImageNet, top-5", "image-cls", "imagenet-1k", "accuracy-top-5"),
    Benchmark("COCO, box AP", "detection", "coco", "map"),
    Benchmark("SQuAD 1.1, F1", "question-answering", "squad-1-1", "f1"),
    Benchmark("SQuAD 1.1, exact match", "question-answering", "squad-1-1", "em"),
    Benchmark("CoNLL-2003, F1", "ner", "conll-2003", "f1"),
    Benchmark("WMT14 En-De, BLEU", "translation", "wmt14-en-de", "bleu"),
    Benchmark("WMT14 En-Fr, BLEU", "translation", "wmt14-en-fr", "bleu"),
)
# What else has networks in 32-bit floats and in int8.
ROUNDED: Final = (
    Benchmark("Food-101, top-1", "image-cls", "food-101", "accuracy"),
    Benchmark("Flowers, top-1", "image-cls", "tf-flowers", "accuracy"),
    Benchmark("PlantVillage, top-1", "image-cls", "plant-village", "accuracy"),
    Benchmark("COCO persons, AP", "detection", "coco-person", "ap"),
)
# What else differs between these trainings and those of the article, one at a time.
THEIRS: Final = "openai/ai-and-efficiency"  # where the rows of Hernandez and Brown were read
PARTS: Final[tuple[tuple[str, Callable[[Training], bool]], ...]] = (
    ("from Computer Progress's tables", lambda one: "Computer-Progress" in one.where),
    ("compute counted: flops x examples", lambda one: one.account == "flops-x-examples"),
    ("compute as hardware x time", lambda one: one.account == "hardware-x-time"),
    ("up to 2020", lambda one: one.year is not None and one.year <= 2020),
)

_HEAD: Final = """# What accuracy costs in training compute

Made by `python -m harness burden` from the records in `guidelines/`; one benchmark at a time is printed by
`guides burden --task T --dataset D --metric M --by-year`. Error is 1 - metric (BLEU as a fraction, too); log error is
regressed on log training compute, and k = -1 / slope: compute grows as (1 / error) ** k. "90 %" draws trainings; "by
source" draws papers and tables, whose trainings share a recipe and a way of counting; "inverse k" regresses log compute
on log error. A frontier is what no training with as little compute beats; its R2 is high because it is picked so. Below
an R2 of 0.3, over all points, or where errors span less than a factor of 2, nothing is said of halving.
"""
_READ: Final = """
## Beside Thompson et al.

What we have read of *The Computational Limits of Deep Learning* (arXiv:2007.05558) and of *Deep Learning's Diminishing
Returns* (IEEE Spectrum 58(10), 2021), and where. The exponents of single benchmarks stand in tables of the article that
we could not read; figures not read stay out.

| what they say | read in | here |
|---|---|---|
"""
_REASONS: Final = """\
- **Top-1 or top-5.** Computer Progress fits 100 - top-1, log over log as here (in its repository computerprogress.com:
  pages/deep-learnings-diminishing-returns.js, components/deep-learnings-diminishing-returns/Chart2.js). Top-5 gives
  k = {k5:.1f} where top-1 gives {k1:.1f}: errors span a factor of {span5:.1f} by top-5 and of {span1:.1f} by top-1.
  Over Computer Progress's trainings alone it is {theirs5:.1f} and {theirs1:.1f}.
- **Which line.** Log error over log compute is right where trainings differ in the error they make of the same
  compute; log compute over log error, k x R2, where they differ in the compute they take for the same error, or in how
  well it is known. They differ in both. For top-1 the two are {k1:.1f} and {inverse:.1f}: the article's 9 lies {place}.
- **Other points.** Of the article's own trainings those count here whose compute can be derived. For top-1:
  {theirs}.
  The others come from model zoos and newer papers.
- **How compute is known.** Hardware x time assumes a utilisation of 0.33; where both are known (below) it
  is {least:.2f} to {most:.1f} times what is counted. Noise in compute flattens the line.
  COCO by hardware x time: {timed}.
  Counted: {counted}.
- **What is counted.** Hernandez and Brown count a training until it first reaches AlexNet's top-5 error: their rows lie
  on one level, left of the others. On COCO the training of backbones is left out. On SQuAD that of the language model
  is in where the source states it: compute spans {orders:.0f} orders of magnitude there, and R2 is {r2:.2f}.
- **Errors that hardly differ.** They span a factor of {span_de:.2f} on En-De, {span_fr:.2f} on En-Fr (1 - BLEU) and
  {span_ner:.2f} on CoNLL-2003. There k is large and says little; on En-De, where the article finds no relation either,
  R2 is {r2_de:.2f}.
- **Years.** A year is that of the paper, or of a newer table or checkpoint: old architectures that were trained again
  count as new, which lowers what a year is worth. Over Computer Progress's trainings alone the compute for one top-1
  error halves every {years}; the article says 11."""
TWICE: Final = (("image-cls", "imagenet-1k"), ("detection", "coco"))  # where compute is known twice
_TWICE: Final = """\
Of these trainings sources give GPU hours beside what can be counted: hours x 1.413e13 flops/s (V100, 32-bit) x 0.33,
over 3 x flops x examples x epochs. Which is nearer to what was computed is not known: a network that keeps its GPU
waiting has less of its hours' flops, and 16-bit arithmetic has more. All of them are in harness/burden/pairs.csv.
"""
_VARIANTS: Final = """\
Trainings with compute on the benchmarks above: {told}. A line of their own takes 10. Sources of pruned networks do not
say what their training took, and none is on record beside the network it was cut from, so nothing is said of what
pruning does to k.

Of int8 something can be said without compute, from networks that stand in both precisions (torchvision's, the STM32
model zoo's): both forms are of one training, but for calibration or tuning, which sources do not count. If log int8
error grows s times as fast as log float error, k becomes k / s. The 90 % interval of s draws networks. Errors are taken
as they stand: where they are a few wrong items, as on PlantVillage, their noise draws s below 1.
"""
_SPECTRUM: Final = 'Spectrum, quoted at arnoldkling.com, "Moore\'s Law meets its match?"'
_QUOTED: Final = "arXiv v1, quoted in r/MachineLearning, July 2020"
_ROWS: Final = (
    ("compute grows with at least the 4th power of the improvement, in theory", _SPECTRUM),
    ("with at least the 9th, in practice", _SPECTRUM),
    ("compute explains 43 % of the variance of performance on ImageNet", _QUOTED),
    (
        "R2 of 29 to 68 % on all benchmarks but En-De, where compute varies too little",
        "notes at subhadityamukherjee.me",
    ),
    ("3 years are worth 10 x the compute: a halving in 11 months", _QUOTED),
    ("compute for AlexNet's top-5 error halves every 16 months", "Hernandez and Brown, abstract of arXiv:2005.04305"),
)


@click.command("burden")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=PAGE, help="The page.")
def page(out: Path) -> None:
    """Write docs/burden.md: what compute buys on the benchmarks of Thompson et al., from the records in guidelines/."""
    out.write_text(text(roots.shipped()), encoding="utf-8")
    click.echo(f"{out}: {len(BENCHMARKS)} benchmarks")


def text(where: Sequence[Root]) -> str:
    """Return the page, from the records in ``where``.

    Raises:
        NoAnswer: If a benchmark has too few trainings.
    """
    found: dict[str, tuple[Burden, Progress | None]] = {}
    for one in BENCHMARKS:
        pooled, _ = answer.collect(answer.records(where, one.task, one.dataset), one.metric)
        found[one.name] = (answer.burden(pooled, one.name), _years(pooled.as_trained))
    twice = pairs.read({(task, data): answer.records(where, task, data) for task, data in TWICE})
    lines = [_HEAD, "## Exponents\n", *_exponents(found), _READ.rstrip("\n"), *_beside(found)]
    lines += [
        "\n## What moves k\n",
        *_parts(found),
        "\n## Why they differ\n",
        _reasons(found, [pair.ratio for pair in twice]),
    ]
    lines += ["\n## Compute known twice\n", _TWICE, *pairs.lines(twice)]
    lines += ["\n## Compute for one error over the years\n", *_halvings(found)]
    lines += ["\n## Pruning and int8\n", *_variants(where, found)]
    return "\n".join(lines) + "\n"


def _years(trainings: Sequence[Training]) -> Progress | None:
    try:
        return progress(trainings)
    except NoAnswer:
        return None


def _exponents(found: dict[str, tuple[Burden, Progress | None]]) -> list[str]:
    out = [
        "| benchmark | points | n | sources | k | 90 % | by source | inverse k | R2 | halving the error takes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (one, _) in found.items():
        for kind, line in (("all", one.all_points), ("frontier", one.frontier)):
            if isinstance(line, Missing):
                out.append(f"| {name} | {kind} | - | - | - | - | - | - | - | {line.why} |")
                continue
            cells = (*report.exponent(line), f"{line.r2:.2f}")
            cost = report.halving(one.halving(line))
            out.append(f"| {name} | {kind} | {line.n} | {line.n_sources} | {' | '.join(cells)} | {cost} |")
    return out


def _beside(found: dict[str, tuple[Burden, Progress | None]]) -> list[str]:
    top1, years = found["ImageNet, top-1"]
    top5, years5 = found["ImageNet, top-5"]
    k, k5 = (one.all_points for one in (top1, top5))
    name, (lowest, _) = min(found.items(), key=lambda pair: _value(pair[1][0].all_points))
    least = lowest.all_points
    trend = "not told" if years is None or years.trend is None else report.months(years.trend)
    level = None if years5 is None else years5.levels[0].months
    shares = [f"{name} {one.all_points.r2:.0%}" for name, (one, _) in found.items()]
    here = (
        f"least of any benchmark: {_value(least):.1f}, inverse {_inverse(least):.1f} ({name})",
        f"top-1 {report.exponent(k)[0]} ({report.exponent(k)[1]}), inverse {_inverse(k):.1f}; "
        f"top-5 {report.exponent(k5)[0]} ({report.exponent(k5)[1]}), inverse {_inverse(k5):.1f}",
        f"top-1 {k.r2:.0%}, top-5 {k5.r2:.0%}",
        ", ".join(shares[2:]),
        f"top-1 {trend}",
        "not told"
        if level is None
        else f"top-5 {report.months(level)}{_their_own(years5)}; without their rows {_without(top5)}",
    )
    return [f"| {what} | {where} | {ours} |" for (what, where), ours in zip(_ROWS, here, strict=True)]


def _their_own(years: Progress | None) -> str:
    """Say how many of the steps are the article's own rows: what is read off them confirms nothing."""
    steps = () if years is None else years.levels[0].records
    own = sum(THEIRS in one.where for one in steps)
    return f", but {own} of its {len(steps)} steps are their own rows" if own else ""


def _without(top5: Burden) -> str:
    """Return the halving time at the same error without the rows of Hernandez and Brown, as text."""
    years = _years([one for one in top5.collection.as_trained if THEIRS not in one.where])
    if years is None or years.levels[0].months is None:
        steps = 0 if years is None else len(years.levels[0].records)
        return f"not told ({steps} steps)"
    return f"{report.months(years.levels[0].months)}, at {years.levels[0].what}"


def _parts(found: dict[str, tuple[Burden, Progress | None]]) -> list[str]:
    out = ["| benchmark | trainings | n | k | 90 % | inverse k | R2 |", "|---|---|---|---|---|---|---|"]
    for name, (one, _) in found.items():
        out.append(_part_row(name, "all", one.all_points))
        for kind, belongs in PARTS:
            chosen = [training for training in one.collection.as_trained if belongs(training)]
            if 0 < len(chosen) < one.all_points.n:
                out.append(_part_row(name, kind, _part(chosen)))
        by_cost = sorted(one.collection.as_trained, key=lambda training: training.train_flops)
        out.append(_part_row(name, f"without the costliest, {by_cost[-1].name}", _part(by_cost[:-1])))
    return out


def _part(chosen: Sequence[Training]) -> Fit | Missing:
    try:
        return fit(chosen)
    except NoAnswer:
        return Missing(len(chosen), "too few")


def _part_row(name: str, kind: str, line: Fit | Missing) -> str:
    if isinstance(line, Missing):
        return f"| {name} | {kind} | {line.n} | {line.why} | | | |"
    k, ends, _, inverse = report.exponent(line)
    return f"| {name} | {kind} | {line.n} | {k} | {ends} | {inverse} | {line.r2:.2f} |"


def _reasons(found: dict[str, tuple[Burden, Progress | None]], ratios: Sequence[float]) -> str:
    top1, top5, coco, squad, _, ner, de, fr = (one for one, _ in found.values())
    inverse, k = _inverse(top1.all_points), _value(top1.all_points)
    computes = [training.train_flops for training in squad.collection.as_trained]
    years = _years([training for training in top1.collection.as_trained if PARTS[0][1](training)])
    return _REASONS.format(
        least=min(ratios),
        most=max(ratios),
        k1=k,
        k5=_value(top5.all_points),
        span1=top1.span,
        span5=top5.span,
        inverse=inverse,
        place="between" if inverse < ARTICLE < k else "outside",
        theirs1=_value(_chosen(top1, 0)),
        theirs5=_value(_chosen(top5, 0)),
        theirs=_words(_chosen(top1, 0)),
        timed=_words(_chosen(coco, 2)),
        counted=_words(_chosen(coco, 1)),
        orders=math.log10(max(computes) / min(computes)),
        r2=squad.all_points.r2,
        span_ner=ner.span,
        span_de=de.span,
        span_fr=fr.span,
        r2_de=de.all_points.r2,
        years="-" if years is None or years.trend is None else report.months(years.trend),
    )


def _chosen(one: Burden, part: int) -> Fit | Missing:
    return _part([training for training in one.collection.as_trained if PARTS[part][1](training)])


def _words(line: Fit | Missing) -> str:
    if isinstance(line, Missing):
        return f"{line.n} trainings, too few"
    k, ends, _, _ = report.exponent(line)
    return f"{line.n} trainings, k {k} ({ends}), R2 {line.r2:.2f}"


def _halvings(found: dict[str, tuple[Burden, Progress | None]]) -> list[str]:
    out = [
        "Least compute so far for one error (after Hernandez and Brown), and all trainings together (log error over",
        "log compute and year). A training counts with all of its compute, also where it passed the error long before.",
        "",
        "| benchmark | n | error | steps | compute halves every |",
        "|---|---|---|---|---|",
    ]
    for name, (_, years) in found.items():
        if years is None:
            continue
        for level in years.levels:
            halves = "-" if level.months is None else report.months(level.months)
            out.append(f"| {name} | {years.n} | {level.error:.3g}, {level.what} | {len(level.records)} | {halves} |")
        trend = "not told from compute" if years.trend is None else report.months(years.trend)
        out.append(f"| {name} | {years.n} | all trainings together | | {trend} |")
    return out


def _variants(where: Sequence[Root], found: dict[str, tuple[Burden, Progress | None]]) -> list[str]:
    counts = {kind: sum(one.variants[kind].n for one, _ in found.values()) for kind in answer.VARIANTS}
    effects = {}
    for one in BENCHMARKS[:3] + ROUNDED:
        pooled, _ = answer.collect(answer.records(where, one.task, one.dataset), one.metric)
        done = int8.effect(pooled.pairs)
        if done is not None:
            effects[one.name] = (done, _value(found[one.name][0].all_points) if one.name in found else None)
    told = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    return [_VARIANTS.format(told=told), *int8.lines(effects)]


def _inverse(one: Fit) -> float:
    return math.nan if one.inverse is None else one.inverse.value


def _value(one: Fit | Missing) -> float:
    return math.inf if isinstance(one, Missing) or one.exponent is None else one.exponent.value
