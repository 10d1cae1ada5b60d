"""An ONNX file is read without running it, and what reaches out of it or hides in it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from registry.errors import InvalidRecord
from registry.onnx_wire import CONSTANT_LIMIT, FIELD_LIMIT, SIZE_LIMIT, Network, read_network
from tests.example_record import count_params, tiny_network

Change = Callable[[ModelProto], object]


def _changed(change: Change) -> bytes:
    model = onnx.load_from_string(tiny_network(8))
    change(model)
    return bytes(model.SerializeToString())


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + _varint(number >> 7)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def test_a_network_is_counted_without_running_it() -> None:
    assert read_network(tiny_network(8), "float") == Network(18, frozenset({"Gemm", "Relu"}), count_params(8), 0)


def test_weights_count_wherever_they_stand_and_shapes_do_not() -> None:
    def change(model: ModelProto) -> None:
        value = numpy_helper.from_array(np.zeros((3, 5), np.float32))
        model.graph.node.insert(0, helper.make_node("Constant", [], ["hidden_constant"], value=value))
        model.graph.node.insert(0, helper.make_node("Constant", [], ["listed"], value_floats=[1.0, 2.0]))
        model.graph.initializer.append(helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 64]))
        model.graph.initializer.append(helper.make_tensor("typed", TensorProto.FLOAT, [4], [1.0, 2.0, 3.0, 4.0]))

    network = read_network(_changed(change), "float")

    assert network.params == count_params(8) + 15 + 2 + 4
    assert network.largest_integers == 2


def _with_constants(n: int) -> Change:
    def change(model: ModelProto) -> None:
        for i in range(n):
            model.graph.initializer.append(helper.make_tensor(f"scale{i}", TensorProto.FLOAT, [], [0.5]))

    return change


def test_a_formulas_constants_are_no_params_and_few() -> None:
    assert read_network(_changed(_with_constants(CONSTANT_LIMIT)), "float").params == count_params(8)
    with pytest.raises(InvalidRecord, match="has 33 single floats, expected at most 32: weights have dimensions"):
        read_network(_changed(_with_constants(CONSTANT_LIMIT + 1)), "float")


def test_an_int8_form_may_have_as_many_scales_as_it_needs() -> None:
    assert read_network(_changed(_with_constants(CONSTANT_LIMIT + 1)), "int8").params == count_params(8)


def test_the_int8_form_has_operators_that_a_float_network_may_not_have() -> None:
    data = _changed(lambda model: model.graph.node.append(helper.make_node("DequantizeLinear", ["a", "b"], ["c"])))

    assert "DequantizeLinear" in read_network(data, "int8").operators
    with pytest.raises(InvalidRecord, match="has the operator DequantizeLinear, not allowed"):
        read_network(data, "float")


def _external(model: ModelProto) -> None:
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"


def _attribute(kind: AttributeProto.AttributeType, **values: Any) -> Change:
    def change(model: ModelProto) -> None:
        model.graph.node[0].attribute.append(AttributeProto(name="body", type=kind, **values))

    return change


REFUSED: dict[str, tuple[Change, str]] = {
    "external data": (_external, "has external_data in its tensor, expected a plain network"),
    "a location outside": (
        lambda model: setattr(model.graph.initializer[0], "data_location", TensorProto.EXTERNAL),
        "has data_location in tensor 'hidden_weight', expected all weights inside",
    ),
    "external data of a constant": (
        _attribute(AttributeProto.TENSOR, t=TensorProto(name="t", data_location=TensorProto.EXTERNAL)),
        "has data_location in tensor 't'",
    ),
    "a function": (
        lambda model: model.functions.append(onnx.FunctionProto(name="f", domain="d")),
        "has functions in its model",
    ),
    "an inner graph": (_attribute(AttributeProto.GRAPH, g=onnx.GraphProto(name="g")), "has g in its attribute"),
    "inner graphs": (
        _attribute(AttributeProto.GRAPHS, graphs=[onnx.GraphProto(name="g")]),
        "has graphs in its attribute",
    ),
    "a sparse weight": (
        lambda model: model.graph.sparse_initializer.append(onnx.SparseTensorProto(dims=[3])),
        "has sparse_initializer in its graph",
    ),
    "a training graph": (lambda model: model.training_info.add(), "has training_info in its model"),
    "a loop": (lambda model: setattr(model.graph.node[0], "op_type", "Loop"), "has the operator Loop, not allowed"),
    "an operator of a plug-in": (
        lambda model: setattr(model.graph.node[0], "domain", "com.example"),
        "has the operator com.example.Gemm, not allowed",
    ),
    "no graph": (lambda model: model.ClearField("graph"), "is not an ONNX file: it has no graph"),
    "no operators": (lambda model: model.graph.ClearField("node"), "its graph has no operators"),
    "no operator set": (lambda model: model.ClearField("opset_import"), "does not import the default operator set"),
    "another operator set": (
        lambda model: model.opset_import.append(helper.make_opsetid("com.example", 1)),
        "does not import the default operator set, and it alone",
    ),
    "less data than elements": (
        lambda model: model.graph.initializer[0].dims.append(2),
        "has a tensor 'hidden_weight' of 1,024 elements that does not hold as many",
    ),
    "dimensions beyond all bounds": (
        lambda model: model.graph.initializer[0].dims.extend([2**62] * 1000),
        "has a tensor 'hidden_weight' of more than 8 dimensions",
    ),
    "a negative dimension": (
        lambda model: model.graph.initializer[0].dims.append(-1),
        r"of more than 8 dimensions or 2\*\*53 - 1 elements",
    ),
    "text for weights": (
        lambda model: setattr(model.graph.initializer[0], "data_type", TensorProto.STRING),
        "has data_type 8 in tensor 'hidden_weight', not allowed",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_plain_network_needs_is_refused(what: str) -> None:
    change, problem = REFUSED[what]

    with pytest.raises(InvalidRecord, match=problem):
        read_network(_changed(change), "float")


MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it has no graph"),
    "text": (b"not an onnx", "wire type 6 in a model"),
    "a length beyond the end": (b"\x3a\x05abc", "a model ends too early"),
    "a tag alone": (b"\x3a", "a number ends too early"),
    "a number that ends too early": (b"\x08\x80", "a number ends too early"),
    "a longer number than needed": (b"\x08\x88\x00", "a number is written longer than it needs to be"),
    "a longer tag than needed": (b"\xba\x00\x00", "a number is written longer than it needs to be"),
    "a longer length than needed": (b"\x3a\x80\x00", "a number is written longer than it needs to be"),
    "a number beyond 64 bits": (b"\x08" + b"\xff" * 9 + b"\x7f", "a number has more than 64 bits"),
    "a group": (b"\x3b", "wire type 3 in a model"),
    "a number for a graph": (b"\x38\x01", "graph in a model has wire type 0"),
    "bytes for a version": (_field(1, b"8"), "ir_version in a model has wire type 2"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_not_in_the_wire_format_is_refused(what: str) -> None:
    data, problem = MALFORMED[what]

    with pytest.raises(InvalidRecord, match=f"is not an ONNX file: {problem}"):
        read_network(data, "float")


def test_a_list_of_floats_that_ends_within_one_is_refused() -> None:
    attribute = _field(7, b"\0" * 5)
    data = _field(7, _field(1, _field(5, attribute)))

    with pytest.raises(InvalidRecord, match="a list of numbers ends too early"):
        read_network(data, "float")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (_field(7, b"") * 2, "has graph twice in its model"),
        (_field(26, b""), "has field 26 in its model"),
        (b"\x08\x08" * 2, "has ir_version twice in its model"),
    ],
)
def test_a_field_that_does_not_belong_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidRecord, match=problem):
        read_network(data, "float")


def test_external_data_behind_an_odd_length_is_refused_all_the_same() -> None:
    location = b"\x0a\x88\x00location" + _field(2, b"../../../../etc/passwd")
    tensor = _field(13, location) + b"\x70\x01"
    data = _field(7, _field(5, tensor))

    assert b"\x0a\x08location" not in data
    with pytest.raises(InvalidRecord, match="has external_data in its tensor"):
        read_network(data, "float")


@pytest.mark.parametrize("end", range(1, len(tiny_network(8)), 97))
def test_a_file_cut_short_is_refused(end: int) -> None:
    with pytest.raises(InvalidRecord):
        read_network(tiny_network(8)[:end], "float")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (_field(14, b"") * (FIELD_LIMIT + 1), "has more than 100,000 fields"),
        (bytes(SIZE_LIMIT + 1), "is larger than 5,000,000 bytes"),
    ],
    ids=["fields", "bytes"],
)
def test_a_file_that_would_keep_the_reader_busy_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidRecord, match=problem):
        read_network(data, "float")
