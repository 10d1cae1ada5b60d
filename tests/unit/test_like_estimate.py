"""The size that is suggested: what it learns, what it is told of, how its uncertainty is counted."""

from __future__ import annotations

import math

import pytest

from harness.like import estimate, folk
from harness.like.estimate import (
    Fold,
    Known,
    Model,
    choose,
    has_near,
    left_out,
    of_dataset,
    of_source,
    quantile,
    suggest,
)
from tests.like_data import DESCRIPTORS, known

# knees as wide as a linear probe's error is times that of the best one, 0.1, and all of it squared: whatever else
LAWFUL = [
    known(
        f"data-{i}", round(2 * gain**2), linear_error=0.1 * gain, n_inputs=10 + 7 * i % 31, n_train=500 + 313 * i % 800
    )
    for i, gain in enumerate((1, 1.5, 2, 2.5, 3, 4, 5, 6.5, 8))
]


def asked(**changed: float) -> estimate.Descriptors:
    return known("asked", 1, **changed).descriptors


def test_a_law_of_what_is_gained_is_found() -> None:
    assert "gain" in choose(LAWFUL).features

    found = suggest(LAWFUL, asked(linear_error=0.35))

    assert 17 <= found.width <= 35  # 2 * 3.5 ** 2 = 24.5
    assert found.params == folk.params(found.width, asked(linear_error=0.35))
    assert found.factor < 2


def test_the_factor_covers_eight_of_ten() -> None:
    found = suggest(LAWFUL, DESCRIPTORS)
    errors = sorted(abs(math.log(params / one.params)) for one, params in left_out(LAWFUL, of_source))

    assert (found.n_within, found.n) == (8, 9)
    assert found.counted == "recorded table data sets with one of another source near"
    assert math.log(found.factor) == pytest.approx(errors[7])


def test_only_data_sets_that_would_be_answered_count() -> None:
    lonely = [known(f"lonely-{i}", 250, "lonely", n_inputs=3000) for i in range(4)]
    found = suggest([*LAWFUL, *lonely], DESCRIPTORS)

    assert found.n == 9


def test_where_too_few_would_be_answered_all_count() -> None:
    picture = known("asked", 1, modality="image", task="image-cls").descriptors
    found = suggest(LAWFUL, picture)

    assert (found.n, found.counted) == (9, "recorded data sets of all kinds")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (known("b", 1, n_train=4000), True),
        (known("b", 1, n_train=4001), False),
        (known("b", 1, "a"), False),
        (known("b", 1, modality="image"), False),
    ],
)
def test_near_is_one_of_another_source_and_the_same_kind(other: Known, expected: bool) -> None:
    one = known("a", 1)

    assert has_near(one, [one, other]) is expected


def test_what_is_left_out_has_no_say() -> None:
    strange = known("strange", 256, linear_error=0.1)
    foretold = {one.name: params for one, params in left_out([*LAWFUL, strange], of_dataset)}
    [again] = Fold(LAWFUL, [strange.descriptors]).widths(choose(LAWFUL, of_dataset))

    assert foretold["strange"] == folk.params(again, strange.descriptors)


def test_variants_of_one_source_are_left_out_together() -> None:
    twins = [known(name, 100, "twins", linear_error=0.31) for name in ("one", "two")]
    apart = {one.name: params for one, params in left_out([*LAWFUL, *twins], of_source)}
    [alone] = Fold(LAWFUL, [twins[0].descriptors]).widths(choose(LAWFUL))

    assert apart["one"] == apart["two"] == folk.params(alone, twins[0].descriptors)


def test_no_width_beyond_those_measured_is_suggested() -> None:
    huge = [known(f"data-{i}", 200 + i, n_inputs=10 + i) for i in range(5)]
    tiny = [known(f"data-{i}", 1, n_inputs=10 + i) for i in range(5)]
    by_params = Model((), "params")

    assert Fold(huge, [asked(n_inputs=1, n_classes=2)]).widths(by_params) == [256]
    assert Fold(tiny, [asked(n_inputs=10_000)]).widths(by_params) == [1]


def test_ridge_regression_on_one_descriptor_is_what_a_hand_count_gives() -> None:
    # widths 4 and 16 at 10 and 40 inputs: standardised -1 and 1, slope log 2 * 2 / (2 + 1)
    two = [known("a", 4, n_inputs=10), known("b", 16, n_inputs=40)]

    assert Fold(two, [asked(n_inputs=40), asked(n_inputs=20)]).widths(Model(("inputs",), "width")) == [13, 8]


def test_of_equally_good_candidates_the_simplest_is_chosen() -> None:
    alike = [known(f"data-{i}", 16) for i in range(5)]

    assert choose(alike) == Model((), "width")


def test_candidates_look_at_three_descriptors_at_most() -> None:
    assert max(len(model.features) for model in estimate.models()) == 3
    assert len(set(estimate.models())) == len(estimate.models())


@pytest.mark.parametrize(("share", "expected"), [(0.8, 4.0), (0.5, 3.0), (1.0, 5.0), (0.81, 5.0)])
def test_quantile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert quantile([5.0, 1.0, 4.0, 2.0, 3.0], share) == expected


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model((), "width"), "log width by ridge regression on nothing: the same for all"),
        (Model(("inputs", "gain"), "params"), "log params by ridge regression on inputs and gain"),
    ],
)
def test_a_model_is_told_in_words(model: Model, words: str) -> None:
    assert str(model) == words


def test_params_of_a_knee_count_biases() -> None:
    one: Known = known("a", 5)

    assert one.params == 5 * (20 + 1) + 3 * (5 + 1)
