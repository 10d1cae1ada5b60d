"""Friedman's second function: the impedance of a circuit, with noise."""

from __future__ import annotations

from typing import final

from harness.known_regression import Friedman, KnownRegression


@final
class Friedman2(KnownRegression):
    """4 features: resistance, frequency, inductance, capacitance; noise of sd 125, as in Breiman 1996."""

    name = "friedman-2"
    input_shape = (4,)
    problem = Friedman(2, 125.0)


PLUGIN = Friedman2()
