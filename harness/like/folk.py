"""Rules that people use today to choose the hidden units of a network with one hidden layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from harness.like.descriptors import Descriptors

Rule = Callable[[Descriptors], float]

# source: mean and n / (a (inputs + outputs)): stats.stackexchange.com/questions/181, answers; 2/3: Heaton 2008,
# "Introduction to Neural Networks for Java"; square root: Masters 1993, "Practical Neural Network Recipes in C++";
# 100: default of sklearn.neural_network.MLPClassifier
RULES: Final[Mapping[str, Rule]] = {
    "mean of inputs and outputs": lambda d: (d.n_inputs + d.n_outputs) / 2,
    "2/3 inputs + outputs": lambda d: 2 / 3 * d.n_inputs + d.n_outputs,
    "sqrt(inputs x outputs)": lambda d: math.sqrt(d.n_inputs * d.n_outputs),
    "n / (5 (inputs + outputs))": lambda d: d.n_train / (5 * (d.n_inputs + d.n_outputs)),
    "n / (10 (inputs + outputs))": lambda d: d.n_train / (10 * (d.n_inputs + d.n_outputs)),
    "100, scikit-learn's default": lambda d: 100.0,
}


def units(rule: Rule, data: Descriptors) -> int:
    """Return the hidden units that a rule asks for: a whole number, at least 1."""
    return max(1, round(rule(data)))


def params(width: int, data: Descriptors) -> int:
    """Return the params of a network with one hidden layer: weights and biases."""
    return width * (data.n_inputs + 1) + data.n_outputs * (width + 1)
