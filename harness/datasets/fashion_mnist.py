"""Articles of clothing, 28 x 28 pixels: Fashion-MNIST."""

from __future__ import annotations

from typing import final

from harness.pictures.fetched import Fetched
from harness.pictures.idx import IdxFiles


@final
class FashionMnist(Fetched):
    """70,000 grey pictures, 50,000 / 10,000 / 10,000, in the form of MNIST."""

    name = "fashion-mnist"
    task = "image-cls"
    source = "Xiao, Rasul & Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747"
    licence = "MIT"
    group = None
    input_shape = (1, 28, 28)
    n_classes = 10
    resolutions = (14, 28)
    files = IdxFiles("FashionMNIST")
    n_official = (60_000, 10_000)
    n_val = 10_000


PLUGIN = FashionMnist()
