"""Count what a network is made of and what one answer of it costs: parameters, arithmetic, bytes of weights.

``flops`` is counted by watching the forward pass of one example at the level of PyTorch's own operators, below modules
and functions, so that a network may be written in any way. Composite kernels (oneDNN's LSTM, the fused transformer
layer, fused attention) are switched off while counting: every layer then comes down to a few matrix products and
convolutions, each counted once by the formula below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, final

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from harness.inference import blank, evaluating
from registry.errors import InvalidData

FLOAT_BYTES: Final = 4
INT8_BYTES: Final = 1


def count_params(network: nn.Module) -> int:
    """Count the trainable scalars, biases and embeddings included; a shared parameter counts once.

    A parameter that is frozen for the moment still counts: it was trained and has to be stored. Buffers do not.
    """
    return sum(parameter.numel() for parameter in network.parameters())


def weight_bytes(network: nn.Module) -> int:
    """Return the bytes of the parameters alone in float32."""
    return FLOAT_BYTES * count_params(network)


def weight_bytes_int8(network: nn.Module) -> int:
    """Return the bytes of the parameters alone in the static int8 form.

    A matrix or kernel takes 1 byte an element and one float32 scale an output channel; a vector or scalar (a bias)
    takes 4 bytes an element, as int32. Output channels are the first axis of a parameter, the second of a transposed
    convolution's kernel; an embedding has a single scale. For dense and convolutional networks this is what the
    exported int8 file stores for its parameters, less three things that carry no information: the weights' zero
    points (all 0), the biases' zero points (all 0) and the biases' scales (input scale x weight scale).
    """
    counted: set[int] = set()
    total = 0
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            if id(parameter) in counted:
                continue
            counted.add(id(parameter))
            if parameter.dim() < 2:
                total += FLOAT_BYTES * parameter.numel()
            else:
                total += INT8_BYTES * parameter.numel() + FLOAT_BYTES * _n_scales(module, parameter)
    return total


def _n_scales(module: nn.Module, parameter: nn.Parameter) -> int:
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return 1
    if isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        return int(parameter.shape[1])
    return int(parameter.shape[0])


def train_flops(flops: float, examples_seen: float) -> float:
    """Return the arithmetic of a training run, unpadded: forward once, backward twice, for every example seen.

    Source:
        Kaplan et al. 2020, arXiv:2001.08361, section 2.1 (backward costs twice the forward pass).
    """
    return 3.0 * flops * examples_seen


def count_flops(network: nn.Module, input_shape: tuple[int, ...]) -> float:
    """Count the arithmetic of the forward pass of ONE example.

    Matrix products, convolutions, recurrence and attention count, a multiply-add as 2; bias, activation, norm, pooling
    and resampling count 0. Positions that a mask or padding sets to zero count like any other. Products that the
    network itself writes as elementwise ``*`` and a sum are elementwise and count 0.

    Args:
        network: Any module on the CPU that takes ``(batch, *input_shape)`` float32, or symbols. It comes back
            unchanged, each module in the mode it was in.
        input_shape: One example, without the batch axis.

    Returns:
        Floating-point operations, a whole number.

    Raises:
        InvalidData: If the network uses arithmetic that has no formula here: counting it as 0 would be a lie.
    """
    counter = _Counter()
    with evaluating(network), _composite_kernels_off(), counter:
        network(blank(network, input_shape))
    return float(counter.flops)


def _product(left: int) -> Callable[[Any, Any], int]:
    """Formula of a product of two matrices or vectors, the first of them at argument ``left``."""

    def flops(arguments: Any, output: Any) -> int:
        a, b = arguments[left], arguments[left + 1]
        return int(2 * a.numel() * (b.shape[-1] if b.dim() > 1 else 1))

    return flops


def _convolution(arguments: Any, output: Any) -> int:
    """2 x positions x the kernel of one channel, which already spans ``in_channels / groups``.

    The kernel is applied at every output position of a convolution, ``weight[0]`` being ``(in / groups, *kernel)``,
    and at every input position of a transposed one, ``weight[0]`` being ``(out / groups, *kernel)``.
    """
    inputs, weight, transposed = arguments[0], arguments[1], arguments[6]
    positions: Tensor = inputs if transposed else output
    return int(2 * positions.numel() * weight[0].numel())


_aten = torch.ops.aten
FORMULAS: Final[dict[Any, Callable[[Any, Any], int]]] = {
    **dict.fromkeys((_aten.mm, _aten.bmm, _aten.mv, _aten.dot, _aten.vdot), _product(0)),
    **dict.fromkeys((_aten.addmm, _aten.addmm_, _aten.addbmm, _aten.addbmm_, _aten.addmv, _aten.addmv_), _product(1)),
    **dict.fromkeys((_aten.baddbmm, _aten.baddbmm_, _aten._addmm_activation), _product(1)),
    _aten.convolution: _convolution,
}

# Operators that do arithmetic worth counting and have no formula above. Interpolation (upsample_bilinear2d) and
# vector norms are resampling and norm: 0.
_NO_FORMULA: Final = re.compile(
    r".*mm|.*conv.*|.*attention.*|.*rnn.*|.*lstm.*|.*gru|.*transformer.*|mkldnn_.*|trilinear|.*cdist.*|fft_.*"
    r"|linalg_(?!vector_norm).*"
)


@final
class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves __init_subclass__ untyped
    """Adds up the arithmetic of every operator that runs while it is active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Otherwise torch guards this mode against torch.compile, and imports all of that for a second or more first.
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = FORMULAS.get(func.overloadpacket)
        if formula is None:
            with self:  # inference mode hands composite operators over whole: their parts come through here again
                output = func.decompose(*args, **kwargs)
            if output is not NotImplemented:
                return output
            namespace, name = func.name().split(".")[0].split("::")
            if namespace not in ("aten", "prim", "prims") or _NO_FORMULA.fullmatch(name.strip("_")):
                raise InvalidData(
                    f"cannot count the arithmetic of operator '{namespace}::{name}': it has no formula",
                    "build the network from dense, convolutional, recurrent and attention layers",
                )
        output = func(*args, **kwargs)
        if formula is not None:
            self.flops += formula(args, output)
        return output


@contextmanager
def _composite_kernels_off() -> Iterator[None]:
    """Make recurrent, attention and transformer layers run as plain matrix products."""
    fast_path, onednn = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # a property, which torch does not type
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        torch.backends.mkldnn.enabled = onednn
