"""Find and certify the smallest network that meets a target: any strategy, the same certification.

The strategy proposes trainings or a certification; this runs them in rounds and tells it what came of them. How runs
are made is the caller's affair, so that a live study and a replay on tables share every line of this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, final

from harness.search.base import History, Proposal, Run, Setting, Space, Strategy, Test
from registry.statistics import LOOKS, decide

MOST_ATTEMPTS: Final = 40
_NOTHING: Final = History()


@final
class Request(NamedTuple):
    """Runs to make of one setting: its next ``n`` seeds for search, or fresh ones that read the test split.

    Attributes:
        setting: How they are trained.
        n: How many.
        attempt: The certification they belong to, from 1; None for search.
        start: Fresh seeds that this certification has used already.
    """

    setting: Setting
    n: int
    attempt: int | None = None
    start: int = 0


@final
class Result(NamedTuple):
    """What came of one run: errors; infinite validation error where it diverged, with a test error of 1."""

    val_error: float
    test_error: float | None = None


class Haste(ABC):
    """Says when a search has to come to an end."""

    @abstractmethod
    def hurries(self, history: History, requests: Sequence[Request], certification: Request) -> bool:
        """Say whether to certify now: there is no time for ``requests``, the next round, and for that after them."""

    @abstractmethod
    def stops(self, requests: Sequence[Request]) -> bool:
        """Say whether to stop: there is no time for ``requests``, the next runs."""

    @abstractmethod
    def knows(self, requests: Sequence[Request]) -> bool:
        """Say whether ``requests`` take no time: they were made by an earlier run."""


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
        is_cut: Whether time ended it: more trainings might have found a smaller shape, or one at all.
    """

    history: History
    certified: Setting | None = None
    proposals: list[Proposal] = field(default_factory=list)
    reason: str = ""
    is_cut: bool = False


def find_smallest(
    strategy: Strategy,
    space: Space,
    target_error: float,
    history: History = _NOTHING,
    *,
    attempts: int = 0,
    haste: Haste | None = None,
    say: Callable[[Proposal], None] = lambda _: None,
) -> Rounds:
    """Search and certify until a shape is certified or the strategy gives up.

    Args:
        strategy: Proposes.
        space: What may be trained.
        target_error: The largest error that meets the target.
        history: What is known already; its tests are those of this target.
        attempts: Certifications made for this target besides those of ``history``.
        haste: Ends it before that. What is certified in a hurry stays the answer: were the search to go on later, what
            a bracket has read of the test split meanwhile would count for nothing.
        say: Called with every proposal.
    """
    found = Found(history)
    while len(found.history.tests) + attempts < MOST_ATTEMPTS:
        proposal = strategy.propose(space, found.history, target_error)
        hurried = False
        if haste is not None and proposal.train:
            hasty = strategy.propose(space, found.history, target_error, hurry=True)
            if hasty.certify is not None:
                attempt = len(found.history.tests) + attempts + 1
                certification = Request(hasty.certify, LOOKS[1], attempt)
                hurried = haste.hurries(found.history, _requests(proposal), certification)
                proposal = hasty if hurried else proposal
        found.proposals.append(proposal)
        say(proposal)
        if proposal.certify is not None:
            attempt = len(found.history.tests) + attempts + 1
            test = yield from certify(proposal.certify, target_error, attempt, haste)
            if test is None:
                return _cut(found)
            found.history = replace(found.history, tests=(*found.history.tests, test))
            if test.certified:
                found.certified, found.is_cut = proposal.certify, hurried
                return found
        elif proposal.train:
            requests = _requests(proposal)
            if haste is not None and haste.stops(requests):
                return _cut(found)
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


def _requests(proposal: Proposal) -> list[Request]:
    return [Request(setting, proposal.train.count(setting)) for setting in dict.fromkeys(proposal.train)]


def _cut(found: Found) -> Found:
    found.is_cut, found.reason = True, "the time was up"
    return found


def certify(
    setting: Setting, target_error: float, attempt: int, haste: Haste | None = None
) -> Generator[list[Request], list[list[Result]], Test | None]:
    """Run fresh seeds of ``setting``, 5, then up to 20, then up to 64, until the sequential test decides.

    Returns:
        The test; None where ``haste`` left no time for the runs it lacked. It is not begun without time for 20; what an
        earlier run has decided is decided.
    """
    made: list[Result] = []
    verdict: Literal["claim", "fail", "go on"] = "go on"
    for look in LOOKS:
        have = len(made)
        request = Request(setting, look - have, attempt, have)
        whole = request._replace(n=max(look, LOOKS[1]) - have)
        if haste is not None and not haste.knows([request]) and haste.stops([whole]):
            return None
        (more,) = yield [request]
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
