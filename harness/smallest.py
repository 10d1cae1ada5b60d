"""Find and certify the smallest network that meets a target: any strategy, the same certification.

The strategy proposes trainings or a certification; this runs them in rounds and tells it what came of them. How runs
are made is the caller's affair, so that a live study and a replay on tables share every line of this.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, final

from harness.search.base import History, Proposal, Run, Setting, Space, Strategy, Test
from registry.statistics import LOOKS, decide

MOST_ATTEMPTS: Final = 40
_NOTHING: Final = History()


@final
class Request(NamedTuple):
    """Runs to make of one setting: its next ``n`` seeds for search, or fresh ones that read the test split."""

    setting: Setting
    n: int
    attempt: int | None = None  # the certification they belong to, from 1; None for search


@final
class Result(NamedTuple):
    """What came of one run: errors; infinite validation error where it diverged, with a test error of 1."""

    val_error: float
    test_error: float | None = None


Rounds = Generator[list[Request], list[list[Result]], "Found"]


@final
@dataclass
class Found:
    """How a search ended.

    Attributes:
        history: Everything trained for this target, and what was known before.
        certified: The certified setting; None where nothing was.
        proposals: What the strategy said, round by round.
        reason: Why it ended without a certified shape.
    """

    history: History
    certified: Setting | None = None
    proposals: list[Proposal] = field(default_factory=list)
    reason: str = ""


def find_smallest(
    strategy: Strategy, space: Space, target_error: float, history: History = _NOTHING, *, attempts: int = 0
) -> Rounds:
    """Search and certify until a shape is certified or the strategy gives up.

    Args:
        strategy: Proposes.
        space: What may be trained.
        target_error: The largest error that meets the target.
        history: What is known already; its tests are those of this target.
        attempts: Certifications made for this target besides those of ``history``.
    """
    found = Found(history)
    while len(found.history.tests) + attempts < MOST_ATTEMPTS:
        proposal = strategy.propose(space, found.history, target_error)
        found.proposals.append(proposal)
        if proposal.certify is not None:
            attempt = len(found.history.tests) + attempts + 1
            test = yield from certify(proposal.certify, target_error, attempt)
            found.history = replace(found.history, tests=(*found.history.tests, test))
            if test.certified:
                found.certified = proposal.certify
                return found
        elif proposal.train:
            requests = [Request(setting, proposal.train.count(setting)) for setting in dict.fromkeys(proposal.train)]
            results = yield requests
            runs = [
                Run(request.setting, result.val_error)
                for request, made in zip(requests, results, strict=True)
                for result in made
            ]
            found.history = replace(found.history, runs=(*found.history.runs, *runs))
        else:
            found.reason = "no shape of the space is likely to meet it"
            return found
    found.reason = f"stopped after {MOST_ATTEMPTS} certifications"
    return found


def certify(setting: Setting, target_error: float, attempt: int) -> Generator[list[Request], list[list[Result]], Test]:
    """Run fresh seeds of ``setting``, 5, then up to 20, then up to 64, until the sequential test decides."""
    made: list[Result] = []
    verdict: Literal["claim", "fail", "go on"] = "go on"
    for look in LOOKS:
        (more,) = yield [Request(setting, look - len(made), attempt)]
        made += more
        meeting = sum(result.test_error is not None and result.test_error <= target_error for result in made)
        verdict = decide(meeting, look, attempt)
        if verdict != "go on":
            break
    return Test(
        setting,
        tuple(result.val_error for result in made),
        tuple(1.0 if result.test_error is None else result.test_error for result in made),
        verdict == "claim",
    )
