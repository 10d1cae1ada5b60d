"""How a learning rate would carry over from one width to another: the maximal update parametrisation.

Studies do not use it: on what ships here the best rate moves less with width without it (`python -m harness compare
rates`, docs/log.md), so every width is tuned by itself around what the pooled surface expects.
"""

from __future__ import annotations

from typing import Final

from torch import nn

BASE_WIDTH: Final = 32  # a trial's rate would be that of this width


def maximal_update(network: nn.Module, width: int) -> dict[str, float]:
    """Return what Adam's rate is multiplied by, by parameter: 32 / width where a layer reads ``width`` units.

    That is every weight of a dense, convolutional or recurrent layer but those that read the inputs: the first of
    these. Biases and embeddings keep the rate.

    Args:
        network: Of any family; its layers in the order in which they are applied.
        width: Its width, at least 1; of a linear network nothing is scaled.

    Source:
        Yang et al. 2022, arXiv:2203.03466, table 3 (Adam; the rate alone, not the initial weights).
    """
    layers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv1d | nn.RNNBase)
    ]
    reads_inputs = not any(isinstance(module, nn.Embedding) for module in network.modules())
    hidden = layers[1:] if reads_inputs else layers
    return {
        f"{name}.{part}": BASE_WIDTH / width
        for name, module in hidden
        for part, parameter in module.named_parameters(recurse=False)
        if parameter.dim() > 1 and width
    }
