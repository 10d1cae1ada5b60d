"""Structured pruning: cut a trained network down to a shape of its own family, in one shot.

Train large, prune to the shape, then a long fine-tune at full rate with annealing: that beat many short rounds.
Which channels go is Torch-Pruning's decision (L2 norm of a channel's weights over all layers it touches).
"""

from __future__ import annotations

import warnings

from torch import nn

from harness.families.base import Family, Outputs
from harness.inference import blank
from harness.trial import Shape
from registry.errors import UsageError


def prune(
    family: Family, network: nn.Module, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape
) -> nn.Module:
    """Return a network of ``shape`` that keeps the strongest channels of ``network``.

    Args:
        family: Family of both networks.
        network: A trained network of the same depth, at least as wide. It is cut in place: hand in a copy to keep it.
        input_shape: Shape of one example.
        n_outputs: Number of logits.
        shape: What to prune to.

    Returns:
        A fresh plain network of ``shape`` holding the kept weights.

    Raises:
        UsageError: If ``shape`` is not reached, for example because it is wider than ``network``; or the family's
            networks cannot be pruned.

    Source:
        Fang et al. 2023, DepGraph, arXiv:2301.12900 (Torch-Pruning).
    """
    if not family.prunable:
        raise UsageError(f"{family.name} networks cannot be pruned", "train the size you want from scratch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch_pruning's import warns of optional back ends we do not use
        import torch_pruning

    small = family.network(input_shape, n_outputs, shape)
    wanted = {name: tuple(tensor.shape) for name, tensor in small.state_dict().items()}
    head = family.head(network)
    widest = _width(network, head)
    network.eval()
    pruner = torch_pruning.pruner.BasePruner(
        network,
        blank(network, input_shape, n=2),
        importance=torch_pruning.importance.MagnitudeImportance(p=2),
        # the library rounds the count of kept channels down: keep float error from costing one
        pruning_ratio=(widest - shape.width - 1e-6) / widest,
        ignored_layers=[head],
        root_module_types=[nn.Linear, nn.modules.conv._ConvNd, nn.Embedding],
    )
    pruner.step()
    reached = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if reached != wanted:
        raise UsageError(
            f"pruning {family.name} from width {widest} does not reach {shape}", "prune from a wider network"
        )
    small.load_state_dict(network.state_dict())
    return small


def _width(network: nn.Module, head: nn.Module) -> int:
    """Return the outputs of the first layer: its width."""
    first = next(m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d))
    if first is head:
        raise UsageError("a linear network has no hidden units to prune", "prune a network of depth 1 or more")
    return int(first.weight.shape[0])
