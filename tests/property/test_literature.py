"""Whatever stands in a table of published results, each row is taken or refused, and nothing else happens."""

from __future__ import annotations

import csv
import datetime
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.literature import records, table
from registry.literature.columns import BY_NAME
from tests.literature_tables import folder_of

TODAY = datetime.date(2026, 6, 1)
ODD = [
    "", " ", "-", ".", "1", "0", "-1", "1e9", "10e9", "1e999", "9" * 400, "5.3M", "0.7", "76.1", "nan", "inf", "1.2.3",
    "0x10", "1_000", "28 ms", "%", "5%", "he2016", "accuracy", "accuracy-top-5", "resnet", "ResNet-50", "stated",
    "hardware x time", "train_flops = ", "train_flops = 1e18", "train_flops =  x  x s", "2020", "int8", "\x1b[31m",
    "a,b", 'a"b', "a\nb", "\u2116", "validation set", "25557032", "8.2e+09",
]  # fmt: skip
SOUND = {"model": "Net", "family": "net", "metric": "accuracy", "value": "0.7", "citation": "he2016", "where": "here"}


@st.composite
def rows(draw: st.DrawFn) -> list[str]:
    """A row that is sound but for a few cells."""
    cells = {**dict.fromkeys(BY_NAME, ""), **SOUND}
    for name in draw(st.lists(st.sampled_from(list(BY_NAME)), max_size=4)):
        cells[name] = draw(st.sampled_from(ODD) | st.text(max_size=12))
    short = draw(st.sampled_from([0, 0, 0, 0, 1]))
    return list(cells.values())[short:]


@settings(max_examples=50, deadline=None)
@given(st.lists(rows(), max_size=6))
def test_no_row_is_lost_and_none_stops_the_others(lines: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = folder_of("percent", Path(root))
        with (folder / "results.csv").open("w", newline="", encoding="utf-8", errors="surrogatepass") as opened:
            csv.writer(opened).writerows([list(BY_NAME), *lines])
        found = table.read(folder, TODAY)
        built = records.build(found)
    n_points = sum(len(one.record["frontier"]) for one in built)
    lost = {fault.line for fault in found.faults if fault.line}

    assert n_points + sum(one.n_further for one in built) == len(found.rows)
    assert found.n_refused == len(lost) or [fault.rule for fault in found.faults] == ["L-FILE"]
    assert not {row.line for row in found.rows} & lost
    assert all(fault.message.isprintable() and fault.field.isprintable() for fault in found.faults)
