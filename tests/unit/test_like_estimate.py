"""The size that is suggested: what it learns, what it is told of, how its uncertainty is counted."""

from __future__ import annotations

import math

import pytest

from harness.like import estimate, folk
from harness.like.estimate import Fold, Known, Model, choose, left_out, of_name, of_source, quantile, suggest
from tests.like_data import DESCRIPTORS, known

# knees as wide as the square root of the error of a linear probe times 100, whatever else
LAWFUL = [
    known(
        f"data-{i}", round(100 * error**0.5), linear_error=error, n_inputs=10 + 7 * i % 31, n_train=500 + 313 * i % 800
    )
    for i, error in enumerate((0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8))
]


def asked(**changed: float) -> estimate.Descriptors:
    return known("asked", 1, **changed).descriptors


def test_a_law_of_the_linear_probe_is_found() -> None:
    assert "linear error" in choose(LAWFUL).features

    found = suggest(LAWFUL, asked(linear_error=0.15))

    assert 28 <= found.width <= 52
    assert found.params == folk.params(found.width, asked(linear_error=0.15))
    assert found.factor < 2


def test_the_factor_covers_eight_of_ten() -> None:
    found = suggest(LAWFUL, DESCRIPTORS)
    errors = sorted(abs(math.log(params / one.params)) for one, params in left_out(LAWFUL, of_source))

    assert (found.n_within, found.n) == (8, 9)
    assert math.log(found.factor) == pytest.approx(errors[7])


def test_what_is_left_out_has_no_say() -> None:
    strange = known("strange", 256, linear_error=0.01)
    foretold = {one.name: params for one, params in left_out([*LAWFUL, strange], of_name)}
    [again] = Fold(LAWFUL, [strange.descriptors]).widths(choose(LAWFUL, of_name))

    assert foretold["strange"] == folk.params(again, strange.descriptors)


def test_variants_of_one_source_are_left_out_together() -> None:
    twins = [known(name, 100, "twins", linear_error=0.0301) for name in ("one", "two")]
    apart = {one.name: params for one, params in left_out([*LAWFUL, *twins], of_source)}
    [alone] = Fold(LAWFUL, [twins[0].descriptors]).widths(choose(LAWFUL))

    assert apart["one"] == apart["two"] == folk.params(alone, twins[0].descriptors)


def test_no_width_beyond_those_measured_is_suggested() -> None:
    huge = [known(f"data-{i}", 200 + i, n_inputs=10 + i) for i in range(5)]
    tiny = [known(f"data-{i}", 1, n_inputs=10 + i) for i in range(5)]
    by_params = Model((), 0, "params")

    assert Fold(huge, [asked(n_inputs=1, n_classes=2)]).widths(by_params) == [256]
    assert Fold(tiny, [asked(n_inputs=10_000)]).widths(by_params) == [1]


def test_the_nearest_by_a_descriptor_is_taken_as_it_is() -> None:
    model = Model(("linear error",), 1, "width")

    assert Fold(LAWFUL, [asked(linear_error=0.19)]).widths(model) == [LAWFUL[4].width]


def test_an_unknown_dimension_counts_as_the_mean_one() -> None:
    model = Model(("dimension",), 0, "width")
    some = [known(f"data-{i}", 2**i, intrinsic_dimension=float(2**i)) for i in range(1, 6)]

    assert Fold(some, [asked(intrinsic_dimension=None), asked(intrinsic_dimension=8.0)]).widths(model) == [8, 8]


def test_of_equally_good_candidates_the_simplest_is_chosen() -> None:
    alike = [known(f"data-{i}", 16) for i in range(5)]

    assert choose(alike) == Model((), 0, "width")


def test_candidates_look_at_three_descriptors_at_most() -> None:
    assert max(len(model.features) for model in estimate.models()) == 3
    assert len(set(estimate.models())) == len(estimate.models())


@pytest.mark.parametrize(("share", "expected"), [(0.8, 4.0), (0.5, 3.0), (1.0, 5.0), (0.81, 5.0)])
def test_quantile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert quantile([5.0, 1.0, 4.0, 2.0, 3.0], share) == expected


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model((), 0, "width"), "ridge regression of log width on nothing: the same for all"),
        (Model(("inputs", "dimension"), 0, "params"), "ridge regression of log params on inputs and dimension"),
        (Model(("inputs",), 1, "width"), "mean log width of the nearest by inputs"),
        (Model(("inputs",), 3, "width"), "mean log width of the nearest 3 by inputs"),
    ],
)
def test_a_model_is_told_in_words(model: Model, words: str) -> None:
    assert str(model) == words


def test_params_of_a_knee_count_biases() -> None:
    one: Known = known("a", 5)

    assert one.params == 5 * (20 + 1) + 3 * (5 + 1)
