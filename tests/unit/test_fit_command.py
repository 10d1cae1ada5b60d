"""`guides fit` and `guides plot`: from a person's points to what data a target takes."""

import json
import math
import re
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from harness import curves, drawing
from harness.commands.fit import _best
from harness.curve_file import CurveFile, read_curves
from harness.curves import Fitted, exponent_lines
from harness.laws.exponents import Comparison, Estimate
from harness.laws.surface_cells import GridCell
from registry.cli import run

SIZES = (100, 200, 400, 800, 1600, 3200, 6400)
FITTED: dict[str, Fitted] = {}


@pytest.fixture(autouse=True)
def fits_each_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many questions here are about the same few files: a law is fitted when it is first asked, and drawn coarsely."""
    fit = curves.fit
    monkeypatch.setattr(drawing, "SAMPLES", 6)

    def once(file: CurveFile, name: str, *, chance: float | None = None) -> Fitted:
        asked = repr((file, name, chance))
        if asked not in FITTED:
            FITTED[asked] = fit(file, name, chance=chance)
        return deepcopy(FITTED[asked])

    monkeypatch.setattr(curves, "fit", once)


def error(n: float, exponent: float = 0.5) -> float:
    return 0.01 + 2 * n**-exponent


def written(folder: Path, lines: list[str]) -> str:
    path = folder / "curve.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def curve(tmp_path: Path) -> str:
    noise = np.random.default_rng(0).normal(0, 0.02, (len(SIZES), 3))
    rows = [f"{n},{1 - error(n) * math.exp(noise[i, s]):.6f},{s}" for i, n in enumerate(SIZES) for s in range(3)]
    return written(tmp_path, ["n_train,accuracy,seed", *rows])


@pytest.fixture
def grid(tmp_path: Path) -> str:
    rows = [f"{n},{p},{surface(n, p):.6f}" for n in SIZES[::2] for p in (50, 400, 3200, 25_600)]
    return written(tmp_path, ["n,params,error", *rows])


def surface(n: float, params: float) -> float:
    return error(n) + 0.5 * params**-0.5


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["fit", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_target_inside_the_range_is_answered_with_an_interval(curve: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, curve, "--target-acc", "0.95", "--at", "1000", "--json")
    [found] = json.loads(out)["curves"]
    [target], [prediction] = found["targets"], found["predictions"]

    assert code == 0
    assert target["low"] < 2500 < target["high"]  # 0.05 = 0.01 + 2 * n ** -0.5
    assert prediction["mean"]["90"][0] < error(1000) < prediction["mean"]["90"][1]
    assert prediction["mean"]["90"][0] < prediction["mean"]["80"][0]
    assert prediction["run"]["90"][0] < prediction["mean"]["90"][0]


def test_outside_the_range_is_refused_unless_asked_for(curve: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, curve, "--target-acc", "0.97")
    code_extrapolated, out_extrapolated, _ = called(capsys, curve, "--target-acc", "0.97", "--extrapolate")

    assert (code, code_extrapolated) == (3, 0)
    assert "7 points, 100 to 6,400 training examples" in out
    assert "outside the range 100 to 6,400" in err
    assert re.match(r"accuracy 0\.97 needs about 1[01],\d00 training examples, 1\.\d+ x the largest n measured,", err)
    assert re.search(r"accuracy 0\.97 takes about .*, 1\.\d+ x the largest n measured\n", out_extrapolated)


def test_plot_is_drawn(curve: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, *_ = called(capsys, curve, "--target-acc", "0.95", "--plot", str(tmp_path / "law.svg"))

    assert code == 0
    assert ">accuracy 0.95<" in (tmp_path / "law.svg").read_text()


def test_points_with_params_get_a_surface(grid: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, grid, "--target", "error=0.15", "--params", "3200")

    assert code == 0
    assert "exponent in n_train 0.5; in params 0.5" in out
    assert "for networks of params 3,200:" in out
    assert "error at n 6,400 however large the network: " in out
    assert "error 0.15 takes about 233" in out  # 232.5, rounded up: 0.01 + 2 / n ** 0.5 + 0.5 / 3200 ** 0.5


def test_without_a_size_the_largest_measured_is_answered_for(
    grid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = called(capsys, grid, "--at", "400", "--plot", str(tmp_path / "law.svg"))
    code, _, err = called(capsys, grid, "--at", "400", "--width", "8")

    assert "for networks of params 25,600:" in out
    assert f"error {surface(400, 25_600):.4g} predicted" in out
    assert (code, "knows nothing of width" in err) == (2, True)


def test_a_target_that_a_small_network_never_reaches_takes_a_larger_one(
    grid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = called(capsys, grid, "--target", "error=0.03", "--params", "50", "--extrapolate")

    assert code == 3
    assert re.search(r"takes a larger network: at this size the law levels off at error 0\.0807", err)
    assert re.search(r"at the largest measured at 0\.0131", err)


def test_curves_are_compared_by_exponent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, (2, len(SIZES)))
    rows = [
        f"{n},{(1 + 2 * i) * error(n, 0.45) * math.exp(noise[i, j]):.6f},{'ab'[i]}"
        for i in range(2)
        for j, n in enumerate(SIZES)
    ]
    code, out, _ = called(capsys, written(tmp_path, ["n,loss,curve", *rows]))

    assert code == 0
    assert "a: 7 points" in out
    assert "exponents of the curves are not told apart: 0.4" in out


def test_exponents_that_differ_are_told_apart_with_the_interval_of_their_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, (2, len(SIZES)))
    rows = [
        f"{n},{error(n, 0.4 + 0.4 * i) * math.exp(noise[i, j]):.6f},{'ab'[i]}"
        for i in range(2)
        for j, n in enumerate(SIZES)
    ]
    path = written(tmp_path, ["n,loss,curve", *rows])
    compared = json.loads(called(capsys, path, "--json")[1])["shared_exponent"]
    difference = compared["curves"]["b"]["difference"]

    assert compared["told_apart"]
    assert 0 < difference["low"] < 0.4 < difference["high"]


def test_a_comparison_says_how_far_each_exponent_lies_from_the_others() -> None:
    own = {"a": Estimate(0.4, 0.38, 0.42), "b": Estimate(0.5, 0.4, 0.6)}
    less = {"a": Estimate(-0.1, -0.2, 0.01), "b": Estimate(0.1, -0.01, 0.2)}

    assert exponent_lines(Comparison(Estimate(0.41, 0.4, 0.42), own, less, 2.0, told_apart=False)) == [
        "exponents of the curves are not told apart: 0.410 (90 %: 0.400 to 0.420) if they share one",
        "  a: 0.400 on its own, -0.100 against the others (90 %: -0.200 to +0.010)",
        "  b: 0.500 on its own, +0.100 against the others (90 %: -0.010 to +0.200)",
    ]


@pytest.mark.parametrize("sizes", [(None,), (50, 200, 800, 3200)])
def test_a_chance_that_most_points_lie_above_is_refused(
    sizes: tuple[int | None, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [(n, p, error(n) + (0.5 / p**0.5 if p else 0.0)) for n in SIZES[::2] for p in sizes]
    shown = [f"{n},{p},{value:.6f}" if p else f"{n},{value:.6f}" for n, p, value in lines]
    path = written(tmp_path, ["n,params,error" if sizes[0] else "n,error", *shown])
    code, out, err = called(capsys, path, "--chance", "0.02", "--at", "400")

    assert (code, out) == (1, "")
    assert f"{len(lines)} of {len(lines)} points lie above --chance 0.02; the largest error is" in err


def test_a_chance_that_one_point_lies_above_is_noted(curve: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, curve, "--chance", "0.15")  # .21 was measured at n 100, .151 at n 200

    assert re.search(r"note: error 0\.2\d* lies above chance, 0\.15", out)


@pytest.mark.parametrize("sizes", [(None,), (50, 200, 800)])
def test_runs_of_different_totals_count_by_their_own(
    sizes: tuple[int | None, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, kept = [], []
    for n in SIZES[::2]:
        for p in sizes:
            for seed, total in enumerate((700, 500) if n == 400 else (500, 500)):
                wrong = round(total * (error(n) + (0.5 / p**0.5 if p else 0.0)))
                rows.append(f"{n},{p or ''},{seed},{wrong},{total}")
    for name in ("fit_curve", "fit_surface"):
        monkeypatch.setattr(curves, name, lambda points, **_: kept.extend(points) or {"chance": 1.0, "members": None})
    file = read_curves(Path(written(tmp_path, ["n,params,seed,wrong,total", *rows])))
    fitted = curves.fit(file, "")

    assert [point.n_items for point in kept] == [
        (700, 500) if n == 400 else (500, 500) for n in SIZES[::2] for _ in sizes
    ]
    assert fitted.flags == ()


@pytest.mark.parametrize(("shape", "column"), [("", ""), (",100", ",params")])
def test_an_error_of_0_that_was_not_counted_is_refused_with_the_columns_to_use(
    shape: str, column: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{n},{error(n):.6f}{shape}" for n in SIZES[:-1]]
    code, _, err = called(capsys, written(tmp_path, [f"n,error{column}", *rows, f"6400,0{shape}"]))

    assert code == 1
    assert "error is 0 at n 6,400: no power law gets there" in err
    assert "use columns wrong and total" in err
    assert "n_val" not in err


def test_no_wrong_answer_of_totals_that_differ_is_a_count_of_all_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{n},{seed},{round(500 * 40 / n)},500" for n in SIZES[:-1] for seed in range(2)]
    path = written(tmp_path, ["n,seed,wrong,total", *rows, "6400,0,0,300", "6400,1,0,500"])
    code, out, _ = called(capsys, path, "--json")
    [found] = json.loads(out)["curves"]

    assert code == 0
    assert found["flags"] == []
    assert found["law"]["points"][-1]["error"] == 0.5 / 401  # of one run


def test_two_sizes_in_one_option_are_refused(curve: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = called(capsys, curve, "--at", "6400,12800")

    assert code == 2
    assert "give several sizes one option each" in err


def test_an_accuracy_is_asked_of_errors_and_answered_in_accuracies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, ["n,error", *(f"{n},{error(n):.6f}" for n in SIZES)])
    _, out, err = called(capsys, path, "--at", "800", "--target-acc", "0.9,0.995")
    _, of_errors, _ = called(capsys, path, "--at", "800", "--target", "error=0.1")

    assert re.search(r"at 800 training examples: accuracy 0\.919\d* predicted, 90 % sure 0\.919\d* to 0\.919\d*;", out)
    assert "accuracy 0.9 takes about 49" in out
    assert re.search(r"the law levels off at accuracy 0\.9[89]|the floor's 90 % interval is accuracy 0\.9", err)
    assert "error" not in err
    assert re.search(r"at 800 training examples: error 0\.080\d* predicted", of_errors)


def test_the_best_size_is_that_of_least_error_where_larger_networks_do_worse() -> None:
    cells = tuple(
        GridCell(n, (0.02 + n**-0.5 + 0.02 * math.log(params / (2 * n**0.7)) ** 2,), params)
        for n in SIZES
        for params in (30, 60, 120, 240, 480, 960, 1920)
    )
    best = Fitted("", {"variables": ["n_train", "params"]}, (), cells).best_params()

    assert best is not None
    found, how = best
    assert found.exponent.value == pytest.approx(0.7, abs=0.1)
    assert found.exponent.low < 0.7 < found.exponent.high
    line = r"best size at 6,400: [89]\d\d params \(least error\); params grow as n_train\^0\."
    assert re.match(line, _best(found, how))


@pytest.mark.parametrize(("best", "side"), [(1e6, "larger"), (1.0, "smaller")])
def test_a_best_size_that_was_not_measured_is_said_to_be_unseen(best: float, side: str) -> None:
    cells = tuple(
        GridCell(n, (0.02 + n**-0.5 + 0.02 * math.log(params / best) ** 2,), params)
        for n in SIZES
        for params in (30, 60, 120)
    )
    law = {"variables": ["n_train", "params"], "valid_range": {"n_train": [100, 6400], "params": [30, 120]}}
    flat = {"data_coefficient": 1.0, "data_exponent": 0.5, "size_coefficient": 9.0, "size_exponent": 0.1, "floor": 0.0}
    forms = [{"form": "additive", "weight": 1.0, "parameters": flat}]
    fitted = Fitted("", law | {"forms": forms, "draws": []}, (), cells)

    assert fitted.best_params() is None
    assert fitted.best_params_unseen() == f"best size: unseen, {side} networks would have to be measured"


def test_the_best_size_of_a_law_that_falls_with_params_is_its_knee(
    grid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = called(capsys, grid, "--json")
    best = json.loads(out)["curves"][0]["best_size"]

    assert code == 0
    assert best["by"] == "within a tenth of any size"
    # 0.5 * params ** -0.5 = a tenth of 0.01 + 2 * n ** -0.5: params 567 at n 100, 20,408 at 6,400
    assert best["exponent"]["value"] == pytest.approx(math.log(20_408 / 567) / math.log(64), abs=0.05)
    assert len(best["sizes"]) >= 3


def test_a_curve_without_params_has_no_best_size(curve: str, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = json.loads(called(capsys, curve, "--json")[1])["curves"]

    assert found["best_size"] is None


def test_what_one_curve_lacks_does_not_keep_the_others_from_being_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*(f"{n},{error(n):.6f},good" for n in SIZES), "10,0.5,short", "20,0.4,short"]
    code, out, err = called(capsys, written(tmp_path, ["n,error,curve", *rows]))

    assert code == 1
    assert "good: 7 points" in out
    assert err.startswith("curve short: ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--target", "loss=2"], 2, "the file holds accuracy, not loss"),
        (["--target-acc", "1"], 2, "accuracy 1 cannot be reached"),
        (["--target", "error=0"], 2, "error 0 cannot be reached"),
        (["--plot", "law.jpeg"], 2, "cannot draw to law.jpeg"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    curve: str, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    found, _, err = called(capsys, curve, *arguments)

    assert found == code
    assert message in err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["10,0.5", "10,0.4", "20,0.3", "40,0.2", "80,0.1"], "n 10 comes 2 times"),
        (["10,0.5", "20,0.4"], "needs at least"),
        ([f"{n},{0.1 + 0.1 * i}" for i, n in enumerate(SIZES)], "error rises from 0.1 at n 100"),
        ([f"{n},{0.3 + 0.01 * (-1) ** i}" for i, n in enumerate(SIZES)], "error does not fall by more than its noise"),
    ],
)
def test_points_that_carry_no_law_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], message: str
) -> None:
    code, _, err = called(capsys, written(tmp_path, ["n,error", *rows]))

    assert code == 1
    assert message in err


def test_columns_that_are_not_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{n},{error(n):.6f},x" for n in SIZES]
    _, _, err = called(capsys, written(tmp_path, ["n,error,comment", *rows]))
    _, _, silent = called(capsys, written(tmp_path, ["n,error,comment", *rows]), "--quiet")

    assert err == "warning: not read: comment\n"
    assert silent == ""


@pytest.mark.parametrize(
    ("record", "kind"),
    [("image-cls/digits/mlp", "certified"), ("image-cls/imagenet-1k/mobilenetv3", "published")],
)
def test_guideline_is_drawn(tmp_path: Path, record: str, kind: str) -> None:
    from harness.commands.plot import COMMAND

    result: Result = CliRunner().invoke(
        COMMAND, [record, "--registry", "guidelines", "-o", str(tmp_path / "record.svg")]
    )
    drawn = (tmp_path / "record.svg").read_text()

    assert result.exit_code == 0, result.output
    assert f"{kind} networks" in result.output
    assert ">params<" in drawn
    assert f">{kind}, scratch<" in drawn
