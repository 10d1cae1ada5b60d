"""The width and depth of torchvision's networks, where their builders have them; and which builder that is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from harness import vision

Sizes = tuple[int | None, int | None]


def kind(weights: Any) -> str:
    """Return the part of torchvision the weights belong to: ``classification``, ``quantization``, ``detection`` ..."""
    parts = type(weights).__module__.split(".")
    return parts[2] if len(parts) > 3 else "classification"


def builder_name(weights: Any) -> str:
    """Return the name under which torchvision lists the builder of these weights, such as ``resnet50``."""
    models = vision.load().models
    if not _BUILDERS:
        _BUILDERS.update({models.get_model_weights(name): name for name in models.list_models()})
    return _BUILDERS[type(weights)]


_BUILDERS: dict[Any, str] = {}


def size(weights: Any, network: Any) -> Sizes:
    """Return (width, depth) where the builder has them; (None, None) elsewhere.

    ResNets, DenseNets and VGGs are as deep as their names say, without a number that torchvision does not give;
    others have so many blocks. Width is the channels inside the first stage, or the model dimension.
    """
    if kind(weights) not in ("classification", "quantization", "video"):
        return None, None
    module = type(weights).__module__.rpartition(".")[2]
    reader = _SIZES.get((kind(weights) == "video", module))
    return (None, None) if reader is None else reader(builder_name(weights), network)


def _number(name: str, position: int = 0) -> int:
    """Return a number of a builder's name: ``wide_resnet50_2`` -> 50, at position -1 ``mc3_18`` -> 18."""
    return int(re.findall(r"\d+", name)[position])


def _resnet(name: str, network: Any) -> Sizes:
    block = network.layer1[0]
    inner = block.conv2 if hasattr(block, "conv3") else block.conv1
    return inner.out_channels, _number(name)


def _video_resnet(name: str, network: Any) -> Sizes:
    return network.layer1[0].conv1[1].num_features, _number(name, -1)


def _densenet(name: str, network: Any) -> Sizes:
    return network.features.conv0.out_channels, _number(name)


def _vgg(name: str, network: Any) -> Sizes:
    return network.features[0].out_channels, _number(name)


def _vision_transformer(name: str, network: Any) -> Sizes:
    return network.hidden_dim, len(network.encoder.layers)


def _stages(name: str, network: Any) -> Sizes:
    """Of ConvNeXt and Swin: every second part of the network is a stage of blocks, the first one its stem."""
    return network.features[0][0].out_channels, sum(map(len, network.features[1::2]))


def _regnet(name: str, network: Any) -> Sizes:
    first = next(network.trunk_output[0].children())
    return first.proj[0].out_channels, sum(len(list(stage.children())) for stage in network.trunk_output)


def _mvit(name: str, network: Any) -> Sizes:
    return network.conv_proj.out_channels, len(network.blocks)


def _swin_video(name: str, network: Any) -> Sizes:
    return network.patch_embed.proj.out_channels, sum(map(len, network.features[0::2]))


_SIZES: Final[dict[tuple[bool, str], Callable[[str, Any], Sizes]]] = {
    (False, "resnet"): _resnet,
    (False, "densenet"): _densenet,
    (False, "vgg"): _vgg,
    (False, "vision_transformer"): _vision_transformer,
    (False, "convnext"): _stages,
    (False, "swin_transformer"): _stages,
    (False, "regnet"): _regnet,
    (True, "resnet"): _video_resnet,
    (True, "mvit"): _mvit,
    (True, "swin_transformer"): _swin_video,
}
