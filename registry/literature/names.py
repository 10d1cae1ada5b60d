"""What models are called: the same architecture under the names that sources give it. Standard library alone."""

from __future__ import annotations

import re


def architecture(model: str) -> str:
    """Return a model's name without its recipe: ``ResNet-50 (pycls)`` and ``resnet50.a1_in1k`` are ``resnet50``."""
    name = re.split(r"\s*\(|[ @]|\.(?!\d)|_\d+xb", model.casefold())[0]
    return re.sub(r"[^a-z0-9.+*]", "", re.sub(r"(?<=\d)_(?=\d)", ".", name))


def network(model: str) -> str:
    """Return an architecture's name without what libraries add to it, too.

    Left out are the framework that values were ported from (``tf_``), a width of 100 % (``_100``), what mmpretrain
    trains on (``_b32x8_imagenet``) and a point with nothing behind it (``8.0gf``).
    """
    name = re.sub(r"^tf_|_b\d+x\d+.*|_100(?=\.|$)", "", model.casefold())
    return re.sub(r"\.0(?=gf)", "", architecture(name))
