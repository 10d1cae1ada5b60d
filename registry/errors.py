"""Every error raised on purpose, as one tree; the exit code of each class is the command's.

::

    GuidesError                     1
    ├── InvalidRecord               1   a record (or a file beside it) breaks a rule
    │   ├── BrokenRule              1   one rule, at one field of one file
    │   └── VersionExists           1   that version of the record is there already
    ├── InvalidData                 1   a data set or a file of points cannot be used
    ├── UsageError                  2   the call itself is wrong
    │   ├── UnknownName             2   no such task, data set, family, id ...: carries suggestions
    │   └── MissingDependency       2   an optional package is not installed
    ├── NoAnswer                    3   nothing on record, or nothing trained, reaches the target
    │   └── OutsideRange            3   a law is asked outside the range it was fitted on
    ├── DamagedRegistry             4   a root or an index cannot be read at all
    ├── NoSpace                     5   out of disk space or memory
    ├── LimitExceeded               6   a limit set by the caller or by safety was hit
    │   └── NotReproduced           6   a re-run disagrees with the record
    ├── Inconclusive                7   the evidence does not decide
    └── Interrupted               130   Ctrl-C; says how to resume
"""

from __future__ import annotations

from collections.abc import Iterable


class GuidesError(Exception):
    """An expected failure: one line that says what is wrong, and at most one hint that says what to do.

    Args:
        message: One line: what is wrong with the value and what was expected.
        hint: One line: what to do next, or empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InvalidRecord(GuidesError):
    """A record, or a file in its folder, breaks a rule."""


class BrokenRule(InvalidRecord):
    """One rule broken at one place: ``file:path.to.field: RULE-ID what is wrong, what was expected``.

    Args:
        file: The file, as the reader of the message would open it.
        field: Keys and list positions from the top, joined by dots; empty for the file as a whole.
        rule: The rule's id, for example ``R-RANGE``.
        problem: What is wrong with the value and what was expected.
        hint: One line: what to do next, or empty.
    """

    def __init__(self, file: str, field: str, rule: str, problem: str, hint: str = "") -> None:
        place = f"{file}:{field}" if field else file
        super().__init__(f"{place}: {rule} {problem}", hint)
        self.args = (file, field, rule, problem, hint)  # what pickle rebuilds it from
        self.file = file
        self.field = field
        self.rule = rule
        self.problem = problem


class VersionExists(InvalidRecord):
    """That version of the record is in the root already, and a version is written once."""


class InvalidData(GuidesError):
    """A data set or a file of points cannot be used."""


class UsageError(GuidesError):
    """The call itself is wrong: an option, a value, a combination."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that nothing is registered under.

    Args:
        kind: What the name should have named, for example ``task``.
        name: The name as given.
        known: Every valid name; the closest one is suggested.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        import difflib  # only when something is misspelt: the lookup path stays light

        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1)
        guess = f". Did you mean '{close[0]}'?" if close else ""
        listed = "" if close else f"known: {', '.join(known)}" if known else f"no {kind} is known here yet"
        super().__init__(f"unknown {kind} '{name}'{guess}", listed)
        self.args = (kind, name, known)  # what pickle rebuilds it from
        self.kind = kind
        self.name = name
        self.known = known


class MissingDependency(UsageError):
    """An optional package is not installed."""


class NoAnswer(GuidesError):
    """Nothing on record, or nothing that was trained, reaches the target."""

    exit_code = 3


class OutsideRange(NoAnswer):
    """A law is asked outside the range it was fitted on."""


class DamagedRegistry(GuidesError):
    """A root or its index cannot be read at all."""

    exit_code = 4


class NoSpace(GuidesError):
    """Out of disk space or memory."""

    exit_code = 5


class LimitExceeded(GuidesError):
    """A limit set by the caller, or by safety, was hit."""

    exit_code = 6


class NotReproduced(LimitExceeded):
    """A re-run disagrees with the record."""


class Inconclusive(GuidesError):
    """The evidence does not decide."""

    exit_code = 7


class Interrupted(GuidesError):
    """Ctrl-C or a stop signal: the message says how to resume."""

    exit_code = 130
