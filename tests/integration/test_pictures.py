"""From the files of a published set of pictures to a record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import plugins, study_law
from tests import tiny_bench


@pytest.mark.usefixtures("small_pictures")
def test_bench_makes_a_record_of_a_fetched_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_bench.shorten(monkeypatch.setattr)
    monkeypatch.setattr(study_law, "MOST_STEPS", study_law.FIRST_STEPS)
    words = ["bench", "--task", "image-cls", "--dataset", "mnist", "--family", "mlp", "--target-acc", "0.15"]
    code = tiny_bench.cli.run([*words, "--executor", "inline", "--search", "bisect", "--out", str(tmp_path)])
    folder = tmp_path / "image-cls" / "mnist" / "mlp" / "v1"
    record = json.loads((folder / "guideline.json").read_bytes())
    data = plugins.load("datasets", "mnist")

    assert code == 0
    assert record["question"]["dataset"]["sha256"] == data.sha256()
    assert record["frontier"][0]["shape"]["resolution"] in data.resolutions
    assert record["baselines"][0]["name"] == "majority"
