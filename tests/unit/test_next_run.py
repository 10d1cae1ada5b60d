import numpy as np
import pytest

from harness.laws.next_run import Candidate, rank_runs
from registry.errors import Inconclusive, UsageError


def law(**interval: float) -> dict:
    """Draws that agree about the data term and differ in the exponent of the size term."""
    parameters = {
        "data_coefficient": 1.0,
        "data_exponent": 0.5,
        "size_coefficient": 1.0,
        "size_exponent": 0.5,
        "floor": 0.0,
    }
    draws = [[0, 1.0, 0.5, 1.0, exponent, 0.0] for exponent in np.linspace(0.4, 0.6, 21)]
    return {
        "variables": ["n_train", "params"],
        "forms": [{"form": "additive", "weight": 1.0, "parameters": parameters}],
        "draws": draws,
        "interval": {"factor80": 1.3, "factor90": 1.7, "noise": 0.001, "drift": 0.0, "run_sd": 0.02, **interval},
        "valid_range": {"n_train": [100, 10_000], "params": [100, 10_000]},
    }


ASK = {"n_train": 1e6, "params": 1e4}


def test_the_run_that_shows_what_is_uncertain_comes_first():
    tells, silent = (
        Candidate({"n_train": 1e5, "params": 5000}, 1, 1.0),
        Candidate({"n_train": 100, "params": 1e6}, 1, 1.0),
    )
    best, other = rank_runs(law(), [silent, tells], ASK)

    assert best.candidate == tells
    assert best.shrinks > 5 * other.shrinks > 0


def test_of_two_equal_runs_the_cheaper_comes_first():
    at = {"n_train": 1e5, "params": 5000}
    ranked = rank_runs(law(), [Candidate(at, 1, 10.0), Candidate(at, 1, 1.0)], ASK)

    assert [gain.candidate.cost for gain in ranked] == [1.0, 10.0]
    assert ranked[0].half_width == ranked[1].half_width


def test_more_seeds_tell_more_and_never_all():
    at = {"n_train": 1e5, "params": 5000}
    one, many = (rank_runs(law(), [Candidate(at, seeds, 1.0)], ASK)[0] for seeds in (1, 100))

    assert 0 < many.half_width < one.half_width


def test_beyond_the_range_a_run_nearer_the_question_takes_drift_off():
    near, far = Candidate({"n_train": 1e6, "params": 1e4}, 1, 1.0), Candidate({"n_train": 1e4, "params": 1e4}, 1, 1.0)
    ranked = rank_runs(law(drift=0.1), [far, near], ASK)

    assert ranked[0].candidate == near


def test_a_law_without_draws_and_a_list_without_candidates_are_refused():
    with pytest.raises(Inconclusive, match="the law has no draws"):
        rank_runs({**law(), "draws": []}, [Candidate(ASK, 1, 1.0)], ASK)
    with pytest.raises(UsageError, match="expected one or more candidates"):
        rank_runs(law(), [], ASK)
