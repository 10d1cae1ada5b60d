"""Build torchvision's networks without their values, and count: params and the flops of one example.

Each is built by its own builder as for its weights, with the reading of the file left out, so that everything the
builder does for weights is done (frozen normalisation, auxiliary heads, the side of the images). It stands on the meta
device; a builder that reads values while it builds, as RegNet's does, builds on the CPU and the network is moved.
A network of int8 weights is counted before quantisation: that changes neither number.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, final
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness import vision
from harness.published.zoo.sizes import builder_name, kind, size

SIDE: Final = 512  # pixels of the square example before the weights' own transforms
FRAMES: Final = 16  # of a video
PLAIN: Final = "as built for its weights"


@final
@dataclass(frozen=True)
class Counted:
    """What was counted of one network.

    Attributes:
        params: Trainable scalars; of what is frozen by being a buffer, none.
        flops: Forward pass of one example, a multiply-add is 2.
        input_shape: That example: channels x (frames x) height x width.
        width: Channels of the first stage, or the model dimension; None where the network has no one such number.
        depth: Layers or blocks as the builder counts them; None likewise.
        rule: What is in the count.
    """

    params: int
    flops: float
    input_shape: tuple[int, ...]
    width: int | None
    depth: int | None
    rule: str


@final
@dataclass(frozen=True)
class Regions:
    """How many regions the second stage of a detector looks at; an image decides that, so a count has to.

    Attributes:
        proposals: Boxes to classify; None for as many as the network may take.
        detections: Boxes among them that get a mask or key points.
    """

    proposals: int | None = None
    detections: int = 0


def count(weights: Any, regions: Regions = Regions()) -> Counted:  # frozen
    """Build the network of one entry of a torchvision weights enumeration, and count.

    Args:
        weights: Such as ``torchvision.models.ResNet50_Weights.IMAGENET1K_V1``.
        regions: For a detector of two stages.
    """
    network, where = build(weights)
    module = kind(weights)
    inputs = _inputs(module, weights)
    rule = PLAIN if where == "meta" else f"{PLAIN}; built on the CPU"
    if module == "quantization":
        rule = f"{rule}; before quantisation"
    params = sum(each.numel() for each in network.parameters())
    if getattr(network, "aux_classifier", None) is not None:
        rule = f"{rule}; the auxiliary classifier runs in every forward pass"
    if getattr(network, "AuxLogits", None) is not None:
        rule = f"{rule}; the auxiliary classifier has params and does not run"
    if module == "detection":
        rule = f"{rule}; flops with {_fix_choices(network, regions)}"
    with torch.no_grad(), _decomposed_attention(), _no_key_points(), FlopCounterMode(display=False) as counter:
        network([inputs[0][0]]) if module == "detection" else network(*inputs)
    width, depth = size(weights, network)
    shape = tuple(inputs[0].shape[1:])
    return Counted(params, float(counter.get_total_flops()), shape, width, depth, rule)


def build(weights: Any) -> tuple[Any, str]:
    """Return the network of these weights on the meta device, in evaluation, and where it was built: meta or cpu."""
    models = vision.load().models
    name, options = builder_name(weights), {}
    if kind(weights) == "quantization":
        weights, options = weights.meta["unquantized"], {"quantize": False}
    builder: Callable[..., nn.Module] = models.get_model_builder(name)
    with _unread(weights), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Inception's, of how it will be initialised
        for device in ("meta", "cpu"):
            try:
                with torch.device(device):
                    network = builder(weights=weights, progress=False, **options)
            except (NotImplementedError, RuntimeError):  # a value was asked of a tensor that has none
                if device == "cpu":
                    raise
                continue
            return network.to("meta").eval(), device
    raise AssertionError("one of the two devices has returned or raised")


@contextlib.contextmanager
def _unread(weights: Any) -> Iterator[None]:
    """Let builders ask for weights and get none."""
    with (
        mock.patch.object(type(weights), "get_state_dict", return_value={}),
        mock.patch.object(nn.Module, "load_state_dict", return_value=None),
        _no_initialising(),
    ):
        yield


@contextlib.contextmanager
def _no_initialising() -> Iterator[None]:
    """Skip what fills parameters: their values are not asked for, and filling 600 million takes a while."""
    with contextlib.ExitStack() as stack:
        for name in ("kaiming_uniform_", "kaiming_normal_", "normal_", "trunc_normal_", "uniform_", "xavier_uniform_"):
            stack.enter_context(mock.patch.object(nn.init, name, lambda tensor, *args, **options: tensor))
        yield


@contextlib.contextmanager
def _decomposed_attention() -> Iterator[None]:
    """Let attention run as the matrix products it is made of: one fused operator would count as nothing."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


@contextlib.contextmanager
def _no_key_points() -> Iterator[None]:
    """Skip turning heat maps into points: it has no multiply-adds we count, but asks for values."""
    heads = vision.load().models.detection.roi_heads
    with mock.patch.object(heads, "keypointrcnn_inference", return_value=([], [])):
        yield


def _inputs(module: str, weights: Any) -> list[Tensor]:
    """Return one example after the weights' transforms, as torchvision's own counts take it.

    Source:
        ``get_ops`` in test/common_extended_utils.py of torchvision's repository: 512 x 512 pixels, 16 frames.
    """
    transforms = weights.transforms()
    if module == "detection":
        return [torch.empty(1, 3, SIDE, SIDE, device="meta")]  # the network scales it itself
    if module == "optical_flow":
        return [torch.empty(1, 3, SIDE, SIDE, device="meta") for _ in range(2)]
    if module == "video":
        return [torch.empty(1, 3, FRAMES, *_square(transforms.crop_size), device="meta")]
    sides = transforms.resize_size if module == "segmentation" else transforms.crop_size
    return [torch.empty(1, 3, *_square(sides), device="meta")]


def _square(sides: list[int]) -> tuple[int, int]:
    return (sides[0], sides[-1])


def _fix_choices(network: Any, regions: Regions) -> str:
    """Fix what the values in an image decide, and say how."""
    network.transform.postprocess = lambda result, *sizes: result
    if not hasattr(network, "roi_heads"):
        network.postprocess_detections = lambda *args: []
        return "every anchor"
    heads, channels = network.roi_heads, network.backbone.out_channels
    most = network.rpn.post_nms_top_n() if regions.proposals is None else regions.proposals
    boxes = torch.empty(max(most, regions.detections), 4, device="meta")
    found = boxes[: regions.detections]
    network.rpn.filter_proposals = lambda *args: ([boxes[:most]], [boxes[:most, 0]])
    heads.postprocess_detections = lambda *args: ([found], [found[:, 0]], [found[:, 0].long()])
    for name, n in (("box", most), ("mask", regions.detections), ("keypoint", regions.detections)):
        pool = getattr(heads, f"{name}_roi_pool", None)
        if pool is not None:
            side = pool.output_size[0]
            setattr(heads, f"{name}_roi_pool", _Pooled((n, channels, side, side)) if n or name == "box" else None)
    return f"{most} proposals, {regions.detections} of them detections"


@final
class _Pooled(nn.Module):
    """Stands for the pooling of regions, which has no multiply-adds we count but needs values."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self._shape = shape

    def forward(self, *args: object) -> Tensor:
        """Return a tensor of the shape that pooling returns."""
        return torch.empty(self._shape, device="meta")
