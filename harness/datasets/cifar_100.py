"""Photographs of a hundred classes, 32 x 32 pixels in colour: CIFAR-100."""

from __future__ import annotations

from typing import final

from harness.pictures.cifar import CifarFiles
from harness.pictures.fetched import Fetched


@final
class Cifar100(Fetched):
    """60,000 colour pictures, 45,000 / 5,000 / 10,000.

    10 % of the test pictures have a near duplicate in train (Barz & Denzler 2020, arXiv:1902.00423), and stay. The
    authors state no licence.
    """

    name = "cifar-100"
    task = "image-cls"
    source = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images (CIFAR-100)"
    licence = "NOASSERTION"
    group = None
    input_shape = (3, 32, 32)
    n_classes = 100
    resolutions = (16, 32)
    files = CifarFiles("CIFAR100", "fine_labels")
    n_official = (50_000, 10_000)
    n_val = 5_000


PLUGIN = Cifar100()
