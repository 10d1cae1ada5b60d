"""Friedman's first function: a wave, a parabola and two lines of 5 inputs, and 5 inputs without effect, with noise."""

from __future__ import annotations

from typing import final

from harness.known_regression import Friedman, KnownRegression


@final
class Friedman1(KnownRegression):
    """10 features, 5 of them without effect; noise of standard deviation 1, as in Breiman 1996."""

    name = "friedman-1"
    input_shape = (10,)
    problem = Friedman(1, 1.0)


PLUGIN = Friedman1()
