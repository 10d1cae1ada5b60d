"""The data sets that torchvision states figures on, as questions of the registry.

After "read:" stands where a value was read; what nobody read anywhere is marked "not confirmed:".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, final


@final
@dataclass(frozen=True)
class Question:
    """One data set as torchvision names it, and what a record says of it.

    Attributes:
        task: The task category.
        dataset: The data set's id.
        source: Where the data come from.
        licence: Their licence or terms.
        stated: torchvision's name of the main metric.
        metric: Ours.
        unit: Its unit; fractions are stated in percent.
        direction: Which way is better.
        chance: The metric of the best constant answer; None where nobody says.
        n_train: Training examples; None where the source of the data does not say or weights differ in it.
        n_test: Examples behind the figure; None likewise.
        n_classes: Classes; None where there are none.
        note: What the figures rest on.
    """

    task: str
    dataset: str
    source: str
    licence: str
    stated: str
    metric: str
    unit: Literal["fraction", "pixels"]
    direction: Literal["higher", "lower"]
    chance: float | None
    n_train: int | None
    n_test: int | None
    n_classes: int | None
    note: str

    def facts(self) -> dict[str, Any]:
        """Return the ``question`` of a record."""
        return {
            "task": self.task,
            "dataset": {
                "id": self.dataset,
                "source": self.source,
                "licence": self.licence,
                "sha256": None,
                "n_train": self.n_train,
                "n_val": None,
                "n_test": self.n_test,
                "input_shape": None,
                "n_classes": self.n_classes,
                "group": None,
            },
            "metric": {
                "name": self.metric,
                "unit": self.unit,
                "direction": self.direction,
                "chance": self.chance,
            },
        }


# read: all of it in guidelines/image-cls/imagenet-1k/literature/benchmark.toml, which says where
_IMAGENET: Final = Question(
    "image-cls",
    "imagenet-1k",
    "Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge, arXiv:1409.0575 (ILSVRC 2012)",
    "terms of image-net.org: non-commercial research and education",
    "acc@1",
    "accuracy",
    "fraction",
    "higher",
    0.001,  # 50 images of each of 1,000 classes
    1_281_167,
    50_000,
    1000,
    "Figures are of the 50,000 validation images, which recipes may have been chosen by; flops of one image at the "
    "side the weights ask for.",
)
# read: huggingface.co/datasets/shijli/coco2017 (licence, 118,287 and 5,000 images, 80 categories); not confirmed: how
# many images have keypoints or a class of Pascal VOC, so these numbers are left out
_COCO: Final = "Lin et al. 2014, Microsoft COCO: Common Objects in Context, arXiv:1405.0312 (2017 split)"
_COCO_LICENCE: Final = "annotations CC-BY-4.0, images under Flickr's terms of use"
# read: a public copy of the paper (title, authors, year); not confirmed: the licence, so its site is named, and how
# many pairs of images a figure is of
_SINTEL: Final = "Butler et al. 2012, A naturalistic open source movie for optical flow evaluation, ECCV"
_SINTEL_LICENCE: Final = "see sintel.is.tue.mpg.de"
_PAIR: Final = (
    "Flops are of one pair of 512 x 512 images. Letters in the weights' names are the data trained on: Chairs, "
    "Things, then Sintel with KITTI and HD1K, then KITTI."
)
_REGIONS: Final = (
    "Figures are of the 5,000 validation images; flops of one 512 x 512 image, which the network scales itself, and "
    "of as many regions as the count took: an image decides that."
)

# By the data set that the metadata name first; further ones stand beside as further figures.
QUESTIONS: Final[Mapping[str, Question]] = {
    "ImageNet-1K": _IMAGENET,
    "COCO-val2017": Question(
        "detection",
        "coco",
        _COCO,
        _COCO_LICENCE,
        "box_map",
        "map",
        "fraction",
        "higher",
        0.0,
        118_287,
        5000,
        80,
        _REGIONS,
    ),
    "COCO-val2017 (keypoints)": Question(
        "keypoints",
        "coco",
        _COCO,
        _COCO_LICENCE,
        "kp_map",
        "keypoint-map",
        "fraction",
        "higher",
        0.0,
        None,
        5000,
        None,
        _REGIONS,
    ),
    "COCO-val2017-VOC-labels": Question(
        "segmentation",
        "coco-voc-labels",
        # read: torchvision, models/segmentation/deeplabv3.py (20 classes of Pascal VOC; background is the 21st)
        f"{_COCO}, the 20 classes of Pascal VOC and background",
        _COCO_LICENCE,
        "miou",
        "miou",
        "fraction",
        "higher",
        None,
        None,
        None,
        21,
        "Trained and tested on the part of COCO with classes of Pascal VOC, not on VOC itself; flops of one image of "
        "520 x 520.",
    ),
    "Kinetics-400": Question(
        "video-cls",
        "kinetics-400",
        # read: its abstract (400 classes); git-disl.github.io/GTDLBench (at most 50 validation videos a class); two
        # public copies of the terms (licensed by Google under CC BY 4.0, videos are links). not confirmed: that it is
        # 50 in every class, so 20,000 is the most it can be
        "Kay et al. 2017, The Kinetics Human Action Video Dataset, arXiv:1705.06950",
        "annotations CC-BY-4.0, videos under YouTube's terms",
        "acc@1",
        "accuracy",
        "fraction",
        "higher",
        0.0025,
        None,
        20_000,
        400,
        "Accuracy is of a whole video, from several clips of it; flops are of one clip of 16 frames.",
    ),
    "Sintel-Train-Cleanpass": Question(
        "optical-flow",
        "sintel-train-clean",
        _SINTEL,
        _SINTEL_LICENCE,
        "epe",
        "epe",
        "pixels",
        "lower",
        None,
        None,
        None,
        None,
        f"Figures are of Sintel's training images, none of which these weights were trained on. {_PAIR}",
    ),
    "Sintel-Test-Cleanpass": Question(
        "optical-flow",
        "sintel-test-clean",
        _SINTEL,
        _SINTEL_LICENCE,
        "epe",
        "epe",
        "pixels",
        "lower",
        None,
        None,
        None,
        None,
        _PAIR,
    ),
    "Kitti-Test": Question(
        "optical-flow",
        "kitti-test",
        # read: bibliographies that cite it so; huggingface.co/datasets/heesang1/KITTI-QA (the licence);
        # torchvision, models/optical_flow/raft.py (3 pixels, 5 %). not confirmed: how many pairs a figure is of
        "Menze & Geiger 2015, Object Scene Flow for Autonomous Vehicles, CVPR (KITTI 2015)",
        "CC-BY-NC-SA-3.0",
        "fl_all",
        "fl-all",
        "fraction",
        "lower",
        None,
        None,
        None,
        None,
        f"fl-all is the share of pixels whose flow is wrong by more than 3 pixels and 5 %. {_PAIR}",
    ),
}
