"""What the rules on published results are worth: of the mistakes they name, made in shipped rows, most are caught."""

from __future__ import annotations

import pytest

from tests.literature_mutations import MISTAKES, caught

LEAST = {"1 - value": 0.75, "flops halved": 0.7, "flops x 10": 0.7, "params in millions": 0.9}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_most_rows_that_are_spoilt_are_refused(mistake: str) -> None:
    n_caught, n = caught(MISTAKES[mistake], every=19)

    assert n > 20
    assert n_caught / n >= LEAST[mistake]
