"""Handwritten digits, 28 x 28 pixels: MNIST."""

from __future__ import annotations

from typing import final

from harness.pictures.fetched import Fetched
from harness.pictures.idx import IdxFiles


@final
class Mnist(Fetched):
    """70,000 grey pictures, 50,000 / 10,000 / 10,000.

    No writer of test wrote for train; train and val share writers. The licence is what Keras' documentation says; the
    authors' own page names none.
    """

    name = "mnist"
    task = "image-cls"
    source = "LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document Recognition"
    licence = "CC-BY-SA-3.0"
    group = None
    input_shape = (1, 28, 28)
    n_classes = 10
    resolutions = (14, 28)
    files = IdxFiles("MNIST")
    n_official = (60_000, 10_000)
    n_val = 10_000


PLUGIN = Mnist()
