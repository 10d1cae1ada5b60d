"""How long one answer takes, as a ratio to a reference network timed in the same process: seconds do not travel."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from harness.export import IR_VERSION, OPSET
from harness.inference import INPUT_NAME, OUTPUT_NAME, open_session

REFERENCE_SIZES: Final = (64, 128, 128, 10)
WARM_UP: Final = 5
LEAST_ROUNDS: Final = 5
MOST_ROUNDS: Final = 5_000
BUDGET_NS: Final = 1_000_000_000


def latency_ratio(model: Path | bytes, *, clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """Return the median time of one answer over that of the reference network, dense 64-128-128-10 with ReLU.

    Both run at batch 1 on one thread of onnxruntime, in turn, so that whatever slows the machine slows both; input and
    output stay bound, so that little of Python is timed. Takes at most about a second unless five answers take longer.

    Args:
        model: ONNX file or its bytes.
        clock: Nanoseconds, read three times a round: before the network, between the two, after the reference.

    Returns:
        Ratio, above 0, rounded to 3 significant digits.
    """
    network, reference = _answer(model), _answer(reference_model())
    for _ in range(WARM_UP):
        network()
        reference()
    own: list[int] = []
    theirs: list[int] = []
    spent = 0
    while len(own) < LEAST_ROUNDS or (len(own) < MOST_ROUNDS and spent < BUDGET_NS):
        start = clock()
        network()
        middle = clock()
        reference()
        end = clock()
        own.append(middle - start)
        theirs.append(end - middle)
        spent += end - start
    return float(f"{median(own) / median(theirs):.3g}")


@cache
def reference_model() -> bytes:
    """Return the reference network as an ONNX file: fixed weights, batch dynamic."""
    rng = np.random.default_rng(0)
    nodes, weights, tensor = [], [], INPUT_NAME
    for layer, (fan_in, fan_out) in enumerate(pairwise(REFERENCE_SIZES)):
        matrix = rng.standard_normal((fan_out, fan_in)) / np.sqrt(fan_in)
        weights.append(numpy_helper.from_array(matrix.astype(np.float32), f"weight{layer}"))
        weights.append(numpy_helper.from_array(np.zeros(fan_out, dtype=np.float32), f"bias{layer}"))
        last = layer == len(REFERENCE_SIZES) - 2
        product = OUTPUT_NAME if last else f"product{layer}"
        nodes.append(helper.make_node("Gemm", [tensor, f"weight{layer}", f"bias{layer}"], [product], transB=1))
        if not last:
            tensor = f"hidden{layer}"
            nodes.append(helper.make_node("Relu", [product], [tensor]))
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["batch", REFERENCE_SIZES[0]])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["batch", REFERENCE_SIZES[-1]])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))


def _answer(model: Path | bytes) -> Callable[[], None]:
    """Return a call that runs ``model`` once on a bound example of zeros."""
    session = open_session(model)
    binding = session.io_binding()
    [node] = session.get_inputs()
    example = np.zeros((1, *node.shape[1:]), dtype=np.int64 if node.type == "tensor(int64)" else np.float32)
    binding.bind_ortvalue_input(node.name, onnxruntime.OrtValue.ortvalue_from_numpy(example))
    binding.bind_output(session.get_outputs()[0].name)

    def run() -> None:
        session.run_with_iobinding(binding)

    return run
