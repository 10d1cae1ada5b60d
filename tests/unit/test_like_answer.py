"""What is foretold from which knees: sources, siblings drawn finer, and when no size is suggested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import plugins
from harness.like.answer import answer, known_of, lines, plain, source_of
from harness.like.ladder import Ladder, read_ladders
from tests.like_data import DESCRIPTORS, ladder

TEXT = replace(DESCRIPTORS, task="text-cls", modality="text", n_inputs=7_760, intrinsic_dimension=None)


def text(dataset: str) -> Ladder:
    return replace(ladder({1: (0.4,), 64: (0.2,)}, dataset=dataset), descriptors=TEXT)


@pytest.mark.parametrize(
    ("dataset", "source"),
    [
        ("wine", "wine"),
        ("glyphs-c100", "glyphs"),
        ("glyphs-c10-px32", "glyphs"),
        ("waveform-noise10", "waveform"),
        ("next-token-sympy-1-14", "sympy-1-14"),
        ("cloze-sympy-1-14", "sympy-1-14"),
        ("of-somebody-else", "of-somebody-else"),
    ],
)
def test_variants_and_what_is_made_of_one_corpus_are_of_one_source(dataset: str, source: str) -> None:
    assert source_of(dataset) == source


def test_the_same_pictures_drawn_finer_are_no_other_data_set() -> None:
    coarse, fine, other = known_of(
        [ladder({1: (0.1,)}, dataset=name) for name in ("glyphs-c10", "glyphs-c10-px32", "glyphs-c26-px32")]
    )

    assert coarse.dataset == fine.dataset == plain(plugins.load("datasets", "glyphs-c10-px32").name)
    assert other.dataset == "glyphs-c26"
    assert (fine.name, other.name) == ("glyphs-c10-px32", "glyphs-c26-px32")


def test_one_text_says_what_is_near_and_suggests_no_size() -> None:
    one = [*read_ladders(), text("cloze-sympy-1-14")]
    found = answer(TEXT, [], one, "", "guides bench")
    two = answer(TEXT, [], [*one, text("of-somebody-else")], "", "guides bench")

    assert [near.recorded.name for near in found.near] == ["cloze-sympy-1-14"]
    assert found.suggestion is None
    assert "no size is suggested: knees of such data were measured on fewer than two sources" in lines(found)
    assert two.suggestion is not None
    assert two.suggestion.counted == "recorded data sets of all kinds"


def test_where_a_linear_probe_makes_no_error_no_hidden_layer_is_suggested() -> None:
    some = read_ladders()
    easy, hard = (replace(DESCRIPTORS, linear_error=error, n_asked=40) for error in (0.0, 0.01))
    found = answer(easy, [], some, "", "guides bench")

    assert found.suggestion is None
    assert found.near
    assert lines(found)[-2] == (
        "suggested: a network without hidden layers; the linear probe had none of 40 validation examples wrong"
    )
    assert answer(hard, [], some, "", "guides bench").suggestion is not None
