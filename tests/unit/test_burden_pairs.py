"""Compute that is known twice, and what it says of hours as a measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.burden import pairs
from harness.burden.page import PAGE
from registry.errors import InvalidData

HEAD = "task,dataset,model,family,gpu_hours,where\n"
RECORDS = {("image-cls", "blobs"): [{"frontier": [{"name": "Net", "train_flops": 1.413e13 * 0.33 * 3600 * 10}]}]}


def test_a_pair_is_hours_over_what_is_counted(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text(f"{HEAD}image-cls,blobs,Net,net,20,here\n", encoding="ascii")
    (pair,) = pairs.read(RECORDS, table)

    assert pair.ratio == pytest.approx(2)
    assert pairs.lines([pair])[2] == "| blobs | net | 1 | 2.00 | 2.00 | 2.00 |"


def test_a_network_that_is_not_on_record_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text(f"{HEAD}image-cls,blobs,Nett,net,20,here\n", encoding="ascii")

    with pytest.raises(InvalidData, match=r"pairs\.csv: 'Nett' is not on record with train_flops"):
        pairs.read(RECORDS, table)


def test_the_page_says_which_steps_are_the_rows_of_those_it_is_compared_with() -> None:
    said = PAGE.read_text(encoding="utf-8")

    assert "5 of its 5 steps are their own rows" in said
    assert "AlexNet (1 network)" not in said
    assert "| imagenet-1k | EfficientNet | 6 | 2.38 | 3.17 | 5.12 |" in said
