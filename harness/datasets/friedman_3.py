"""Friedman's third function: the phase of a circuit, with noise."""

from __future__ import annotations

from typing import final

from harness.known_regression import Friedman, KnownRegression


@final
class Friedman3(KnownRegression):
    """4 features: resistance, frequency, inductance, capacitance; noise of sd 0.1, as in Breiman 1996."""

    name = "friedman-3"
    input_shape = (4,)
    problem = Friedman(3, 0.1)


PLUGIN = Friedman3()
