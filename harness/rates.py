"""How a learning rate would carry over from one width to another: the maximal update parametrisation and its kin.

Studies do not use them: at widths of 16 to 256 the best rate moves less without them, and wide networks, tuned, err
less (`python -m harness compare rates`, docs/decisions/no-width-rule.md). Every width is tuned by itself around what
the pooled surface expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final

from torch import nn

BASE_WIDTH: Final = 32  # a trial's rate would be that of this width


@final
@dataclass(frozen=True)
class Rule:
    """Powers of 32 / width that multiply what training begins with, beside He's and LeCun's initial weights.

    Attributes:
        rate: Of Adam's rate, for weights that read ``width`` units. Those that read the inputs, biases and embeddings
            keep the rate.
        last: Of the initial weights of the last layer, which LeCun's make fall as ``width ** -0.5`` already.
    """

    rate: float = 0.0
    last: float = 0.0


RULES: Final = MappingProxyType(
    {
        "none": Rule(),
        # source: arXiv:2203.03466, table 3 (Adam): the last layer's initial weights as 1 / width
        "mup": Rule(rate=1.0, last=0.5),
        # source: arXiv:2407.05872, standard parametrisation, full alignment; that is muP's rates alone
        "aligned": Rule(rate=1.0),
        # source: arXiv:2407.05872, standard parametrisation, no alignment
        "unaligned": Rule(rate=0.5),
    }
)


@final
@dataclass(frozen=True)
class Factors:
    """What a rule multiplies, by parameter; 1 for those it does not name.

    Attributes:
        rates: Adam's rate.
        weights: The initial values.
    """

    rates: dict[str, float]
    weights: dict[str, float]


def factors(rule: Rule, network: nn.Module, last: nn.Module, width: int) -> Factors:
    """Return what a rule makes of a network.

    Weights that read hidden units are those of every dense, convolutional or recurrent layer but the first, and of the
    first, too, where symbols are embedded before it. muP's other changes, such as those of attention, are not made.

    Args:
        rule: One of :data:`RULES`.
        network: Of any family; its layers in the order in which they are applied.
        last: The layer of it that makes the logits.
        width: Its width, at least 1; of a linear network nothing is scaled.

    Source:
        Yang et al. 2022, arXiv:2203.03466, table 3; Everett et al. 2024, arXiv:2407.05872 (standard parametrisation).
    """
    layers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv1d | nn.RNNBase)
    ]
    reads_inputs = not any(isinstance(module, nn.Embedding) for module in network.modules())
    found = Factors({}, {})
    for name, module in layers[1:] if reads_inputs else layers:
        for part, parameter in module.named_parameters(recurse=False):
            if parameter.dim() > 1 and width:
                found.rates[f"{name}.{part}"] = (BASE_WIDTH / width) ** rule.rate
                if module is last:
                    found.weights[f"{name}.{part}"] = (BASE_WIDTH / width) ** rule.last
    return found
