"""`python -m harness compare throughput`: rows for stacks beside both loops, and the loops train the same networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from harness.__main__ import harness
from harness.batches import BatchStream
from harness.compare import throughput
from harness.compare.throughput import Row, Settings, measure, train_plainly, train_stacked
from harness.plugins import load
from harness.trial import Shape
from registry.errors import UsageError

TINY = Settings({"mlp": (2,)}, members=(1, 3), modes=("eager",), repeats=1, seconds=0.001, least_steps={"mlp": 1})
KEYS = ["family", "width", "depth", "k", "mode", "steps_per_s", "ratio", "ratio_fused"]


def test_rows_compare_every_stack_with_both_loops() -> None:
    rows = measure("mlp", 2, TINY)

    assert [row[:5] for row in rows] == [("mlp", 2, 2, 1, "eager"), ("mlp", 2, 2, 3, "eager")]
    assert list(Row._fields) == KEYS
    assert all(min(row[5:]) > 0 for row in rows)


def test_command_prints_and_writes_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "QUICK", TINY)
    monkeypatch.setattr(throughput, "processes_over_threads", lambda _settings: 1.5)
    path = tmp_path / "rows.json"
    done = CliRunner().invoke(
        harness, ["compare", "throughput", "--quick", "--json", str(path)], catch_exceptions=False
    )
    rows = json.loads(path.read_text())["rows"]

    assert done.exit_code == 0
    assert [list(row) for row in rows] == [KEYS, KEYS]
    assert "x plain" in done.output


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "rows.json"
    with pytest.raises(UsageError) as refused:
        CliRunner().invoke(harness, ["compare", "throughput", "--json", str(path)], catch_exceptions=False)

    assert str(refused.value).splitlines() == [
        f"cannot write '{path}'",
        "  expected a file in a folder that may be written to",
    ]


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("family", ["mlp", "cnn"])
def test_loop_and_stack_train_the_same_network(family: str, fused: bool) -> None:
    plugin, shape = load("families", family), throughput.INPUT_SHAPES[family]
    inputs, labels = throughput._examples(family)
    network = throughput._stack(family, 3, 8)
    before = network.parameters.clone()
    streams = [BatchStream(np.arange(len(labels)), throughput.BATCH, member) for member in range(8)]
    train_stacked(network, inputs, labels, streams, 5, "eager")
    plain = plugin.network(shape, throughput.N_CLASSES, Shape(3, throughput.DEPTH))
    plain.load_state_dict(throughput._initial(family, 3, 4))
    rows = torch.from_numpy(BatchStream(np.arange(len(labels)), throughput.BATCH, 4).take(5))
    train_plainly(plain, inputs, labels, rows, fused)
    expected = dict(plain.state_dict())

    assert not torch.equal(network.parameters, before)
    for name, tensor in network.state(4, expected).items():
        assert torch.allclose(tensor, expected[name], atol=1e-4), name
