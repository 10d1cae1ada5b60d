"""The contract of `harness/datasets`, for every file there."""

import hashlib

import numpy as np
import pytest

from harness import plugins
from harness.datasets.base import Dataset, Split, Splits
from registry.errors import InvalidData, UsageError
from registry.schema import DatasetFacts

# Four data sets are files that have to be fetched: here they are small ones of the same form.
pytestmark = pytest.mark.usefixtures("small_pictures")

# Fixed for ever: a released record names the hash of the data it was measured on.
SHA256 = {
    "breast-cancer": "af67eb76fabe1937cf402443f7890b9689d75962828294c3c772da36ed835820",
    "bytes-sympy-1-14": "51bf4b6c9f65b93790d6dfb2c4713a32ebb1618ab7951e6acce12a9b54e9dea5",
    "cloze-sympy-1-14": "5839d95b23c14f4b190e1f3c63f6a98e013b2302f9b4639f8eb72d9e035954b4",
    "diabetes": "00f1a7b5942bd8640095db4b1e230ccccd49ea6a12be68c3d9bbd485e87191bb",
    "digits": "3e3255eee863ffa4ad9209c5f3268991a3f3b2f381fbb2ca206d310c0cc9331d",
    "friedman-1": "6eb4a5728ed46b272ecb403fd3d53655e463281d06fb12c50e8128b66d225a2d",
    "friedman-2": "b63da944eeaadd08ff335b9486dd3a94f10caf7519e20340a12898c25886c712",
    "friedman-3": "b0ee510d1f005b4cd6a6a2b02da8d7cda77e9beb975e6d8cfed4c62832ae8f41",
    "glyphs": "09ea7ec9928747986e1abf6721b31c95b8503f39f24dc273cdf6c6342d725561",
    "glyphs-c10-px32": "abecb45efe8050e746ef7dc77f6c675ea289e2f650e7ff503f895f0448d83745",
    "glyphs-unseen": "ec6ce37443eef58ad055ae150a0b7b51bfcd1e38365fd93e4090b5238e01df46",
    "hastie-10-2": "68a4fcc6178d802cc3d04e216c157fe2b4caa671083613e2a5d2a63c36d78d65",
    "next-token-sympy-1-14": "75c90e675f23089915d10da6f35bc9390a98a49a5d7aef5d7e13366bfd7268c8",
    "ringnorm": "30a3a84d0c73933d9f720e71e17d1c6f00e943907da4f3f570337c61920d112e",
    "twonorm": "3b1765ccf4108d57795a68d0bfeeb641220d7979cf0b7deab2f08fd962f7b580",
    "waveform": "05f7d33b6e0853572ecc01dbe5ce2957f91d8983d039453981cfdd388e58748d",
    "waveform-noise10": "30b86a502573305380b41e9ca5c0286b0a70ae6dfd1c29f903519824e059b150",
    "wine": "151c6fad438d298a61eddcf05edacec3ae6c571a3001bf6068a495da6037589a",
}
SIZES = {
    "breast-cancer": (300, 100, 169),
    "bytes-sympy-1-14": (193_120, 500, 500),
    "cloze-sympy-1-14": (150_483, 4_000, 10_000),
    "diabetes": (242, 80, 120),
    "digits": (1000, 200, 597),
    "friedman-1": (10_000, 2_000, 2_000),
    "friedman-2": (10_000, 2_000, 2_000),
    "friedman-3": (10_000, 2_000, 2_000),
    "glyphs": (20_000, 4_000, 10_000),
    "glyphs-c10-px32": (20_000, 4_000, 10_000),
    "glyphs-unseen": (20_000, 4_000, 10_000),
    "hastie-10-2": (10_000, 2_000, 10_000),
    "next-token-sympy-1-14": (1_717_818, 20_000, 20_000),
    "ringnorm": (10_000, 2_000, 10_000),
    "twonorm": (10_000, 2_000, 10_000),
    "waveform": (10_000, 2_000, 10_000),
    "waveform-noise10": (10_000, 2_000, 10_000),
    "wine": (90, 30, 58),
}
# Examples of val and of test whose inputs stand in train as well, where what is kept apart is files.
REPEATED = {
    "bytes-sympy-1-14": (2, 0),
    "cloze-sympy-1-14": (87, 290),
    "next-token-sympy-1-14": (17_602, 17_737),
}


# each in one process: some take seconds to load
@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.xdist_group(f"data set {name}")) for name in plugins.names("datasets")]
)
def dataset(request):
    return plugins.load("datasets", request.param)


def test_it_is_named_like_its_file(dataset):
    assert isinstance(dataset, Dataset)
    assert dataset.name in plugins.names("datasets")
    assert plugins.load("datasets", dataset.name) is dataset


def test_its_task_exists(dataset):
    assert dataset.task in plugins.names("tasks")


def test_its_facts_fit_the_record(dataset):
    facts = DatasetFacts(
        id=dataset.name,
        source=dataset.source,
        licence=dataset.licence,
        sha256=dataset.sha256(),
        n_train=len(dataset.train()),
        n_val=len(dataset.val()),
        n_test=len(dataset.test()),
        input_shape=list(dataset.input_shape),
        n_classes=dataset.n_classes,
        group=dataset.group,
    )

    assert facts.id == dataset.name


def test_every_split_has_the_promised_form(dataset):
    for split in (dataset.train(), dataset.val(), dataset.test()):
        shape = dataset.input_shape[:-1] if dataset.symbols else dataset.input_shape

        assert split.inputs.dtype == (np.uint8 if dataset.symbols else np.float32)
        assert split.labels.dtype == (np.float32 if dataset.n_classes is None else np.int64)
        assert split.inputs.shape == (len(split), *shape)
        assert split.labels.shape == ((len(split), *shape) if dataset.per_position else (len(split),))
        assert np.isfinite(split.inputs).all()
        assert np.isfinite(split.labels).all()
        assert not dataset.symbols or split.inputs.max() < dataset.input_shape[-1]


def test_train_holds_every_class_and_no_split_another(dataset):
    if dataset.n_classes is None:
        assert dataset.target_scale()[1] > 0
    else:
        every = set(range(dataset.n_classes))

        assert set(np.unique(dataset.train().labels)) == every
        # a rare type of token or a rare byte may be in none of the files that val or test come from
        rare = dataset.name in {"next-token-sympy-1-14", "bytes-sympy-1-14"}
        for split in (dataset.val(), dataset.test()):
            found = set(np.unique(split.labels))

            assert found < every if rare else found == every


def test_a_split_cannot_be_written_to(dataset):
    with pytest.raises(ValueError, match="read-only"):
        dataset.train().inputs[0] = 0


def test_loading_again_gives_the_same_bytes(dataset):
    again = type(dataset)()

    assert again.sha256() == dataset.sha256()


def test_no_two_splits_share_an_example_but_for_those_counted(dataset):
    train, val, test = (
        [inputs.tobytes() for inputs in split.inputs] for split in (dataset.train(), dataset.val(), dataset.test())
    )
    trained = set(train)

    assert tuple(sum(row in trained for row in rows) for rows in (val, test)) == REPEATED.get(dataset.name, (0, 0))
    assert dataset.name in REPEATED or not set(val) & set(test)


def test_only_data_sets_that_keep_groups_apart_may_repeat_an_example():
    assert all(plugins.load("datasets", name).group for name in REPEATED)


def test_a_smaller_subset_of_a_seed_lies_inside_the_larger(dataset):
    n = len(dataset.train())
    small, large = dataset.subset(n // 3, seed=4), dataset.subset(n, seed=4)

    assert np.array_equal(small, large[: n // 3])
    assert np.array_equal(np.sort(large), np.arange(n))
    assert small.dtype == np.int64


def test_seeds_draw_different_subsets(dataset):
    n = len(dataset.train()) // 3

    assert not np.array_equal(dataset.subset(n, seed=0), dataset.subset(n, seed=1))


def test_a_subset_too_small_is_refused(dataset):
    fewest = dataset.n_classes if dataset.n_classes and not dataset.per_position else 2

    assert dataset.fewest == fewest
    with pytest.raises(UsageError, match=f"n_train {fewest - 1} is below the {fewest} "):
        dataset.subset(fewest - 1, seed=0)


def test_a_subset_larger_than_train_is_refused(dataset):
    n = len(dataset.train())

    with pytest.raises(UsageError, match=f"n_train {n + 1} is above the {n:,} training examples of {dataset.name}"):
        dataset.subset(n + 1, seed=0)


def test_without_a_resolution_and_at_its_own_it_is_itself(dataset):
    assert dataset.at(None) is dataset
    assert not dataset.resolutions or dataset.at(dataset.input_shape[-1]) is dataset


def test_resolutions_ascend_to_its_own(dataset):
    assert list(dataset.resolutions) == sorted(set(dataset.resolutions))
    assert not dataset.resolutions or dataset.resolutions[-1] == dataset.input_shape[-1]


def test_lower_resolutions_show_the_same_examples(dataset):
    for side in dataset.resolutions[:-1]:
        view = dataset.at(side)

        assert view is dataset.at(side)
        assert view.input_shape == (dataset.input_shape[0], side, side)
        assert view.sha256() == dataset.sha256()
        assert view.at(dataset.resolutions[-1]) is dataset
        assert view.at(None) is view
        for split, original in zip(view._splits, dataset._splits, strict=True):
            brightness = original.inputs.mean(axis=(1, 2, 3))

            assert split.inputs.dtype == np.float32
            assert split.inputs.shape == (len(original), *view.input_shape)
            assert np.array_equal(split.labels, original.labels)
            assert split.inputs.mean(axis=(1, 2, 3)) == pytest.approx(brightness, abs=1e-5)


def test_a_resolution_that_is_not_offered_is_refused(dataset):
    with pytest.raises(UsageError, match=f"{dataset.name} has no resolution 7"):
        dataset.at(7)


@pytest.mark.parametrize("name", SHA256)
def test_the_splits_are_fixed_for_ever(name):
    dataset = plugins.load("datasets", name)

    assert dataset.sha256() == SHA256[name]
    assert tuple(map(len, (dataset.train(), dataset.val(), dataset.test()))) == SIZES[name]


def test_the_subset_of_a_seed_is_fixed_for_ever():
    assert plugins.load("datasets", "digits").subset(10, seed=0).tolist() == [
        459,
        206,
        222,
        162,
        711,
        814,
        350,
        890,
        518,
        264,
    ]


@pytest.mark.parametrize("name", ["breast-cancer", "wine"])
def test_tables_are_standardised_by_train_alone(name):
    dataset = plugins.load("datasets", name)
    train, test = dataset.train().inputs.astype(np.float64), dataset.test().inputs.astype(np.float64)

    assert train.mean(axis=0) == pytest.approx(np.zeros(dataset.input_shape), abs=1e-6)
    assert train.std(axis=0) == pytest.approx(np.ones(dataset.input_shape), abs=1e-6)
    assert np.abs(test.mean(axis=0)).max() > 0.01


def test_digits_are_sixteenths():
    pixels = plugins.load("datasets", "digits").train().inputs * 16

    assert np.array_equal(pixels, np.round(pixels))
    assert pixels.min() == 0
    assert pixels.max() == 16


class Toy(Dataset):
    """Three examples a split, of two features; what is loaded can be changed."""

    name, task, source, licence, group = "toy", "tabular-cls", "made here", "CC0-1.0", None
    input_shape, n_classes = (2,), 2

    def __init__(self, labels=(0, 1, 1), features=2):
        self.split = Split(
            np.arange(3 * features, dtype=np.float32).reshape(3, features), np.array(labels, dtype=np.int64)
        )

    def load(self):
        return Splits(self.split, self.split, self.split)


def test_the_hash_follows_its_documented_byte_order():
    inputs = np.arange(6, dtype="<f4").tobytes()
    labels = np.array([0, 1, 1], dtype="<i8").tobytes()
    content = b"".join(
        b"%s.inputs float32 3x2\n%s%s.labels int64 3\n%s" % (name, inputs, name, labels)
        for name in (b"train", b"val", b"test")
    )

    assert Toy().sha256() == hashlib.sha256(content).hexdigest()


def test_the_hash_does_not_depend_on_memory_order():
    toy = Toy()
    toy.split = Split(np.asfortranarray(toy.split.inputs), toy.split.labels)

    assert toy.sha256() == Toy().sha256()


def test_a_label_outside_the_classes_is_refused():
    with pytest.raises(InvalidData, match="toy: train needs labels, all in 0 to 1"):
        Toy(labels=(0, 1, 2)).train()


def test_targets_that_are_no_classes_are_refused():
    toy = Toy()
    toy.split = Split(toy.split.inputs, np.zeros(3, dtype=np.float32))

    with pytest.raises(InvalidData, match="toy: train has float32 labels, expected int64 classes"):
        toy.train()


def test_a_split_may_hold_targets_that_are_numbers():
    split = Split(np.zeros((2, 1), dtype=np.float32), np.array([0.5, -1.5], dtype=np.float32))

    assert split.labels.tolist() == [0.5, -1.5]


def test_an_example_of_another_shape_is_refused():
    with pytest.raises(InvalidData, match=r"toy: train examples have shape \(3,\), expected \(2,\)"):
        Toy(features=3).train()


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (np.zeros((2, 1)), np.zeros(2, dtype=np.int64), "float64 inputs and int64 labels, expected float32"),
        (
            np.zeros((2, 1), dtype=np.float32),
            np.array([0, np.inf], dtype=np.float32),
            "labels that are NaN or infinite",
        ),
        (np.zeros((2, 1), dtype=np.float32), np.zeros(3, dtype=np.int64), r"labels of shape \(3,\)"),
        (np.full((2, 1), np.nan, dtype=np.float32), np.zeros(2, dtype=np.int64), "NaN or infinite"),
    ],
)
def test_a_malformed_split_is_refused(inputs, labels, message):
    with pytest.raises(InvalidData, match=message):
        Split(inputs, labels)
