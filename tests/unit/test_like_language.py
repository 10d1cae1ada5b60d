"""`guides like` for texts without labels: descriptors by counting, which records are near, and what is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.like import language, near, near_language
from harness.like.answer import answer_language, lines, values
from harness.like.language import Language, describe
from harness.like.recorded import RecordedLanguage
from harness.own.language import read as read_own
from registry.errors import InvalidData, UsageError
from registry.roots import Root
from tests import own_files, shipped
from tests.like_data import DESCRIPTORS, MadeUp
from tests.unit.conftest import Result

Guides = Callable[..., Result]

NOISE = 0.1
BITS = -(0.925 * np.log2(0.925) + 3 * 0.025 * np.log2(0.025))  # of the best prediction of the cycle below
TEXT = Language(
    task="lang-model", modality="text", n_train=1000, length=64, n_symbols=97, unigram_bits=4.5, n_gram_bits=2.0,
    n_probed=1000, n_asked=200,
)  # fmt: skip
LABELLED = replace(
    DESCRIPTORS, task="text-cls", modality="text", n_train=193_120, n_inputs=64 * 97, n_classes=97, length=64,
    intrinsic_dimension=None,
)  # fmt: skip
SIZE = 4_800_000  # bytes: of these, a quarter of the windows of SymPy's code are to train on, and a few more
PER_BYTE = "bits-per-byte"


def cycle(n: int = 2_000, length: int = 16) -> MadeUp:
    """Four symbols in turn, in one of ten places any of them."""
    rng = np.random.default_rng(0)
    rows = np.zeros((n, length + 1), dtype=np.uint8)
    rows[:, 0] = rng.integers(4, size=n)
    for at in range(1, length + 1):
        is_any = rng.random(n) < NOISE
        rows[:, at] = np.where(is_any, rng.integers(4, size=n), (rows[:, at - 1] + 1) % 4)
    return MadeUp(rows[:, :-1], rows[:, 1:].astype(np.int64), n_symbols=256, task="lang-model", per_position=True)


def recorded(name: str = "one", **changed: Any) -> RecordedLanguage:
    facts = {
        "where": "file", "modality": "text", "n_train": 1000, "length": 64, "n_symbols": 97,
        "bits": {"unigram": 4.5, "n-gram": 2.0}, "sizes": ("knee: 100 params",), **changed,
    }  # fmt: skip
    return RecordedLanguage(name, **facts)


def record(**changed: Any) -> dict[str, Any]:
    """What of a record is looked at: a knee of 2.9 bits, whose reference takes 2.7, and an n-gram model of 2.0."""
    shape = {"width": 24, "depth": 1, "resolution": None}
    knee = {"params": 8_353, "shape": shape, "test": {"median": 2.8899}, "reference": {"test": {"median": 2.7}}}
    dataset = {"n_train": 1000, "input_shape": [64, 97], "n_classes": 97, "symbols": True, "per_position": True}
    return {
        "question": {"task": "lang-model", "dataset": dataset, "metric": {"name": PER_BYTE}},
        "knee": [knee],
        "frontier": [{"target": 3.1, "params": 4_833, "shape": shape, "test": {"median": 3.07}}],
        "baselines": [
            {"name": "unigram", "metric": 4.5, "bytes": 1_024},
            {"name": "n-gram", "metric": 2.0, "bytes": 26_000},
        ],
        "notes": [],
        **changed,
    }


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the records of texts that ship, with labels and without."""
    folder = tmp_path_factory.mktemp("texts")
    for task in ("lang-model", "text-cls"):
        shutil.copytree(shipped.ROOT / task, folder / task)
    return folder


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python source that is not SymPy's, in one file."""
    import scipy

    content = b""
    for file in sorted(Path(scipy.__file__).parent.rglob("*.py")):
        content += file.read_bytes()
        if len(content) >= SIZE:
            break
    path = tmp_path_factory.mktemp("code") / "all.py"
    path.write_bytes(content)
    return path


def test_counting_tells_how_well_symbols_are_foretold() -> None:
    found = describe(cycle())

    assert (found.n_train, found.length, found.n_symbols) == (1_200, 16, 4)
    assert (found.n_probed, found.n_asked) == (1_200, 400)
    assert found.unigram_bits == pytest.approx(2, abs=0.12)  # 252 symbols that never occur are counted once each
    assert found.n_gram_bits == pytest.approx(BITS, abs=0.06)


def test_no_more_is_counted_than_is_allowed_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "MOST_SYMBOLS", 16 * 100)
    monkeypatch.setattr(language, "MOST_VAL", 50)
    found = describe(cycle())

    assert (found.n_train, found.n_probed, found.n_asked) == (1_200, 100, 50)
    assert describe(cycle()) == found


def test_the_test_split_is_not_read() -> None:
    data = cycle(300)
    before = describe(data)
    data.blank_test()

    assert (data.test().inputs == 0).all()
    assert describe(data) == before


def test_examples_with_one_label_each_have_other_descriptors() -> None:
    with pytest.raises(UsageError, match=r"tabular-cls is no language model's task"):
        describe(MadeUp(np.zeros((20, 2), dtype=np.float32), np.arange(20) % 2))


@pytest.mark.parametrize(
    "changed",
    [{"n_train": 4001}, {"n_train": 249}, {"length": 257}, {"length": 15}, {"n_symbols": 24}, {"n_symbols": 389}],
)
def test_nothing_beyond_four_times_in_any_count_is_near(changed: dict[str, int]) -> None:
    assert near_language.nearest(TEXT, [recorded(**changed)]) == []


@pytest.mark.parametrize("changed", [{"n_train": 4000}, {"n_train": 250}, {"length": 256}, {"n_symbols": 25}])
def test_four_times_in_one_count_is_near(changed: dict[str, int]) -> None:
    assert len(near_language.nearest(TEXT, [recorded(**changed)])) == 1


def test_the_nearest_come_first_and_a_factor_of_four_is_as_far_as_two_bits() -> None:
    every = [
        recorded("fewer", n_train=300),
        recorded("harder", bits={"unigram": 4.5, "n-gram": 4.0}),
        recorded("unknown", bits={}),
        recorded("same"),
    ]
    found = near_language.nearest(TEXT, every)

    assert [one.recorded.name for one in found] == ["same", "fewer", "harder"]
    assert [found[0].distance, found[2].distance] == [0, pytest.approx(1)]


def test_what_agrees_is_told_once_and_what_differs_twice() -> None:
    said = near_language.reason(TEXT, recorded(n_train=1700, length=32, n_symbols=256))

    assert said == (
        "1,700 windows against 1,000, within 1.7 x, 32 symbols each against 64, 256 different symbols against 97, "
        "unigram 4.50 bits against 4.50, n-gram 2.00 bits against 2.00"
    )
    assert near_language.reason(TEXT, recorded(bits={})) == "1,000 windows, 64 symbols each, 97 different symbols"


def test_a_record_tells_its_sizes_with_their_bits_and_what_takes_fewer() -> None:
    found = near_language.of_record("a v1", "file", record())

    assert found is not None
    assert (found.n_train, found.length, found.n_symbols) == (1000, 64, 97)
    assert found.bits == {"unigram": 4.5, "n-gram": 2.0}
    assert found.without_network == (
        "without a network: an n-gram model of 26,000 bytes takes 2.000 bits-per-byte, the best network here 2.700"
    )
    assert found.sizes == (
        "knee: 8,353 params (width 24, depth 1), 2.890 bits-per-byte",
        "bits-per-byte 3.1: 4,833 params (width 24, depth 1)",
    )


def test_a_baseline_that_a_network_beats_is_not_told_as_a_size() -> None:
    weak = [{"name": "n-gram", "metric": 2.8, "bytes": 26_000}]
    found = near_language.of_record("a v1", "file", record(baselines=weak))

    assert found is not None
    assert found.bits == {"n-gram": 2.8}
    assert found.without_network == ""


def test_a_knee_whose_reference_is_doubted_is_told_as_a_least_size() -> None:
    doubted = record(notes=["knee: validation error of its reference was still falling at the most steps, 2,000"])
    found = near_language.of_record("a v1", "file", doubted)

    assert found is not None
    assert "knee: at least 8,353 params (width 24, depth 1), 2.890 bits-per-byte" in found.sizes


def test_a_record_of_all_bytes_is_near_whichever_of_them_occur() -> None:
    """As `guides bench --data` writes it: a text of four letters has 256 symbols there."""
    question = record()["question"]
    of_bytes = {**question, "dataset": {**question["dataset"], "input_shape": [64, 256], "n_classes": 256}}
    found = near_language.of_record("a v1", "file", record(question=of_bytes))

    assert found is not None
    assert found.n_symbols is None
    assert near_language.times_apart(replace(TEXT, n_symbols=4), found) == [1, 1]
    assert near_language.reason(TEXT, found).startswith("1,000 windows, 64 symbols each, unigram ")


@pytest.mark.parametrize(
    "changed",
    [
        {"knee": [], "frontier": []},
        {"question": {**record()["question"], "metric": {"name": "perplexity"}}},
        {"question": {**record()["question"], "task": "text-cls"}},
        {"question": {**record()["question"], "dataset": {**record()["question"]["dataset"], "input_shape": None}}},
    ],
    ids=["no-sizes", "other-metric", "labels", "no-shape"],
)
def test_a_record_that_cannot_be_compared_is_passed_over(changed: dict[str, Any]) -> None:
    assert near_language.of_record("a v1", "file", record(**changed)) is None


def test_labelled_texts_and_texts_without_labels_are_never_near(texts: Path) -> None:
    where = [Root(str(texts))]
    labelled, unlabelled = near.of_registry(where), near_language.of_registry(where)

    assert near.of_record("a v1", "file", record()) is None  # though its symbols could be taken for classes
    assert {one.name.split("/")[0] for one in labelled} == {"text-cls"}
    assert {one.name.split("/")[0] for one in unlabelled} == {"lang-model"}


def test_no_size_is_suggested_for_a_text_without_labels() -> None:
    found = answer_language(TEXT, [recorded()], "guides bench --knee")

    assert found.refusal() is None
    assert found.suggestion is None
    assert lines(found)[-2].startswith("no size is suggested: how far off one would be is not known for texts without")
    assert lines(found)[-1] == "find out: guides bench --knee"


def test_python_source_is_near_both_families_on_record(
    guides: Guides, texts: Path, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "MOST_SYMBOLS", 2**17)
    result = guides("like", code, "--registry", texts)
    said = result.out.splitlines()
    families = [said.index(line) for line in said if line.startswith("  lang-model/bytes-sympy-1-14/")]

    assert result.code == 0, result.err
    assert said[0].startswith("text without labels: ")
    assert said[1].startswith("bits per byte by counting 2,048 windows: unigram 4.")
    assert [said[at].split("/")[2].split()[0] for at in families] == ["gru", "transformer"]
    for at in families:
        assert said[at + 1].startswith("    because: 193,120 windows against ")
        assert ", 64 symbols each, 97 different symbols" in said[at + 1]
        assert "n-gram 1.96 bits against " in said[at + 1]
        assert any(line.startswith("    knee: ") and line.endswith(f" {PER_BYTE}") for line in said[at + 2 : at + 4])
    assert "suggested knee" not in result.out
    assert said[-1] == f"find out: guides bench --task lang-model --data {code} --knee --minutes 10"


def test_json_holds_the_same(guides: Guides, alone: Path) -> None:
    result = guides("like", own_files.text(alone / "prose.txt"), "--json")
    said = json.loads(result.out)
    [near_one] = values(answer_language(TEXT, [recorded()], "guides bench"))["near"]

    assert result.code == 3
    assert (said["schema"], said["advice"], said["near"], said["suggestion"]) == ("guides.like/1", None, [], None)
    assert list(said["data"]) == [
        "task", "modality", "n_train", "length", "n_symbols", "unigram_bits", "n_gram_bits", "n_probed", "n_asked",
    ]  # fmt: skip
    assert (said["data"]["task"], said["data"]["modality"], said["data"]["length"]) == ("lang-model", "text", 64)
    assert said["bench"].endswith("--knee --minutes 10")
    assert near_one == {
        "name": "one", "where": "file", "modality": "text", "n_train": 1000, "length": 64, "n_symbols": 97,
        "bits": {"unigram": 4.5, "n-gram": 2.0}, "sizes": ["knee: 100 params"], "distance": 0.0,
            "without_network": "",
        "reason": near_language.reason(TEXT, recorded()),
    }  # fmt: skip


def test_a_short_text_is_near_nothing_and_is_sent_to_bench(guides: Guides, texts: Path, alone: Path) -> None:
    own_files.text(alone / "prose.txt")
    result = guides("like", alone / "prose.txt", "--registry", texts)

    assert result.code == 3
    assert result.out.startswith("text without labels: ")
    assert " windows of 64 symbols to train on, 10 different symbols in them\n" in result.out
    assert "no record near: no texts without labels on record are within 4 x of " in result.err
    assert " windows, 64 symbols each, 10 different symbols at once\n" in result.err
    assert f"find out: guides bench --task lang-model --data {alone / 'prose.txt'} --knee" in result.err
    assert "suggested" not in result.out


def test_a_folder_of_texts_is_read_as_one(guides: Guides, alone: Path) -> None:
    (alone / "prose").mkdir()
    for i in range(4):
        own_files.text(alone / "prose" / f"{i}.txt", seed=i)
    result = guides("like", alone / "prose")

    assert result.code == 3
    assert "taken for lang-model" in result.err
    assert "24,000 bytes of text in 4 files" in result.err
    assert result.out.startswith("text without labels: ")


@pytest.mark.parametrize(
    "content",
    [b"", b"one line\n" * 9, b"fine\n" * 999 + b"\xff\n", b"x" * 9_000],
    ids=["empty", "short", "not-utf-8", "one-byte"],
)
def test_bad_text_is_refused_as_bench_refuses_it(guides: Guides, alone: Path, content: bytes) -> None:
    path = alone / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidData) as refused:
        read_own(path)
    result = guides("like", path)

    assert (result.code, result.out) == (1, "")
    assert str(refused.value).splitlines()[0] in result.err
    assert [left.name for left in alone.iterdir()] == ["bad.txt"]
