"""Published curves as they are read: what is fitted, what is held out, which are left out."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.scoring.read import holds_curves, read_baselines, read_curves, stem
from registry.errors import InvalidData

CURVES = "curve,domain,n,loss,split\n"
LCDB = "openml_id,learner,n_train,err_val,err_test,err_test_stderr\n"


def written(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def lcdb_lines(name: str, errors: list[float], learner: str = "MLP", first: int = 125) -> str:
    return "".join(f"{name},{learner},{first * 2**at},0.5,{error},0.01\n" for at, error in enumerate(errors))


def test_a_file_says_itself_what_is_held_out(tmp_path: Path) -> None:
    lines = ["a,IC,200,0.4,fit", "a,IC,100,0.5,fit", "a,IC,400,0.3,test", "a,IC,400,0.31,test", "b,LM,1,2.5,fit"]
    (curve,) = read_curves(written(tmp_path / "some.csv", CURVES + "\n".join(lines)))

    assert (curve.dataset, curve.domain, curve.name, curve.horizon) == ("some", "IC", "a", 2.0)
    assert curve.n.tolist() == [100, 200]
    assert curve.error.tolist() == [0.5, 0.4]
    assert curve.later_n.tolist() == [400, 400]
    assert (curve.stderr, curve.chance, curve.err_0) == (None, 1.0, 1.0)


def test_fitted_points_at_one_n_are_averaged(tmp_path: Path) -> None:
    lines = ["a,LM,100,2,fit", "a,LM,100,4,fit", "a,LM,200,1,test"]
    (curve,) = read_curves(written(tmp_path / "some.csv", CURVES + "\n".join(lines)))

    assert curve.error.tolist() == [3]
    assert curve.chance is None
    assert curve.err_0 > 3  # M4's chance level has to lie above the loss


def test_lcdb_comes_at_both_horizons_with_its_standard_errors(tmp_path: Path) -> None:
    near, far = read_curves(written(tmp_path / "l.csv.gz", LCDB + lcdb_lines("1", [0.5, 0.4, 0.3, 0.2])))

    assert (near.dataset, near.domain, near.horizon, far.horizon) == ("l", "MLP", 2.0, 4.0)
    assert near.n.tolist() == [125, 250, 500]
    assert far.later_n.tolist() == [500, 1000]
    assert near.stderr is not None
    assert near.stderr.tolist() == [0.01] * 3


@pytest.mark.parametrize(
    ("errors", "first"),
    [([0.5, 0.4, 0.3, 0.2], 124), ([0.5, 0.4, 0.3, 0.004], 125), ([0.5, 0.5, 0.48, 0.46], 125)],
)
def test_short_solved_and_level_curves_of_lcdb_are_left_out(tmp_path: Path, errors: list[float], first: int) -> None:
    assert read_curves(written(tmp_path / "l.csv", LCDB + lcdb_lines("1", errors, first=first))) == []


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("a,b\n1,2\n", "some.csv has columns a, b, expected curve, domain, n, loss, split or openml_id"),
        (CURVES + "a,IC,100,much,fit\n", "some.csv, line 2: 'much' is not a number"),
        (CURVES + "a,IC,100,nan,fit\n", "some.csv, line 2: 'nan' is not a number"),
        (CURVES + "a,IC,100,0.5,train\n", "some.csv, line 2: split 'train' is unknown, expected fit or test"),
    ],
)
def test_files_that_are_no_curves_are_refused(tmp_path: Path, text: str, wording: str) -> None:
    with pytest.raises(InvalidData, match=wording):
        read_curves(written(tmp_path / "some.csv", text))


def test_a_curve_with_a_bad_cell_is_left_out_aloud(tmp_path: Path) -> None:
    good = "".join(f"good,IC,{100 * 2**at},{0.5 - at / 10},{'fit' if at < 3 else 'test'}\n" for at in range(4))
    bad = "bad,IC,100,much,fit\nbad,IC,200,0.4,train\nbad,IC,400,0.3,test\nshort,IC,100\n"
    said: list[str] = []
    (curve,) = read_curves(written(tmp_path / "some.csv", CURVES + bad + good), said.append)

    assert curve.name == "good"
    assert said == [
        "IC bad: refused: some.csv, line 2: 'much' is not a number",
        "IC short: refused: some.csv, line 5: split 'None' is unknown, expected fit or test",
    ]


def test_a_bad_cell_of_lcdb_costs_one_curve(tmp_path: Path) -> None:
    text = LCDB + lcdb_lines("1", [0.5, 0.4, 0.3, 0.2]) + "2,MLP,125,0.5,?,0.01\n"
    said: list[str] = []

    assert {curve.name for curve in read_curves(written(tmp_path / "l.csv", text), said.append)} == {"1"}
    assert said == ["MLP 2: refused: l.csv, line 6: '?' is not a number"]


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", b"\xff\xfe\x00"),
        ("b.csv.gz", b"no gzip"),
        ("c.csv.gz", gzip.compress(b"a,b")[:9]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidData, match=f"{name} is no text that can be read"):
            holds_curves(tmp_path / name)


def test_files_of_curves_are_told_by_their_columns(tmp_path: Path) -> None:
    assert holds_curves(written(tmp_path / "a.csv", CURVES))
    assert holds_curves(written(tmp_path / "b.csv.gz", LCDB))
    assert not holds_curves(written(tmp_path / "c.csv", "params,tokens,loss\n"))


def test_published_baselines_are_read_from_beside(tmp_path: Path) -> None:
    path = written(tmp_path / "some.csv", CURVES)
    written(tmp_path / "some_baselines.csv", "curve,domain,M1,M4,BNSL1\na,IC,0.5,0.2,0.1\n")

    written(tmp_path / "bad_baselines.csv", "curve,M4,BNSL1\na,0.2,?\n")
    written(tmp_path / "lacking_baselines.csv", "curve,M4\na,0.2\n")

    with pytest.raises(InvalidData, match="line 2: '\\?' is not a number"):
        read_baselines(tmp_path / "bad.csv")
    with pytest.raises(InvalidData, match="no column BNSL1"):
        read_baselines(tmp_path / "lacking.csv")
    assert read_baselines(path) == {"a": {"m4": 0.2, "bnsl": 0.1}}
    assert read_baselines(tmp_path / "other.csv") == {}
    assert stem(Path("x/lcdb_mlp.csv.gz")) == "lcdb_mlp"


def test_the_published_files_hold_the_curves_that_their_readme_counts() -> None:
    folder = os.environ.get("GUIDES_SCALING_DATA")
    if folder is None:
        pytest.skip("GUIDES_SCALING_DATA is not set: no published curves to count")
    lcdb = read_curves(Path(folder, "lcdb_mlp.csv.gz"))
    curves = read_curves(Path(folder, "learning_curves.csv"))

    assert Counter((curve.domain, curve.horizon) for curve in lcdb) == {
        ("MLP", 2.0): 81,
        ("MLP", 4.0): 81,
        ("RealMLP", 2.0): 79,
        ("RealMLP", 4.0): 79,
    }
    assert Counter(curve.domain for curve in curves) == {"IC": 36, "NMT": 3, "LM": 3, "BB": 4}
    assert all(curve.later_n.min() > curve.n.max() for curve in lcdb)
    assert all((np.diff(curve.n) > 0).all() for curve in [*lcdb, *curves])
