"""What is read of a law's cells: from a record as it is written, or as a hand has left it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.law import Law
from registry.laws.cells import Cells
from registry.store import canonical_json
from tests.example_record import example_record


@pytest.mark.parametrize("indent", [None, 2], ids=["canonical", "by hand"])
def test_cells_are_read_from_a_record_however_it_is_written(tmp_path: Path, indent: int | None) -> None:
    record, _ = example_record(surface=True)
    record["law"]["points"][-1]["capped"] = True
    path = tmp_path / "guideline.json"
    path.write_bytes(canonical_json(record) if indent is None else json.dumps(record, indent=indent).encode())
    cells = Cells(str(path), Law(record["law"]), {})

    assert cells.shape == {"depth": (1,)}
    assert cells.improving == (1000, 4, 1)
    assert cells.reach({"n_train": 1000, "params": 2410})
    assert not cells.reach({"n_train": 1001, "params": 2410})


@pytest.mark.parametrize("text", [None, "", '{"law": null}', '{"law":{"points":[{"capped":1,'])
def test_of_a_record_that_cannot_be_read_there_are_no_cells(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "guideline.json"
    if text is not None:
        path.write_text(text)
    cells = Cells(str(path), Law(example_record(surface=True)[0]["law"]), {})

    assert (cells.shape, cells.where, cells.improving) == ({}, "", None)
    assert cells.has(3, 16)
