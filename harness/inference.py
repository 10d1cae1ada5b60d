"""Run a network as it will be used: a PyTorch module in evaluation mode, or an ONNX file on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import nn

from registry.errors import InvalidData

INPUT_NAME: Final = "input"
OUTPUT_NAME: Final = "logits"
PROVIDERS: Final = ("CPUExecutionProvider",)
FATAL_ONLY: Final = 4  # onnxruntime writes to the terminal what it also raises

FloatArray = npt.NDArray[np.float32]
Inputs = npt.NDArray[np.float32] | npt.NDArray[np.int64]


def blank(network: nn.Module, input_shape: tuple[int, ...], n: int = 1) -> torch.Tensor:
    """Return ``n`` examples of zeros as ``network`` takes them: symbols, if it says that it reads them, or numbers."""
    if getattr(network, "reads_symbols", False):
        return torch.zeros(n, *input_shape[:-1], dtype=torch.int64)
    return torch.zeros(n, *input_shape)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Hold ``network`` in evaluation mode, without gradients.

    On leaving, every module's own training flag and the global random state are what they were.
    """
    flags = [(module, module.training) for module in network.modules()]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            network.eval()
            yield
        finally:
            for module, training in flags:
                module.training = training


def predict_network(network: nn.Module, inputs: Inputs) -> FloatArray:
    """Return the logits of ``inputs``, ``(n, ...)`` as the network takes them, all in one batch on the CPU."""
    with evaluating(network):
        logits: torch.Tensor = network(torch.tensor(inputs))
    return np.asarray(logits.numpy(), dtype=np.float32)


def open_session(model: Path | bytes) -> Any:
    """Open an ONNX model as an ``onnxruntime.InferenceSession`` on one thread of the CPU.

    Args:
        model: A file, or the file's bytes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    # Processors without VNNI add pairs of uint8 x int8 products in 16 bits, which saturate: an int8 network would
    # score differently there. This entry makes onnxruntime use the exact kernel. # source: onnxruntime session options
    options.add_session_config_entry("session.x64quantprecision", "1")
    content = model if isinstance(model, bytes) else model.read_bytes()
    return onnxruntime.InferenceSession(content, options, providers=list(PROVIDERS))


def predict_onnx(model: Path | bytes, inputs: Inputs, batch_size: int = 256) -> FloatArray:
    """Return the logits of ``inputs`` under onnxruntime.

    Args:
        model: A file with one input and one output, batch first, or its bytes.
        inputs: ``(n, ...)`` as the network takes them, n at least 1.
        batch_size: Examples a run; the last run has what is left.

    Returns:
        Logits, ``(n, ...)``.

    Raises:
        InvalidData: If ``inputs`` is empty or does not fit the network.
    """
    session = open_session(model)
    (node,) = session.get_inputs()
    expected = tuple(node.shape[1:])
    if inputs.shape[1:] != expected or len(inputs) == 0:
        wanted = ", ".join(map(str, ("n", *expected)))
        raise InvalidData(f"inputs of shape {inputs.shape} do not fit the network: expected ({wanted}), n >= 1")
    parts = [
        session.run(None, {node.name: inputs[start : start + batch_size]})[0]
        for start in range(0, len(inputs), batch_size)
    ]
    return np.concatenate(parts)
