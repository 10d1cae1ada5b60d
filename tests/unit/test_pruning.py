import numpy as np
import pytest

from harness.laws.pruning import PruningCell, diverge, fit_pruning, pair
from registry.errors import InvalidData

HIGH, GAMMA, P, PHI, PSI = 0.95, 1.2, 3.0, 0.8, 1.3


def truth(density: float, width: float, depth: float, unpruned: float) -> float:
    m = depth**PHI * width**PSI * density
    root = (HIGH / unpruned) ** (1 / GAMMA)
    return unpruned * abs((m - 1j * P * root) / (m - 1j * P)) ** GAMMA  # the paper's own writing, complex


def cells(*, noise: float = 0.0, widths=(8, 16, 32), seeds: int = 3) -> list[PruningCell]:
    rng = np.random.default_rng(0)
    made = []
    for width in widths:
        for depth in (1, 2):
            for n in (1000, 10_000):
                unpruned = 0.03 + 2 * n**-0.4 + 0.5 * width**-0.8
                for density in (1, 0.5, 0.2, 0.08, 0.03, 0.01):
                    error = truth(density, width, depth, unpruned) if density < 1 else unpruned
                    made.append(
                        PruningCell(density, width, depth, n, tuple(error * np.exp(noise * rng.normal(size=seeds))))
                    )
    return made  # fmt: skip


def test_the_paper_s_constants_are_recovered_from_clean_cells():
    law = fit_pruning(cells(), n_draws=5)

    assert law[:5] == pytest.approx((HIGH, GAMMA, P, PHI, PSI), rel=0.01)
    assert law.draws.shape == (5, 5)


def test_wider_networks_than_any_fitted_are_predicted_to_the_noise_of_seeds():
    law = fit_pruning(cells(noise=0.02), n_draws=5)
    wider = diverge(law, cells(noise=0.02, widths=(64,)))

    assert abs(wider.mean) < 0.02
    assert wider.sd < 2 * wider.seed_sd
    assert wider.seed_sd == pytest.approx(0.02 / np.sqrt(3), rel=0.3)


def test_a_network_never_measured_unpruned_is_left_out():
    orphan = PruningCell(0.5, 128, 1, 1000, (0.2,))
    pruned, unpruned = pair([*cells(), orphan])

    assert orphan not in pruned
    assert len(pruned) == len(unpruned) == 60


def test_too_few_or_impossible_cells_are_refused():
    with pytest.raises(InvalidData, match="at least 8 pruned cells, got 0"):
        fit_pruning([cell for cell in cells() if cell.density < 1])
    with pytest.raises(InvalidData, match="density 0, width 8"):
        fit_pruning([PruningCell(0.0, 8, 1, 100, (0.1,))])
    with pytest.raises(InvalidData, match="expected numbers above 0"):
        fit_pruning([PruningCell(0.5, 8, 1, 100, (0.0,))])
