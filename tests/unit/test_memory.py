"""Peaks of live tensors over small graphs; a float takes 4 bytes, and each expectation lists what is live."""

import onnx
import pytest
from onnx import TensorProto, helper

from harness.memory import ram_bytes
from registry.errors import InvalidRecord

FLOAT = TensorProto.FLOAT


def network(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[int | str]],
    outputs: list[str],
    weights: dict[str, list[int]] | None = None,
) -> onnx.ModelProto:
    """Build a graph whose weights are all 1; the outputs' shapes are left to inference."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [
            helper.make_tensor(name, FLOAT, shape, [1.0] * (shape[0] * shape[1]))
            for name, shape in (weights or {}).items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def shape_tensor(name: str, *values: int) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value_ints=list(values))


node = helper.make_node

CHAIN = network(
    [node("Gemm", ["input", "w1"], ["product"]), node("Relu", ["product"], ["hidden"]),
     node("Gemm", ["hidden", "w2"], ["logits"])],
    {"input": ["batch", 4]}, ["logits"], {"w1": [4, 8], "w2": [8, 2]},
)  # fmt: skip


def test_a_chain_needs_the_inputs_and_outputs_of_its_widest_node() -> None:
    assert ram_bytes(CHAIN) == 4 * (8 + 8)  # the activation: 8 in, 8 out


def test_int8_counts_a_byte_an_element() -> None:
    assert ram_bytes(CHAIN, int8=True) == 8 + 8


def test_a_fixed_batch_in_the_file_does_not_change_the_count() -> None:
    fixed = onnx.ModelProto()
    fixed.CopyFrom(CHAIN)
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 32

    assert ram_bytes(fixed) == ram_bytes(CHAIN)


def test_a_skip_connection_keeps_its_tensor_alive() -> None:
    model = network(
        [node("Relu", ["input"], ["a"]), node("Sigmoid", ["a"], ["b"]), node("Add", ["input", "b"], ["logits"])],
        {"input": ["batch", 4]},
        ["logits"],
    )

    assert ram_bytes(model) == 4 * (4 + 4 + 4)  # sigmoid: the waiting input, a, b


def test_a_view_has_no_memory_of_its_own_but_keeps_its_tensor_alive() -> None:
    model = network(
        [
            node("Gemm", ["input", "w"], ["a"]),
            shape_tensor("row", 1, 1, 8),
            node("Reshape", ["a", "row"], ["view"]),
            node("Identity", ["view"], ["view of the view"]),
            node("Gemm", ["input", "w"], ["b"]),
            shape_tensor("column", 1, 8, 1),
            node("Reshape", ["b", "column"], ["c"]),
            node("MatMul", ["view of the view", "c"], ["logits"]),
        ],
        {"input": ["batch", 2]},
        ["logits"],
        {"w": [2, 8]},
    )

    assert ram_bytes(model) == 4 * (2 + 8 + 8)  # second Gemm: input, a (seen through two views), b


def test_an_output_nobody_reads_counts_while_its_node_runs() -> None:
    model = network(
        [node("Split", ["input"], ["a", "b"], axis=1, num_outputs=2), node("Relu", ["a"], ["logits"])],
        {"input": ["batch", 8]},
        ["logits"],
    )

    assert ram_bytes(model) == 4 * (8 + 4 + 4)  # split: input, a, b


def test_a_graph_output_lives_to_the_end() -> None:
    model = network(
        [node("Gemm", ["input", "w"], ["early"]), node("Relu", ["input"], ["a"]), node("Relu", ["a"], ["late"])],
        {"input": ["batch", 2]},
        ["early", "late"],
        {"w": [2, 8]},
    )

    assert ram_bytes(model) == 4 * (8 + 2 + 2)  # early while the rest runs, with input and a, then a and late


def test_weights_constants_and_views_of_them_stand_apart() -> None:
    model = network(
        [
            shape_tensor("flat", 4),
            node("Reshape", ["w", "flat"], ["bias"]),
            node("Add", ["input", "bias"], ["logits"]),
        ],
        {"input": ["batch", 4]},
        ["logits"],
        {"w": [2, 2]},
    )

    assert ram_bytes(model) == 4 * (4 + 4)


@pytest.mark.parametrize(("int8", "expected"), [(False, 4 * 4 + 8 * 2 + 4 * 4), (True, 4 + 8 * 2 + 4)])
def test_integers_keep_their_size_in_int8(int8: bool, expected: int) -> None:
    model = network(
        [
            node("Shape", ["input"], ["shape"]),
            node("Relu", ["input"], ["a"]),
            node("Expand", ["a", "shape"], ["logits"]),
        ],
        {"input": ["batch", 4]},
        ["logits"],
    )

    assert ram_bytes(model, int8=int8) == expected  # expand: a, two int64, logits


def test_a_shape_that_depends_on_values_is_refused() -> None:
    model = network(
        [node("NonZero", ["input"], ["where"]), node("Cast", ["where"], ["logits"], to=FLOAT)],
        {"input": ["batch", 4]},
        ["logits"],
    )

    with pytest.raises(InvalidRecord, match=r"^the shape of tensor 'where' is not known at batch 1\n"):
        ram_bytes(model)


def test_an_operator_without_shape_inference_is_refused() -> None:
    model = network([node("Own", ["input"], ["logits"], domain="own")], {"input": ["batch", 4]}, ["logits"])
    model.opset_import.append(helper.make_opsetid("own", 1))

    with pytest.raises(InvalidRecord, match="the shape of tensor 'logits' is not known"):
        ram_bytes(model)


def test_a_quantised_graph_is_refused() -> None:
    model = network(
        [node("QuantizeLinear", ["input", "w"], ["a"]), node("DequantizeLinear", ["a", "w"], ["logits"])],
        {"input": ["batch", 4]},
        ["logits"],
        {"w": [1, 1]},
    )

    with pytest.raises(InvalidRecord, match="already quantised"):
        ram_bytes(model)


def test_a_graph_with_subgraphs_is_refused() -> None:
    branch = helper.make_graph(
        [node("Identity", ["input"], ["o"])], "b", [], [helper.make_empty_tensor_value_info("o")]
    )
    model = network(
        [node("If", ["input"], ["logits"], then_branch=branch, else_branch=branch)], {"input": ["batch", 1]}, ["logits"]
    )

    with pytest.raises(InvalidRecord, match="functions or subgraphs"):
        ram_bytes(model)


def test_arithmetic_on_shapes_is_followed() -> None:
    """Exporters write so: the sizes of two axes are looked up and multiplied, and a reshape takes the product."""
    graph = network(
        [node("Shape", ["input"], ["shape"]),
         shape_tensor("first", 0), shape_tensor("second", 1), shape_tensor("third", 2),
         node("Gather", ["shape", "first"], ["batch"]),
         node("Gather", ["shape", "second"], ["rows"]), node("Gather", ["shape", "third"], ["columns"]),
         node("Mul", ["rows", "columns"], ["product"]), node("Concat", ["batch", "product"], ["wanted"], axis=0),
         node("Relu", ["input"], ["hidden"]), node("Reshape", ["hidden", "wanted"], ["flat"]),
         node("MatMul", ["flat", "w"], ["logits"])],
        {"input": ["batch", 3, 4]}, ["logits"], {"w": [12, 2]},
    )  # fmt: skip

    # while Relu runs: the input, its output, and the wanted shape, 2 integers of 8 bytes
    assert ram_bytes(graph) == 4 * (12 + 12) + 2 * 8
