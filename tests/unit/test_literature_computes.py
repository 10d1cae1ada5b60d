"""One training has one compute, in whichever table its network stands."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from registry.literature import computes, table
from registry.literature.columns import BY_NAME, plain_name
from tests.shipped import ROOT

PRETRAINED = ("question-answering/squad-1-1", "ner/conll-2003")
BERT = "bertlarge"


def copied(root: Path, how: str, train_flops: str) -> list[Path]:
    """Copy two tables that BERT stands in, and say otherwise what its pre-training took in the second."""
    folders = [root / place / "literature" for place in PRETRAINED]
    for place, folder in zip(PRETRAINED, folders, strict=True):
        folder.mkdir(parents=True)
        for name in ("results.csv", "references.bib", "benchmark.toml"):
            shutil.copyfile(ROOT / place / "literature" / name, folder / name)
    file = folders[1] / "results.csv"
    lines = file.read_text(encoding="ascii").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("BERT-Large,"))
    lines[at] = (
        lines[at]
        .replace("1.9e+20,stated", f"{train_flops},{how}")
        .replace("English", f"train_flops = {train_flops} flops; English")
    )
    file.write_text("\n".join(lines) + "\n", encoding="ascii")
    return folders


def computes_of(folder: Path) -> list[str]:
    return [fault.message for fault in table.read(folder).faults if fault.rule == "L-COMPUTE"]


def test_a_pretraining_that_another_benchmark_states_is_not_derived_otherwise(tmp_path: Path) -> None:
    squad, conll = copied(tmp_path, "params x tokens", "2.69e+20")

    assert computes_of(conll) == [
        "2.69e+20 (params x tokens) differs from 1.9e+20 (stated) of 'BERT-Large' in question-answering/squad-1-1: "
        "one training has one compute"
    ]
    assert computes_of(squad) == []


def test_of_two_stated_computes_the_one_of_the_first_benchmark_counts(tmp_path: Path) -> None:
    squad, conll = copied(tmp_path, "stated", "2.69e+20")

    assert computes_of(conll) == []
    assert [message.split(" of ")[0] for message in computes_of(squad)] == [
        "1.9e+20 (stated) differs from 2.69e+20 (stated)"
    ] * 2


def test_rounding_makes_no_other_compute(tmp_path: Path) -> None:
    assert [computes_of(folder) for folder in copied(tmp_path, "params x tokens", "1.91e+20")] == [[], []]


@pytest.mark.parametrize("place", PRETRAINED)
def test_another_table_that_cannot_be_read_refuses_nothing_here(tmp_path: Path, place: str) -> None:
    folders = dict(zip(PRETRAINED, copied(tmp_path, "params x tokens", "2.69e+20"), strict=True))
    (folders.pop(place) / "results.csv").write_bytes(b'model,train_flops\n"\xff')
    (other,) = folders.values()

    assert computes_of(other) == []


@pytest.mark.parametrize("cell", ["nan", "inf", "1e999", "-1", "1e18 flops", "0"])
def test_a_compute_that_cannot_be_read_elsewhere_is_no_evidence_here(tmp_path: Path, cell: str) -> None:
    squad, conll = copied(tmp_path, "params x tokens", "2.69e+20")
    file = squad / "results.csv"
    file.write_text(file.read_text(encoding="ascii").replace("1.9e+20,stated", f"{cell},stated"), encoding="ascii")

    assert computes_of(conll) == []


def test_every_shipped_network_has_one_compute_for_each_time_it_was_trained() -> None:
    """Pre-trained networks have one in all tables, others one in each: counted without the rules' own code."""
    found: dict[tuple[str, str], set[float]] = defaultdict(set)
    for file in sorted(ROOT.glob("*/*/literature/results.csv")):
        with file.open(newline="", encoding="ascii") as opened:
            for row in csv.DictReader(opened):
                if row["train_flops"]:
                    place = "" if row.get("pretrained_on") else str(file)
                    found[plain_name(row["model"]), place].add(float(row["train_flops"]))

    assert len(found) > 200
    assert found[BERT, ""] == {1.9e20}
    assert [(name, sorted(values)) for (name, _), values in found.items() if len(values) > 1] == []


def test_the_best_account_comes_first() -> None:
    assert computes.ACCOUNTS[0] == "stated"
    assert sorted(computes.ACCOUNTS) == sorted(BY_NAME["train_flops_how"].words)
