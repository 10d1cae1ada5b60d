"""The answer of ``guides like``: descriptors, what is near and why, a size, and the command that finds out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from harness.datasets.base import Dataset
from harness.like.description import Description
from harness.like.descriptors import Descriptors
from harness.like.estimate import Known, Suggestion, suggest
from harness.like.ladder import Ladder
from harness.like.language import Language
from harness.like.near import nearest, of_ladder
from harness.like.near_language import nearest as nearest_language
from harness.like.recorded import FARTHEST, Near, Recorded, RecordedLanguage
from registry.errors import NoAnswer

FEW_PICTURES: Final = 20_000
MINUTES: Final = 10
LOOKED_AT: Final = 500  # pictures
SHOWN: Final = 5  # sizes of a record
FEWEST_SOURCES: Final = 2  # of a kind of data: with one alone nothing says how far off a size for another is
FINER: Final = re.compile(r"-px[0-9]+")  # glyphs-c10-px32 shows what glyphs-c10 does
CORPORA: Final = ("sympy-1-14",)  # that several plug-ins are made of, named by their end
ADVICE: Final = (
    "fewer than 20,000 pictures in colour: if they are photographs, fine-tuning a pretrained network is likely better "
    "than any size trained from scratch (Kornblith et al. 2019, arXiv:1805.08974)"
)


@final
@dataclass(frozen=True)
class Answer:
    """What is known of data like these.

    Attributes:
        advice: What to do rather than choose a size; empty where there is nothing better.
        data: What the data are like.
        near: Recorded data sets, the nearest first.
        suggestion: A size; None where nothing is near, knees of such data were measured on one source or none, or a
            linear probe makes no error; and of texts without labels.
        bench: The command that finds out.
    """

    advice: str
    data: Description
    near: tuple[Near, ...]
    suggestion: Suggestion | None
    bench: str

    def refusal(self) -> NoAnswer | None:
        """Return what to raise where nothing is near."""
        if self.near:
            return None
        kind = f"no {self.data.kind} on record are within {FARTHEST:g} x of"
        return NoAnswer(f"no record near: {kind} {', '.join(self.data.counts)} at once", self.hint)

    @property
    def hint(self) -> str:
        """Say how to find out."""
        return f"find out: {self.bench}"


def answer(
    data: Descriptors, recorded: Sequence[Recorded], ladders: Sequence[Ladder], advice: str, bench: str
) -> Answer:
    """Compare a data set with all that is on record.

    Args:
        data: What it is like.
        recorded: What the registry holds; the committed knees count, too.
        ladders: The committed knees.
        advice: As of :func:`advice_for`.
        bench: The command that finds out.
    """
    near = nearest(data, [*recorded, *map(of_ladder, ladders)])
    known = known_of(ladders)
    sources = {one.source for one in known if one.descriptors.modality == data.modality}
    measured = data.n_classes is not None and len(sources) >= FEWEST_SOURCES
    suggestion = suggest(known, data) if near and measured and data.linear_error else None
    return Answer(advice, data, tuple(near), suggestion, bench)


def answer_language(data: Language, recorded: Sequence[RecordedLanguage], bench: str) -> Answer:
    """Compare a text without labels with those of the registry; no ladder was measured on such."""
    return Answer("", data, tuple(nearest_language(data, recorded)), None, bench)


def known_of(ladders: Sequence[Ladder]) -> list[Known]:
    """Return the knees that were measured; of variants of one data set, and of one corpus, the source is the same."""
    found = []
    for one in ladders:
        dataset = one.facts["dataset"]
        found.append(Known(one.name, plain(dataset), source_of(dataset), one.descriptors, one.knee().rung.width))
    return found


def plain(dataset: str) -> str:
    """Return the name of a data set less what says that the same examples are drawn finer: no other data set, then."""
    return FINER.sub("", dataset)


def source_of(dataset: str) -> str:
    """Return the plug-in that a data set is, or is a variant of; or the corpus that this and others are made of."""
    from harness import plugins

    stems = [name for name in plugins.names("datasets") if dataset == name or dataset.startswith(f"{name}-")]
    stem = max(stems, key=len, default=dataset)
    return next((corpus for corpus in CORPORA if stem.endswith(f"-{corpus}")), stem)


def advice_for(data: Dataset) -> str:
    """Return advice where pictures are in colour and few; else nothing."""
    if data.task != "image-cls" or data.input_shape[0] != 3:
        return ""
    train = data.train()
    some = train.inputs[:LOOKED_AT]
    n = len(train) + len(data.val()) + len(data.test())
    return "" if n >= FEW_PICTURES or bool(np.ptp(some, axis=1).max() == 0) else ADVICE


def bench_command(task: str, path: Path, label: str | None, group: str | None = None) -> str:
    """Return the command that measures the knee of a person's own data."""
    parts = ["guides", "bench", "--task", task, "--data", str(path)]
    for option, column in (("--label", label), ("--group", group)):
        parts += [] if column is None else [option, column]
    return f"{shlex.join(parts)} --knee --minutes {MINUTES}"


def lines(found: Answer) -> list[str]:
    """Say it: advice first, then the data, what is near, and the size."""
    said = [*([found.advice] if found.advice else []), *found.data.lines()]
    if not found.near:
        return said
    said += ["", "nearest on record:"]
    for near in found.near:
        said.append(f"  {near.recorded.name}{' (knee measured)' if near.recorded.where == 'ladder' else ''}")
        said.append(f"    because: {near.reason}")
        if isinstance(near.recorded, RecordedLanguage) and near.recorded.without_network:
            said.append(f"    {near.recorded.without_network}")
        said += [f"    {size}" for size in near.recorded.sizes[:SHOWN]]
        more = len(near.recorded.sizes) - SHOWN
        said += [f"    and {more} more: guides show {near.recorded.name.split()[0]}"] if more > 0 else []
    return [*said, "", *_suggested(found), found.hint]


def values(found: Answer) -> dict[str, Any]:
    """Return the same as plain JSON values."""
    return {
        "advice": found.advice or None,
        "data": found.data.to_json(),
        "near": [
            {
                **asdict(near.recorded),
                "sizes": list(near.recorded.sizes),
                "distance": near.distance,
                "reason": near.reason,
            }
            for near in found.near
        ],
        "suggestion": None if found.suggestion is None else asdict(found.suggestion),
        "bench": found.bench,
    }


def _suggested(found: Answer) -> list[str]:
    data, one = found.data, found.suggestion
    if isinstance(data, Language):
        return [
            "no size is suggested: how far off one would be is not known for texts without labels, nor what bits per "
            "byte of another text mean for this one"
        ]
    if isinstance(data, Descriptors) and data.linear_error == 0:
        return [
            f"suggested: a network without hidden layers; the linear probe had none of {data.n_asked:,} validation "
            "examples wrong"
        ]
    if one is None:
        return ["no size is suggested: knees of such data were measured on fewer than two sources"]
    return [
        f"suggested knee: {one.params:,} params, an mlp of width {one.width}, depth 1",
        f"  uncertain: x {one.factor:.1f} either way held for {one.n_within} of {one.n} {one.counted}, each foretold "
        "without its source",
        f"  foretold: {one.model}",
    ]
