"""The score of one method beside the others: its numbers, and what is said about curves that were not scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.scoring import baselines, curves
from harness.scoring.curves import Score, rows, summarise
from harness.scoring.row import Row


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What M4 finds in the end is tested where it is fitted."""
    monkeypatch.setattr(baselines, "ITERATIONS", 3)


HEAD = "curve,domain,n,loss,split\n"


def curve_lines(name: str, domain: str, *, noise: float = 0.01, count: int = 12, floor: float = 0.1) -> str:
    """Lines of a power law, the last four points held out."""
    rng = np.random.default_rng(len(name))
    n = np.geomspace(100, 20_000, count + 4)
    loss = (floor + 3 * n**-0.4) * np.exp(noise * rng.standard_normal(count + 4))
    return "".join(
        f"{name},{domain},{each:.0f},{value:.6f},{'fit' if at < count else 'test'}\n"
        for at, (each, value) in enumerate(zip(n, loss, strict=True))
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Curves of two domains, beside a file that holds none."""
    text = HEAD + curve_lines("a", "IC") + curve_lines("bb", "IC") + curve_lines("ccc", "LM")
    (tmp_path / "some.csv").write_text(text)
    (tmp_path / "other.csv").write_text("params,tokens\n1,2\n")
    return tmp_path


def test_every_method_has_a_row_a_domain_and_one_for_all(data: Path) -> None:
    said: list[str] = []
    found = list(rows(data, said.append))

    assert [(row.domain, row.method, row.n_curves) for row in found] == [
        (domain, method, count)
        for domain, count in (("IC", 2), ("LM", 1), ("all", 3))
        for method in ("ours", "m4", "bnsl")
    ]
    for row in found:
        assert (row.dataset, row.horizon) == ("some", 2.0)
        assert (row.cover80 is None) == (row.method != "ours")
        assert row.seconds_per_curve is not None
    assert all(row.gm_ratio_m4 == 1 for row in found if row.method == "m4")
    assert all(row.mean_rmse < 0.1 for row in found if row.method == "ours")
    assert "some: 3 curves, 2 x" in said


def test_ratios_are_geometric_means_and_wins_are_counted() -> None:
    scores = {
        "ours": [Score(0.1, 1.0, 0.5, 1.0, np.array([0.2, 0.4]), np.array([0.1, 0.1])), Score(0.4, 3.0, 1.0, 1.0)],
        "m4": [Score(0.2, 1.0), Score(0.2, 1.0)],
        "bnsl": [Score(0.1, 1.0), Score(0.1, 1.0)],
    }
    row = summarise("some", "IC", "ours", 2.0, scores)

    assert row.mean_rmse == pytest.approx(0.25)
    assert row.gm_ratio_m4 == pytest.approx(1.0)  # half of M4's and twice
    assert row.gm_ratio_bnsl == pytest.approx(2.0)
    assert row.gm_ratio_m4_low == pytest.approx(0.5)
    assert row.gm_ratio_m4_high == pytest.approx(2.0)
    assert row.win_rate_m4 == 0.5
    assert (row.cover80, row.cover90) == (0.75, 1.0)
    assert row.half_width_ratio == pytest.approx(2.0)
    assert row.seconds_per_curve == 2.0


def test_rows_have_the_columns_of_the_comparison() -> None:
    assert Row._fields == (
        *("dataset", "domain", "method", "horizon", "n_curves", "mean_rmse", "gm_ratio_m4", "gm_ratio_m4_low"),
        *("gm_ratio_m4_high", "gm_ratio_bnsl", "win_rate_m4", "cover80", "cover90", "half_width_ratio"),
        "seconds_per_curve",
    )


def test_noise_is_flagged_and_scored_but_too_few_points_are_refused(tmp_path: Path) -> None:
    wild = curve_lines("wild", "IC", noise=0.0).replace("0.1", "0.6", 1)
    text = HEAD + curve_lines("a", "IC") + wild + curve_lines("few", "IC", count=2)
    rising = "".join(f"up,IC,{n},{0.1 + n / 1e4},{'fit' if n < 900 else 'test'}\n" for n in range(100, 1200, 100))
    (tmp_path / "some.csv").write_text(text + rising)
    said: list[str] = []
    found = list(rows(tmp_path, said.append))

    assert found[0].n_curves == 3
    assert any(line.startswith("some IC few 2 x: refused: a law with 3 parameters needs at least 4") for line in said)
    assert any(line.startswith("some IC up 2 x: flagged: error rises from") for line in said)


def test_what_cannot_be_read_is_said_and_the_rest_is_scored(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "some.csv").write_text(HEAD + "bad,IC,100,?,fit\n" + curve_lines("a", "IC") + curve_lines("bb", "IC"))
    (tmp_path / "some_baselines.csv").write_text("curve,M4,BNSL1\na,?,0.25\n")
    said: list[str] = []

    assert next(rows(tmp_path, said.append)).n_curves == 2
    assert any(line.startswith("refused: a.csv is no text") for line in said)
    assert "IC bad: refused: some.csv, line 2: '?' is not a number" in said
    assert any(line.startswith("published values refused: some_baselines.csv, line 2") for line in said)


def test_how_often_intervals_hold_is_said_with_its_doubt(data: Path) -> None:
    said: list[str] = []
    found = {(row.domain, row.method): row for row in rows(data, said.append)}
    (line,) = (line for line in said if line.startswith("some all 2 x: our 80 % interval holds"))

    assert f"90 % interval holds {found['all', 'ours'].cover90:.2f} (" in line
    assert line.endswith(") of the points held out, 3 curves")


def test_an_error_of_zero_held_out_is_left_out_aloud(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text(HEAD + curve_lines("a", "IC") + curve_lines("b", "IC") + "b,IC,30000,0,test\n")
    said: list[str] = []

    assert next(rows(tmp_path, said.append)).n_curves == 1
    assert "some IC b 2 x: an error of 0 is held out and has no logarithm; left out" in said


def test_a_baseline_that_strays_is_scored_by_the_published_value(data: Path) -> None:
    (data / "some_baselines.csv").write_text("curve,M4,BNSL1\na,0.5,0.25\n")
    said: list[str] = []
    found = {(row.domain, row.method): row for row in curves.score_file(data / "some.csv", said.append)}

    assert found["IC", "m4"].mean_rmse > 0.25
    assert any("m4: 0 of 1 curves within 5% of the published value; the other 1 are scored by" in line for line in said)
