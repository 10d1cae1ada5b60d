"""Write a trained network as an ONNX file that anybody can run, and refuse a file that answers differently.

The file is a function of the weights alone: one opset, no stack traces, no paths, no torch version inside.
"""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import onnx
import torch
from torch import nn

from harness.inference import INPUT_NAME, OUTPUT_NAME, Inputs, blank, evaluating, predict_network, predict_onnx
from registry.errors import InvalidRecord

OPSET: Final = 20
IR_VERSION: Final = 10
BATCH_AXIS: Final = "batch"
PRODUCER: Final = "sizing-guides"
# torch.export specialises axes of size 0 and 1: an example batch of 1 would freeze the batch.
EXAMPLE_BATCH: Final = 2
PARITY_BATCHES: Final = (1, 7)
TOLERANCE: Final = 1e-4
NOISY_LOGGERS: Final = ("torch.onnx", "torch.export", "torch.fx.experimental.symbolic_shapes", "onnxscript", "onnx_ir")


@final
@dataclass(frozen=True)
class Exported:
    """One ONNX file on disk.

    Args:
        path: Where it is; the only file written.
        sha256: Hash of its content, hexadecimal.
        bytes: Its size.
        opset: Version of the default operator set.
    """

    path: Path
    sha256: str
    bytes: int
    opset: int


def export_onnx(network: nn.Module, input_shape: tuple[int, ...], path: Path) -> Exported:
    """Write ``network`` to ``path`` as one self-contained ONNX file with a dynamic batch.

    The graph has one input, ``input`` of ``(batch, *input_shape)`` float32, or of symbols, ``(batch, length)`` int64,
    and one output, ``logits``. The same
    weights give the same bytes. The first export in a process takes seconds (imports), later ones half a second.

    Args:
        network: On the CPU; comes back unchanged.
        input_shape: One example, without the batch axis.
        path: File to write; its folder must exist.

    Raises:
        InvalidRecord: If the network cannot be exported, or only for a fixed batch size.
    """
    example = blank(network, input_shape, EXAMPLE_BATCH)
    with evaluating(network), _quiet_exporter():
        try:
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim(BATCH_AXIS)},),
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                opset_version=OPSET,
                external_data=False,
                optimize=True,
                verify=False,  # parity() compares at more batch sizes
                report=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise InvalidRecord(
                f"the network cannot be exported to ONNX with a dynamic batch: {_reason(error)}",
                "its forward pass must not depend on the batch size or on the values of the inputs",
            ) from error
    if program is None:
        raise AssertionError("torch.onnx.export(dynamo=True) returned no program")
    model = program.model_proto
    _refuse_fixed_batch(model)
    return write_model(model, path)


def write_model(model: onnx.ModelProto, path: Path) -> Exported:
    """Clean and check ``model``, write it to ``path`` as one file and return what was written.

    Documentation strings and metadata go (exporters keep stack traces with local paths there), and so do shapes of
    inner tensors, which follow from the graph.
    """
    cleaned = onnx.ModelProto()
    cleaned.CopyFrom(model)
    graph = cleaned.graph
    for part in (cleaned, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    del graph.value_info[:]
    graph.name = "network"
    cleaned.producer_name = PRODUCER
    cleaned.producer_version = ""
    cleaned.ir_version = IR_VERSION
    onnx.checker.check_model(cleaned, full_check=True)
    content = cleaned.SerializeToString(deterministic=True)
    path.write_bytes(content)
    opset = next(entry.version for entry in cleaned.opset_import if entry.domain == "")
    return Exported(path, hashlib.sha256(content).hexdigest(), len(content), opset)


def parity(network: nn.Module, path: Path, inputs: Inputs) -> float:
    """Compare PyTorch and onnxruntime on ``inputs``, ``(n, ...)`` as it takes them, at batch 1, 7 and n.

    Where there are fewer than 7 examples they are repeated.

    Returns:
        The largest absolute difference of a logit.

    Raises:
        InvalidRecord: If a logit is not finite, or differs by more than 1e-4 + 1e-4 x its PyTorch value.
    """
    largest = 0.0
    for batch in (*PARITY_BATCHES, len(inputs)):
        examples = inputs[np.arange(batch) % len(inputs)]
        expected = predict_network(network, examples)
        found = predict_onnx(path, examples, batch_size=batch)
        if found.shape != expected.shape:
            raise InvalidRecord(
                f"{path.name}: logits of shape {found.shape} at batch {batch}; PyTorch gives {expected.shape}"
            )
        difference = np.abs(found - expected)
        if not np.isfinite(difference).all():
            raise InvalidRecord(f"{path.name}: a logit is not finite at batch {batch}", "the training run diverged")
        largest = max(largest, float(difference.max()))
        if (difference > TOLERANCE + TOLERANCE * np.abs(expected)).any():
            raise InvalidRecord(
                f"{path.name}: onnxruntime and PyTorch differ by {difference.max():.2g} at batch {batch}; "
                f"at most {TOLERANCE:g} is allowed",
                "the file is not this network: export it again",
            )
    return largest


def _refuse_fixed_batch(model: onnx.ModelProto) -> None:
    inputs, outputs = (
        [[axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in values]
        for values in (model.graph.input, model.graph.output)
    )
    if len(inputs) != 1 or len(outputs) != 1 or any(shape[:1] != [BATCH_AXIS] for shape in inputs + outputs):
        found = f"{_spoken(inputs)} -> {_spoken(outputs)}"
        raise InvalidRecord(f"the exported network is {found}; expected ({BATCH_AXIS}, ...) -> ({BATCH_AXIS}, classes)")


def _spoken(shapes: list[list[str | int]]) -> str:
    return " and ".join(f"({', '.join(map(str, shape))})" for shape in shapes)


def _reason(error: BaseException) -> str:
    """Return the first line of what lies at the bottom of the exporter's chain of errors."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what the exporter says about itself; warnings about the network still come through."""
    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        # torch uses what it deprecates itself: a class of its tree specifications, a check of symbolic sizes
        warnings.filterwarnings("ignore", message=r".*LeafSpec.*", category=FutureWarning)
        warnings.filterwarnings("ignore", message="_check_is_size will be removed", category=FutureWarning)
        # torch's recurrent layers list their own weights anew while they are traced; the file holds them all the same
        warnings.filterwarnings(
            "ignore", message=r".*_flat_weights.* were assigned during export", category=UserWarning
        )
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            # a failed export prints the whole traced program; the reason is in the error it raises
            with redirect_stderr(io.StringIO()):
                yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
