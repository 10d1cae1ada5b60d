"""What stands beside certified answers: their brackets, what pruning makes smaller, and the law.

Without a limit of time all of it shares its rounds: the more there is to train at once, the busier the workers. Where
time is limited it is done one after the other instead, each with its share of what is left, so that a record has some
of everything; what was cut short goes on at the end with the time that others left over. The trials are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from harness.bracket import Answer, Bracket
from harness.certify import Attempt
from harness.procedure import CUT, Procedure, together
from harness.pruning import Pruning
from harness.stage import Stage
from harness.study_law import Law
from registry.answers import NO_BRACKET

if TYPE_CHECKING:
    from harness.investigation import Investigation
    from harness.study import Findings

NO_LAW: Final = "no law: the time was up"


@final
class Completion:
    """What completes the certified answers of one study.

    Args:
        study: The study.
        certified: Each target with its certifications so far, the answer's last.
    """

    def __init__(self, study: Investigation, certified: Sequence[tuple[float, list[Attempt]]]) -> None:
        self._study = study
        self._certified = certified
        self._brackets: list[Bracket] = []
        self._pruned: list[list[Bracket]] = []
        self._law_notes: list[str] = []
        self._parts: dict[str, Callable[[], list[Procedure[Any]]]] = {
            "bracketing": self._bracketing,
            "pruning": self._pruning,
            "fitting the law": self._law,
        }
        self._results: dict[str, list[Any]] = {}

    def run(self, later: int = 0) -> Procedure[None]:
        """Do all of it; as far as there is time.

        Args:
            later: What else the study has to do afterwards, in parts of like weight.
        """
        clock = self._study.clock
        if not clock.is_limited:
            self._study.say(Stage("bracketing, pruning, fitting the law"))
            begun = {words: begin() for words, begin in self._parts.items()}
            results = yield from together([procedure for part in begun.values() for procedure in part])
            for words, part in begun.items():
                self._results[words], results = results[: len(part)], results[len(part) :]
            return
        takes_time = {words: words != "pruning" or self._study.family.prunable for words in self._parts}
        ahead = sum(takes_time.values()) + later
        for words in self._parts:
            with clock.share(1 / ahead):
                yield from self._do(words)
            ahead -= takes_time[words]

    def go_on(self) -> Procedure[None]:
        """Go on with what was cut short, as far as there is time."""
        for words, results in list(self._results.items()):
            if any(result is CUT or (isinstance(result, Law) and not result.is_whole) for result in results):
                yield from self._do(words)

    def add_to(self, findings: Findings) -> None:
        """Add everything there was time for, and notes on what there was none for."""
        study = self._study
        [law] = self._results["fitting the law"]
        findings.notes += self._law_notes
        if law is CUT:
            findings.notes.append(NO_LAW)
        else:
            findings.law = law.values
        for i, (target, _) in enumerate(self._certified):
            aim = f"target {target:g}"
            first, *second = [bracket.answer() for bracket in (self._brackets[i], *self._pruned[i])]
            findings.answers += [first, *second]
            if self._results["bracketing"][i] is CUT:
                findings.notes.append(unbracketed(first, aim))
            if self._results["pruning"][i] is CUT:
                findings.notes += [f"{aim}: pruning was cut short: the time was up"]
                findings.notes += [unbracketed(answer, aim) for answer in second]
            elif not study.family.prunable:
                findings.notes.append(f"{aim}: networks of this family are not pruned")
            elif not second or study.order(second[0].test.trial.shape) >= study.order(first.test.trial.shape):
                findings.notes.append(f"{aim}: pruning certified nothing smaller than from scratch")

    def _do(self, words: str) -> Procedure[None]:
        self._study.say(Stage(words))
        self._results[words] = yield from together(self._parts[words](), self._study.clock.fits)

    def _bracketing(self) -> list[Procedure[Any]]:
        # begun again it starts from the certifications alone: what is trained already is not trained again
        self._brackets = [Bracket(self._study, target, list(attempts)) for target, attempts in self._certified]
        return [bracket.run() for bracket in self._brackets]

    def _pruning(self) -> list[Procedure[Any]]:
        self._pruned = [[] for _ in self._certified]
        return [
            Pruning(self._study, target).run(attempts[-1].test.trial.steps, found)
            for (target, attempts), found in zip(self._certified, self._pruned, strict=True)
        ]

    def _law(self) -> list[Procedure[Any]]:
        self._law_notes.clear()
        return [self._study.law(self._law_notes)]


def unbracketed(answer: Answer, aim: str) -> str:
    """Say that a bracket lacks shapes; the words by which a record's rules know that it may be empty."""
    here = f"{aim}, {answer.test.trial.route}"
    if answer.bracket:
        return f"{here}: the bracket is not complete: the time was up"
    return f"{NO_BRACKET} {here}: the time was up"
