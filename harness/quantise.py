"""Turn an exported float network into its static int8 form: weights, biases and activations as integers (QDQ)."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxruntime import quantization

from harness.export import Exported, write_model
from harness.inference import INPUT_NAME, Inputs, predict_onnx
from registry.errors import InvalidData, InvalidRecord

CALIBRATION_BATCH: Final = 64
# Scores of attention: what masks them would stretch their range until nothing else is told apart, and onnxruntime
# cannot run a quantised scale that two blocks share.
LEFT_FLOAT: Final = frozenset({"Mul", "Softmax", "Where"})


def quantise_static(onnx_path: Path, calibration: Inputs, out_path: Path) -> Exported:
    """Write the static int8 form of a float network: int8 weights, one scale an output channel, int32 biases.

    Softmax, masks and scales, which are attention's, stay float. Activation ranges are the smallest and largest values
    seen on ``calibration``. The batch stays dynamic; the same file and examples give the same bytes.

    Args:
        onnx_path: Float network, as :func:`harness.export.export_onnx` writes it.
        calibration: Training inputs, ``(n, *input_shape)``, n at least 1. Never validation or test inputs.
        out_path: File to write; its folder must exist. No other file is left.

    Raises:
        InvalidData: If ``calibration`` is empty, not finite or does not fit the network.
        InvalidRecord: If a weight has no static int8 form in onnxruntime (recurrent layers), or onnxruntime cannot
            run the int8 form.
    """
    model = onnx.load(onnx_path)
    _check_calibration(model, calibration)
    # Tells onnxruntime that the graph is optimised already (the exporter did), so that it does not warn.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder, _quiet_root_logger():
        written = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            model,
            written,
            _Batches(calibration),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            nodes_to_exclude=[node.name for node in model.graph.node if node.op_type in LEFT_FLOAT],
        )
        quantised = onnx.load(written)
    unquantised = [t.name for t in quantised.graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) > 1]
    if unquantised:
        raise InvalidRecord(
            f"{onnx_path.name}: weight '{unquantised[0]}' has no static int8 form in onnxruntime",
            "the record can stand without an int8 file",
        )
    exported = write_model(quantised, out_path)
    try:
        predict_onnx(out_path, calibration[:1])
    except Exception as error:  # onnxruntime's errors share no class of their own
        out_path.unlink()
        raise InvalidRecord(
            f"{onnx_path.name}: onnxruntime cannot run its static int8 form",
            "the record can stand without an int8 file",
        ) from error
    return exported


def _check_calibration(model: onnx.ModelProto, calibration: Inputs) -> None:
    expected = tuple(axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim[1:])
    if len(calibration) == 0 or calibration.shape[1:] != expected:
        wanted = ", ".join(map(str, ("n", *expected)))
        raise InvalidData(f"calibration inputs of shape {calibration.shape} do not fit: expected ({wanted}), n >= 1")
    if not np.isfinite(calibration).all():
        raise InvalidData("calibration inputs hold a value that is not finite")


@contextmanager
def _quiet_root_logger() -> Iterator[None]:
    """Keep onnxruntime's quantiser, which logs to the root logger, from printing and from configuring logging."""
    root, unheard, disabled = logging.getLogger(), logging.NullHandler(), logging.root.manager.disable
    root.addHandler(unheard)  # logging.warning() would set up a handler for the whole process where there is none
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.removeHandler(unheard)


@final
class _Batches(quantization.CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Hands the calibration inputs to onnxruntime, a batch at a time."""

    def __init__(self, inputs: Inputs) -> None:
        if inputs.dtype != np.int64:
            inputs = np.ascontiguousarray(inputs, dtype=np.float32)
        self._batches: Iterator[dict[str, Any]] = iter(
            [{INPUT_NAME: inputs[i : i + CALIBRATION_BATCH]} for i in range(0, len(inputs), CALIBRATION_BATCH)]
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)
