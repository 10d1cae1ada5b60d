"""The memory an exported network needs while it answers: peak of live tensors over the ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from registry.errors import InvalidRecord

# These hand the same elements on in the same order: no runtime copies them.
VIEWS: Final = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})
FLOATS: Final = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16})
# What exporters write to work out a shape; inference itself does not follow all of it.
ARITHMETIC: Final = frozenset(
    {"Add", "Concat", "Constant", "Gather", "Mul", "Reshape", "Slice", "Squeeze", "Unsqueeze"}
)
MOST_AXES: Final = 8
QUANTISED: Final = frozenset({"QuantizeLinear", "DequantizeLinear"})


def ram_bytes(model: onnx.ModelProto, *, int8: bool = False) -> int:
    """Return the peak of live tensors, in bytes, at batch 1, in the order of the graph's nodes.

    A tensor lives from the node that makes it (a graph input: from the start) to the last node that reads it (a graph
    output: to the end); while a node runs, all it reads and all it writes are live. Nothing is computed in place.
    A view (reshape, flatten, squeeze, unsqueeze, identity) is the tensor it views: no memory of its own, but it keeps
    that tensor alive. Weights and constants stand apart (``weight_bytes``), and so does a kernel's scratch memory.

    Args:
        model: The float network, its first input axis the batch.
        int8: Count every float element as 1 byte, as the static int8 form holds it; others keep their size.

    Raises:
        InvalidRecord: If a tensor's shape is unknown at batch 1, or the graph is already quantised or has subgraphs.
    """
    graph = _with_shapes_at_batch_1(model).graph
    values = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
    apart = {tensor.name for tensor in graph.initializer}
    apart |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    last = len(graph.node)
    inputs = [value.name for value in graph.input if value.name not in apart]
    sizes = {name: _n_bytes(values, name, int8) for name in inputs}
    lives = {name: [-1, -1] for name in inputs}  # the first and the last node at which a tensor is live
    owner: dict[str, str] = {}  # a view -> the tensor whose memory it is
    for position, node in enumerate(graph.node):
        for name in node.input:
            if name and name not in apart:
                lives[owner.get(name, name)][1] = position
        for name in node.output:
            if not name or name in apart:
                continue
            if node.op_type not in VIEWS:
                sizes[name] = _n_bytes(values, name, int8)
                lives[name] = [position, position]
            elif node.input[0] in apart:
                apart.add(name)
            else:
                owner[name] = owner.get(node.input[0], node.input[0])
    for value in graph.output:
        if value.name not in apart:
            lives[owner.get(value.name, value.name)][1] = last
    return max(
        sum(sizes[name] for name, (made, read) in lives.items() if made <= position <= read)
        for position in range(-1, last + 1)
    )


def _with_shapes_at_batch_1(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose every tensor has the shape that follows from a batch of 1, whatever the file claimed."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    if model.functions or any(a.HasField("g") or a.graphs for node in model.graph.node for a in node.attribute):
        raise InvalidRecord("the ONNX graph has functions or subgraphs; memory is counted over one flat graph")
    if any(node.op_type in QUANTISED for node in model.graph.node):
        raise InvalidRecord("the ONNX graph is already quantised; memory is counted on the float graph")
    del fixed.graph.value_info[:]
    weights = {tensor.name for tensor in fixed.graph.initializer}
    for value in fixed.graph.input:
        if value.name not in weights and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(fixed, data_prop=True)
    for _ in range(len(fixed.graph.node)):  # a tensor's shape may rest on arithmetic on the shape of one before it
        values = _shape_values(inferred)
        further = _inferred_given(fixed, values)
        if len(further) <= len(_complete(inferred)):
            break
        del inferred.graph.value_info[:]
        inferred.graph.value_info.extend(further.values())
    return inferred


def _shape_values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Return what a graph computes of shapes that are known, by tensor: integers."""
    shapes = {name: tensor.type.tensor_type.shape.dim for name, tensor in _complete(model).items()}
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found: dict[str, np.ndarray] = {}
    for node in model.graph.node:
        if node.op_type == "Shape" and node.input[0] in shapes:
            ends = {attribute.name: attribute.i for attribute in node.attribute}
            sizes = [axis.dim_value for axis in shapes[node.input[0]]]
            found[node.output[0]] = np.array(sizes[ends.get("start", 0) : ends.get("end")], dtype=np.int64)
        elif node.op_type in ARITHMETIC and all(name in found or name in known for name in node.input):
            given = {name: found.get(name, known.get(name)) for name in node.input}
            results: Any = ReferenceEvaluator(node).run(None, given)
            value = np.asarray(results[0])
            if value.dtype == np.int64 and value.size <= MOST_AXES:
                found[node.output[0]] = value
    return found


def _inferred_given(model: onnx.ModelProto, values: Mapping[str, np.ndarray]) -> dict[str, onnx.ValueInfoProto]:
    """Return the tensors whose shapes are known once ``values`` are."""
    given = onnx.ModelProto()
    given.CopyFrom(model)
    del given.graph.node[:]
    given.graph.node.extend(node for node in model.graph.node if node.output[0] not in values)
    given.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    stated = [helper.make_tensor_value_info(name, TensorProto.INT64, v.shape) for name, v in values.items()]
    return {value.name: value for value in stated} | _complete(shape_inference.infer_shapes(given, data_prop=True))


def _complete(model: onnx.ModelProto) -> dict[str, onnx.ValueInfoProto]:
    """Return the inner tensors all of whose axes are known, by name."""
    return {
        value.name: value
        for value in model.graph.value_info
        if value.type.tensor_type.HasField("shape")
        and all(axis.HasField("dim_value") for axis in value.type.tensor_type.shape.dim)
    }


def _n_bytes(values: Mapping[str, onnx.ValueInfoProto], name: str, int8: bool) -> int:
    tensor = values[name].type.tensor_type if name in values else onnx.TypeProto.Tensor()
    if not tensor.HasField("shape") or not all(axis.HasField("dim_value") for axis in tensor.shape.dim):
        raise InvalidRecord(
            f"the shape of tensor '{name}' is not known at batch 1",
            "export the network with every axis but the batch fixed",
        )
    element = 1 if int8 and tensor.elem_type in FLOATS else helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
    return int(element * prod(axis.dim_value for axis in tensor.shape.dim))
