"""Any table of OpenML by its number: ``openml-61`` is iris."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import Any, Final, final

import numpy as np

from harness.datasets.base import Varied
from harness.own import prepared
from harness.own.columns import Categories, Column, Numbers, categories
from harness.own.fetched import FetchedTable, not_here
from harness.own.prepared import Facts, Prepared
from harness.own.table import Table, check_size, prepare
from harness.pictures.files import data_folder
from registry.errors import InvalidData, UsageError
from registry.loader import shown

LICENCES: Final = {"CC0": "CC0-1.0", "CC BY 4.0": "CC-BY-4.0", "CC BY-SA 4.0": "CC-BY-SA-4.0"}
FACTS: Final = ("task", "source", "licence", "group", "input_shape", "n_classes")


@final
class OpenMLTable(FetchedTable):
    """One table: its default target is the label; a target of numbers makes it a regression.

    Columns become inputs as those of a table of one's own. What it is can be asked once it was fetched.

    Args:
        number: Its id at OpenML.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self.name = f"openml-{number}"

    def __getattr__(self, name: str) -> Any:
        """Take over what was fetched, when first asked for."""
        if name not in FACTS:
            raise AttributeError(name)
        if not self.folder.is_dir():
            raise not_here(self.name, self.folder)
        facts = prepared.read_facts(self.folder)
        for known in FACTS:
            setattr(self, known, getattr(facts, known))
        return getattr(facts, name)

    def prepare(self) -> Prepared:
        """Let scikit-learn fetch the table, whose checksum it compares, and keep it as OpenML sent it."""
        from sklearn.datasets import fetch_openml  # takes a second to import

        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = fetch_openml(
                data_id=self._number, data_home=str(data_folder()), as_frame=False, parser="liac-arff", n_retries=1
            )
        columns, label = _columns(self.name, found)
        is_regression = isinstance(columns[-1], Numbers)
        table = Table(self.name, len(found.target), list(columns))
        made = prepare(table, "tabular-reg" if is_regression else "tabular-cls", label)
        return Prepared(
            _published(made.facts, self._number, found.details, [str(one.message) for one in said]), made.splits
        )


def _columns(name: str, found: Any) -> tuple[list[Column], str]:
    """Return all columns, the target last, and its name."""
    if len(found.target_names) != 1:
        raise InvalidData(f"{name}: has {len(found.target_names)} targets, expected 1")
    if not isinstance(found.data, np.ndarray):
        raise InvalidData(f"{name}: is sparse, expected a table with a value in each cell")
    check_size(name, len(found.target), len(found.feature_names) + 1)
    columns: list[Column] = []
    for i, feature in enumerate(found.feature_names):
        values = found.data[:, i].astype(np.float64)
        names = (found.categories or {}).get(feature)
        if names is None:
            if np.isinf(values).any():
                raise InvalidData(f"{name}, row {int(np.argmax(np.isinf(values))) + 1}: holds an infinite number")
            columns.append(Numbers(feature, values))
        else:
            texts = ["" if np.isnan(value) else str(names[int(value)]) for value in values]
            columns.append(_coded(feature, texts))
    [label] = found.target_names
    if found.target.dtype.kind == "f":
        columns.append(Numbers(label, found.target.astype(np.float64)))
    else:
        columns.append(_coded(label, [str(value) for value in found.target]))
    return columns, label


def _coded(name: str, texts: list[str]) -> Categories:
    known: dict[str, int] = {}
    return categories(name, [known.setdefault(text, len(known)) for text in texts], known)


def _published(facts: Facts, number: int, details: dict[str, Any], said: list[str]) -> Facts:
    """Say where a table is from, and what OpenML says of it."""
    title = shown(f"{details.get('name', '?')}, version {details.get('version', '?')}")
    return replace(
        facts,
        source=f"OpenML data set {number}: {title}, https://www.openml.org/d/{number}",
        licence=LICENCES.get(str(details.get("licence", "")), "NOASSERTION"),
        warnings=(*(" ".join(one.split()) for one in said), *facts.warnings),
    )


@final
class OpenML(Varied):
    """All tables of OpenML."""

    def variant(self, suffix: str) -> OpenMLTable:
        """Return the table with this number.

        Raises:
            UsageError: If it is no number.
        """
        if not re.fullmatch(r"[1-9][0-9]{0,8}", suffix):
            raise UsageError(f"'{shown(suffix)}' is no number of an OpenML data set", "expected one such as openml-61")
        return OpenMLTable(int(suffix))


PLUGIN = OpenML()
