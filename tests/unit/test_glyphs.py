from __future__ import annotations

import numpy as np
import pytest

from harness import plugins
from harness.datasets.glyphs import Glyphs, split_sizes
from harness.glyphs.fonts import FAMILIES
from harness.resample import area_average
from registry.errors import UsageError


@pytest.fixture
def glyphs() -> Glyphs:
    found: Glyphs = plugins.load("datasets", "glyphs")
    return found


def test_pixels_are_levels_of_256(glyphs: Glyphs) -> None:
    levels = glyphs.val().inputs * 256

    assert np.array_equal(levels, np.round(levels))
    assert levels.min() == 0
    assert levels.max() <= 255


def test_classes_are_equally_frequent(glyphs: Glyphs) -> None:
    for split in (glyphs.train(), glyphs.val(), glyphs.test()):
        counts = np.bincount(split.labels)

        assert counts.max() - counts.min() <= 1


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(glyphs: Glyphs) -> None:
    small, large = glyphs.sample(10, seed=5), glyphs.sample(1500, seed=5)

    assert np.array_equal(small.inputs, large.inputs[:10])
    assert np.array_equal(small.labels, large.labels[:10])
    assert not np.array_equal(small.inputs, glyphs.sample(10, seed=6).inputs)


def test_no_seed_draws_what_the_splits_hold(glyphs: Glyphs) -> None:
    known = {image.tobytes() for split in (glyphs.train(), glyphs.val(), glyphs.test()) for image in split.inputs}

    assert not any(image.tobytes() in known for seed in range(3) for image in glyphs.sample(100, seed=seed).inputs)


@pytest.mark.parametrize("side", [3, 65])
def test_a_side_too_small_or_too_large_is_refused(glyphs: Glyphs, side: int) -> None:
    with pytest.raises(UsageError) as caught:
        glyphs.sample(1, seed=0, side=side)

    assert caught.value.message == f"glyphs cannot be drawn with {side} pixels a side"
    assert caught.value.hint == "expected 4 to 64"


@pytest.mark.parametrize("side", [4, 8, 24, 64])
def test_fresh_images_have_any_side(glyphs: Glyphs, side: int) -> None:
    assert glyphs.sample(30, seed=0, side=side).inputs.shape == (30, 1, side, side)


def test_more_classes_are_another_data_set_whose_first_classes_are_the_same(glyphs: Glyphs) -> None:
    more = plugins.load("datasets", "glyphs-c60")

    assert more.name == "glyphs-c60"
    assert more.n_classes == 60
    assert set(more.val().labels) == set(range(60))
    assert plugins.load("datasets", "glyphs-c60") is more
    assert more.near_bayes_error is None  # measured for the first 26 classes alone
    assert glyphs.near_bayes_error is not None


def test_beyond_200_classes_there_are_100_a_class_to_train_on() -> None:
    assert [split_sizes(n)[0] for n in (10, 200, 201, 1000)] == [20_000, 20_000, 20_100, 100_000]
    assert split_sizes(10)[1:] == split_sizes(1000)[1:]


def test_unseen_fonts_are_those_of_another_family_in_each_split() -> None:
    unseen = plugins.load("datasets", "glyphs-unseen")

    assert unseen.name == "glyphs-unseen"
    assert unseen.group == "font family"
    assert unseen._fonts == (FAMILIES["dejavu"], FAMILIES["computer-modern"], FAMILIES["stix"])
    assert unseen.n_classes == Glyphs.n_classes


def test_unseen_splits_are_drawn_in_the_fonts_of_their_family(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def spy(characters: str, fonts: tuple[str, ...], side: int) -> object:
        asked.append(fonts)
        return alphabet(characters, fonts, side)

    from harness.datasets import glyphs as module

    alphabet = module.alphabet
    monkeypatch.setattr(module, "alphabet", spy)
    unseen = Glyphs(unseen=True)
    unseen.load()
    unseen.sample(1, seed=0)

    assert asked == [FAMILIES["dejavu"], FAMILIES["computer-modern"], FAMILIES["stix"], FAMILIES["stix"]]


def test_finer_images_are_those_of_glyphs_but_for_edges_and_noise(glyphs: Glyphs) -> None:
    fine = Glyphs(side=32)
    fine._sizes = (300, 1, 1)  # of all that there are
    drawn, expected = fine.load().train, glyphs.train()
    apart = np.abs(area_average(drawn.inputs, 16) - expected.inputs[:300]).mean(axis=(1, 2, 3)) * 256

    assert np.array_equal(drawn.labels, expected.labels[:300])
    assert 4 < apart.mean() < 10  # levels; noise alone 3.6 to 14 by the image
    assert np.median(np.abs(expected.inputs[26:300] - expected.inputs[:274])) * 256 > 20  # of others of the same class


def test_finer_images_are_offered_at_the_sides_of_glyphs_too() -> None:
    fine = Glyphs(side=32)

    assert (fine.name, fine.input_shape, fine.resolutions) == ("glyphs-px32", (1, 32, 32), (8, 16, 32))
    assert fine.sample(2, seed=0).inputs.shape == (2, 1, 32, 32)
    assert fine.sample(2, seed=0, side=16).inputs.shape == (2, 1, 16, 16)


@pytest.mark.parametrize("suffix", ["c12-n1000-px32-unseen", "c12-px32", "n2000-unseen", "px32"])
def test_variants_are_combined_in_one_order(suffix: str) -> None:
    found = plugins.load("datasets", f"glyphs-{suffix}")

    assert found.name == f"glyphs-{suffix}"
    assert found.n_classes == (12 if "c12" in suffix else 26)
    assert found.input_shape == ((1, 32, 32) if "px32" in suffix else (1, 16, 16))
    assert found.group == ("font family" if "unseen" in suffix else None)
    assert found.near_bayes_error is None


VARIANTS = (
    "glyphs-c<classes>, 10 to 1,000, glyphs-n<examples>, 1,000 to 1,000,000, glyphs-px32, or glyphs-unseen; or "
    "several, in this order: glyphs-c10-px32"
)


def test_a_variant_with_more_images_begins_with_those_of_glyphs(glyphs: Glyphs) -> None:
    small, large = Glyphs(n_train=1_000).load(), glyphs.train()

    assert len(small.val) == 20_000
    assert np.array_equal(small.train.inputs, large.inputs[:1_000])
    assert np.array_equal(small.val.inputs[: len(glyphs.val())], glyphs.val().inputs)


@pytest.mark.parametrize(
    ("suffix", "message", "hint"),
    [
        ("c9", "glyphs cannot have 9 classes", "expected 10 to 1,000"),
        ("c1001", "glyphs cannot have 1,001 classes", "expected 10 to 1,000"),
        ("c026", "glyphs has no variant 'c026'", f"expected {VARIANTS}"),
        ("seen", "glyphs has no variant 'seen'", f"expected {VARIANTS}"),
        ("px32-c10", "glyphs has no variant 'px32-c10'", f"expected {VARIANTS}"),
        ("px24", "glyphs has no variant 'px24'", f"expected {VARIANTS}"),
        ("c9-px32", "glyphs cannot have 9 classes", "expected 10 to 1,000"),
        ("", "glyphs has no variant ''", f"expected {VARIANTS}"),
        ("n999", "glyphs cannot have 999 images to train on", "expected 1,000 to 1,000,000"),
    ],
)
def test_an_unknown_variant_is_refused_with_what_is_possible(suffix: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        plugins.load("datasets", f"glyphs-{suffix}")

    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_resolution_that_is_not_offered_is_refused_with_those_that_are(glyphs: Glyphs) -> None:
    with pytest.raises(UsageError) as caught:
        glyphs.at(10)

    assert caught.value.message == "glyphs has no resolution 10"
    assert caught.value.hint == "expected one of 8, 12, 16"


def test_an_image_at_half_the_resolution_is_the_mean_of_four_pixels(glyphs: Glyphs) -> None:
    full = glyphs.val().inputs

    assert np.array_equal(glyphs.at(8).val().inputs, full.reshape(-1, 1, 8, 2, 8, 2).mean(axis=(3, 5)))
