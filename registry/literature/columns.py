"""The columns of ``results.csv``: what each holds, in which unit, and how a cell is read.

A cell that cannot be read is refused with the rule it breaks and, where it can be told, with what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, final

from registry.loader import LARGEST_INT

HOW: Final = {
    "stated": "stated",
    "hardware x time": "hardware-x-time",
    "params x tokens": "params-x-tokens",
    "3 x flops x examples x epochs": "flops-x-examples",
    "derived": "derived",
}
PRECISIONS: Final = {
    "float32": "float32",
    "float16": "float16",
    "int8": "int8",
    "int8 and binary": "int8-mixed",
    "int8 and ternary": "int8-mixed",
}
LIMITS: Final = ("at least",)
ROUTES: Final = ("scratch", "pruned", "distilled")
SELECTED: Final = ("validation set",)
LONGEST: Final = 400  # characters of a cell: a record has some to add


class CellFault(Exception):
    """A cell that cannot be read: the rule it breaks, and what is wrong."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(rule, message)
        self.rule, self.message = rule, message


@final
@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its header.
        kind: ``count`` is a whole number, ``number`` any; ``word`` is one of ``words``.
        needed: Whether each row has it.
        low: The least it can be.
        high: The most it can be.
        unit: What a number is in, for messages.
        words: What a ``word`` may be; all where there is none.
    """

    name: str
    kind: Literal["text", "word", "count", "number"]
    needed: bool = False
    low: float = 1
    high: float = LARGEST_INT
    unit: str = ""
    words: tuple[str, ...] = ()


COLUMNS: Final = (
    Column("model", "text", needed=True),
    Column("family", "word", needed=True),
    Column("year", "count", low=1950, high=2100, unit="a year"),
    Column("metric", "word", needed=True),
    Column("value", "number", needed=True, low=-1e30, high=1e30, unit="the metric's unit"),
    Column("params", "count", high=1e14, unit="params"),
    Column("flops", "number", high=1e18, unit="flops"),
    Column("train_flops", "number", low=1e6, high=1e30, unit="flops"),
    Column("train_flops_how", "word", words=tuple(HOW)),
    Column("resolution", "count", high=10_000, unit="pixels"),
    Column("n_train", "count", high=1e12, unit="examples"),
    Column("selected_on", "word", words=SELECTED),
    Column("citation", "text", needed=True),
    Column("where", "text", needed=True),
    Column("notes", "text"),
)
DEVICE_COLUMNS: Final = (  # microcontroller tables only
    Column("ram_bytes", "count", high=1e12, unit="bytes"),
    Column("flash_bytes", "count", high=1e12, unit="bytes"),
    Column("latency_s", "number", low=1e-9, high=1e9, unit="seconds"),
    Column("board", "text"),
    Column("precision", "word", words=tuple(PRECISIONS)),
)
OPTIONAL_COLUMNS: Final = (  # where some network of the table is not trained from scratch on its data alone
    Column("limit", "word", words=LIMITS),
    Column("route", "word", words=ROUTES),
    Column("pretrained_on", "text"),
)
BY_NAME: Final[Mapping[str, Column]] = {
    column.name: column for column in (*COLUMNS, *OPTIONAL_COLUMNS, *DEVICE_COLUMNS)
}

# What people call these columns elsewhere.
OTHER_NAMES: Final = {
    "value": ("accuracy", "acc", "top1", "top1accuracy", "score", "f1", "map", "boxap", "bleu", "result"),
    "params": ("parameters", "nparams", "numparams", "numberofparameters", "paramcount", "paramsm", "mparams", "size"),
    "flops": ("macs", "gmacs", "multiplyadds", "multadds", "gflops", "mflops", "flop", "ops", "numberofflops"),
    "train_flops": ("trainingflops", "trainingcompute", "compute", "hardwareburden", "pfdays", "traincost"),
    "year": ("date", "published", "publicationyear"),
    "model": ("name", "network", "method", "architecture", "arch"),
    "citation": ("reference", "paper", "cite", "key", "source", "link", "url"),
    "resolution": ("imgsize", "imagesize", "inputsize", "inputresolution"),
    "latency_s": ("latency", "inferencetime", "time", "latencyms"),
    "ram_bytes": ("ram", "ramkib", "activationram"),
    "flash_bytes": ("flash", "flashkib", "weightflash", "filesize"),
    "notes": ("note", "comment", "comments", "remarks"),
    "precision": ("format", "dtype", "quantization", "bits"),
}

_WHOLE: Final = re.compile(r"\d{1,19}")
_NUMBER: Final = re.compile(r"-?\d{1,19}(\.\d{1,19})?(e[+-]?\d{1,3})?")
_EXPONENT: Final = re.compile(r"-?(\d+)(?:\.\d+)?e([+-]?\d+)")
_SCALED: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*([kKmMgGbBtT])(?:\b|[a-zA-Z]*$)")
_TAIL: Final = re.compile(r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([A-Za-z%].*)")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_SCALABLE: Final = ("params", "flops", "examples", "bytes")  # what people count in millions
_MILLIONS: Final = 1e5  # params with a decimal point below this many may be meant in millions
_FACTORS: Final = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}


@final
class Row(NamedTuple):
    """One figure as written: cells read, nothing derived; None is an empty cell. Units are those of the columns."""

    line: int
    model: str
    family: str
    year: int | None
    metric: str
    value: float
    params: int | None
    flops: float | None
    train_flops: float | None
    train_flops_how: str | None
    resolution: int | None
    n_train: int | None
    selected_on: str | None
    citation: str
    where: str
    notes: str | None
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    latency_s: float | None = None
    board: str | None = None
    precision: str | None = None
    limit: str | None = None
    route: str | None = None
    pretrained_on: str | None = None

    @property
    def network(self) -> tuple[str, int | None, str | None]:
        """What tells one network from another: rows that agree in it are metrics of the same one."""
        return (plain_name(self.model), self.resolution, self.precision)


def plain_name(name: str) -> str:
    """Return a model's name without what spellings differ in: case, blanks, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", name.casefold())


def read_cell(column: Column, text: str) -> Any:
    """Return what a cell holds; None where it is empty.

    Raises:
        CellFault: If it cannot be read.
    """
    if text == "":
        if column.needed:
            raise CellFault("L-MISSING", f"is empty, expected a {column.name} in every row")
        return None
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise CellFault("L-TEXT", f"{text[:60]!a} is not plain printable ASCII without blanks around it")
    if len(text) > LONGEST:
        raise CellFault("L-TEXT", f"has {len(text)} characters, expected at most {LONGEST}")
    if column.kind in ("count", "number"):
        return _number(column, text)
    if column.words and text not in column.words:
        raise CellFault("L-WORD", f"'{text[:60]}' is none of {', '.join(column.words)}")
    if column.kind == "word" and not column.words and not _WORD.fullmatch(text):
        raise CellFault("L-WORD", f"'{text[:60]}' is not in kebab-case: small letters, digits and hyphens")
    return text


def _number(column: Column, text: str) -> float:
    """Return a number in the column's own unit and range."""
    whole = column.kind == "count"
    if not (_WHOLE if whole else _NUMBER).fullmatch(text):
        raise CellFault("L-UNIT", _no_number(column, text))
    exponent = _EXPONENT.fullmatch(text)
    if exponent and len(exponent[1].lstrip("0")) > 1:
        said = f"'{text}' is {float(text):.4g}: write it so, or as {float(text) / 10:.4g} if giga was read as 10e9"
        raise CellFault("L-GIGA", said)
    value = int(text) if whole else float(text)
    if not column.low <= value <= column.high:
        raise CellFault("L-RANGE", f"'{text}' cannot be: expected {column.unit} from {column.low:g} to {column.high:g}")
    return value


def _no_number(column: Column, text: str) -> str:
    """Say what a cell is that is no plain number, and what it may have meant."""
    expected = f"expected a {'whole' if column.kind == 'count' else 'plain'} number ({column.unit})"
    shown = f"'{text[:60]}'"
    scaled = _SCALED.fullmatch(text)
    if scaled and column.unit in _SCALABLE:
        meant = float(scaled[1].replace(",", ".")) * _FACTORS[scaled[2].lower()]
        return f"{shown} is text, {expected}, as in {meant:.0f}"
    if tail := _TAIL.fullmatch(text):
        if tail[2].strip() == "%":
            return f"{shown} is text in percent, expected a plain number, as in {float(tail[1]) / 100:g}"
        return f"{shown} has the unit '{tail[2].strip()}', {expected}"
    if re.fullmatch(r"\d+\.\d+", text) and column.name == "params":
        hint = (
            f"{float(text) * 1e6:.0f} if millions are meant" if float(text) < _MILLIONS else f"as in {float(text):.0f}"
        )
        return f"{shown} is no whole number, {expected}: {hint}"
    return f"{shown} is not a number, {expected}"
