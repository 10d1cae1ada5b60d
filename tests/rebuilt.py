"""A network's weights from its ONNX file, those included that the exporter has turned round or packed.

Parameters that ops take as they are keep their names. The weights of dense layers over positions are stored transposed,
and those of recurrent layers packed, without a name: they are told by the order in which layers are applied. Where a
recurrent layer is large the file packs them as it runs, and they keep their names, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from harness.inference import blank

Weights = dict[str, torch.Tensor]
# How ONNX orders gates, by the places that torch has them at: z r n of r z n; i o f g of i f g o
GATES = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}


def weights_of(model: onnx.ModelProto, network: nn.Module, input_shape: tuple[int, ...]) -> Weights:
    """Return every float parameter of ``network`` by name, from the file."""
    stored = {
        each.name: torch.from_numpy(numpy_helper.to_array(each).copy())
        for each in model.graph.initializer
        if each.data_type == TensorProto.FLOAT
    }
    names = set(network.state_dict())
    found = {name: weight for name, weight in stored.items() if name in names}
    if names == set(found):
        return found
    nodes = [node for node in model.graph.node if node.op_type in GATES or _is_dense(node, stored)]
    layers = list(_applied(network, input_shape))
    assert len(nodes) == len(layers), f"the file has layers of {len(nodes)} weights, the network {len(layers)}"
    for node, (name, layer) in zip(nodes, layers, strict=True):
        given = [stored.get(each) for each in node.input]
        if isinstance(layer, nn.Linear):
            assert given[1] is not None
            weight = given[1] if node.input[1] == f"{name}.weight" else given[1].T
            found[f"{name}.weight"] = weight.contiguous()
        else:
            found |= {f"{name}.{part}_l0": value for part, value in _unpacked(node.op_type, given)}
    return found


def _is_dense(node: onnx.NodeProto, stored: Weights) -> bool:
    return node.op_type in ("MatMul", "Gemm") and node.input[1] in stored


def _unpacked(kind: str, given: list[torch.Tensor | None]) -> Iterator[tuple[str, torch.Tensor]]:
    """Return those parameters of a recurrent layer that are stored packed, their gates in torch's order."""
    order = torch.tensor(GATES[kind]).argsort()
    _, by_input, by_state, biases = given[:4]
    halves = (None, None) if biases is None else biases.chunk(2, dim=1)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for name, packed in zip(names, (by_input, by_state, *halves), strict=True):
        if packed is not None:
            yield name, packed[0].view(len(order), -1, *packed.shape[2:])[order].flatten(0, 1).contiguous()


def _applied(network: nn.Module, input_shape: tuple[int, ...]) -> list[tuple[str, nn.Module]]:
    """Return dense and recurrent layers in the order in which they are applied."""
    found: list[tuple[str, nn.Module]] = []
    hooks = [
        layer.register_forward_hook(lambda layer, _, __, name=name: found.append((name, layer)))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.RNNBase)
    ]
    with torch.no_grad():
        network(blank(network, input_shape, 2))
    for hook in hooks:
        hook.remove()
    return found
