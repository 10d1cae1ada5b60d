import csv
import os
from pathlib import Path

import numpy as np
import pytest

from harness.laws.chinchilla import fit_parametric
from harness.scoring import joint
from harness.scoring.joint import cheap, divergence, read_chinchilla, read_cifar, read_gadre, rows
from harness.scoring.row import Row
from registry.errors import InvalidData


@pytest.fixture
def published() -> Path:
    folder = os.environ.get("GUIDES_SCALING_DATA")
    if not folder:
        pytest.skip("GUIDES_SCALING_DATA names no folder with the published scaling data")
    return Path(folder)


def write_gadre(folder: Path) -> None:
    with (folder / "gadre_c4.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["params", "tokens", "c4_val"])
        for params in (1e7, 4e7, 2e8, 1e9):
            for tokens in (1e9, 4e9, 2e10, 1e11):
                writer.writerow([params, tokens, 1.7 + 400 * params**-0.34 + 1000 * tokens**-0.3])


def test_the_published_chinchilla_parameters_are_found(published):
    grid = read_chinchilla(published / "chinchilla.csv")
    fit = fit_parametric(grid.n_train, grid.params, grid.error, n_draws=20)

    assert len(grid.error) == 240
    assert fit.objective <= 1.01830e-3
    assert fit.floor == pytest.approx(1.8172, abs=0.003)
    assert fit.size_exponent == pytest.approx(0.3473, abs=0.002)
    assert fit.data_exponent == pytest.approx(0.3672, abs=0.002)
    assert fit.errors[2] == pytest.approx(0.026, rel=0.6)


def test_the_published_grids_are_parted_as_their_readme_says(published):
    gadre, cifar = read_gadre(published / "gadre_c4.csv"), read_cifar(published / "cifar10_cnn_width_depth_data.csv")

    assert (len(gadre.error), int(gadre.fitted.sum())) == (34, 26)
    assert (len(cifar.error), int(cifar.fitted.sum())) == (22, 10)
    assert gadre.cost[gadre.fitted].max() <= gadre.cost[~gadre.fitted].min()


def test_every_form_gets_a_row_and_missing_files_are_said(tmp_path):
    write_gadre(tmp_path)
    said: list[str] = []
    found = {row.method: row for row in rows(tmp_path, said.append)}

    assert {"ours", "picked", "additive", "envelope"} <= set(found)
    assert {row.dataset for row in found.values()} == {"gadre_c4"}
    assert found["additive"].mean_rmse < 0.005 < found["product-floorless"].mean_rmse
    assert found["ours"].mean_rmse < 0.01
    assert any("chinchilla: no such file" in line for line in said)
    assert any("picked by back-test" in line for line in said)


def test_a_column_that_is_missing_is_named(tmp_path):
    (tmp_path / "gadre_c4.csv").write_text("params,tokens\n1,2\n")

    with pytest.raises(InvalidData, match="column c4_val is missing"):
        read_gadre(tmp_path / "gadre_c4.csv")


def test_three_quarters_by_cost_are_fitted():
    assert cheap(np.array([4.0, 1.0, 3.0, 2.0])).tolist() == [False, True, True, True]


def test_divergence_is_predicted_less_actual_over_actual():
    mean, absolute, sd = divergence(np.log([1.1, 0.9, 1.0]))

    assert mean == pytest.approx(0, abs=1e-12)
    assert absolute == pytest.approx(0.2 / 3)
    assert sd == pytest.approx(0.1)


def test_a_grid_with_a_bad_cell_is_refused_and_the_others_are_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(joint, "_score", lambda stem, grid, say: iter([Row(stem, "all", "ours", None, 1, 0.1)]))
    write_gadre(tmp_path)
    (tmp_path / "chinchilla.csv").write_text("params,tokens,loss,train_flops,used_in_replication\n1e8,1e9,?,1e17,1\n")
    said: list[str] = []

    assert {row.dataset for row in rows(tmp_path, said.append)} == {"gadre_c4"}
    assert any(line.startswith("chinchilla: refused: column loss") for line in said)
