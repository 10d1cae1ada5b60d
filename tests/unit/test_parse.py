"""Sizes, targets, shapes and ids as people type them."""

from __future__ import annotations

import pytest

from registry import parse
from registry.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10e6", 10_000_000),
        ("10M", 10_000_000),
        ("64k", 64_000),
        ("64Ki", 65_536),
        ("1_000", 1000),
        ("1.5k", 1500),
        ("1,000", 1000),
        ("12,345,678", 12_345_678),
        ("1,000.5k", 1_000_500),
        ("7", 7),
    ],
)
def test_sizes_are_read_as_typed(text: str, value: int) -> None:
    assert parse.size(text) == value


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "1.5", "ten", "5 MB", "nan", "inf", "1e400", "10K", "_5", "0x10", "9e15M"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a"):
        parse.size(text)


@pytest.mark.parametrize("text", ["6400,12800", "1,00", "1,0000", "1000,000", "1,000,", "100,,000"])
def test_commas_that_group_no_thousands_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a comma groups thousands, as in 1,000,000"):
        parse.size(text)


@pytest.mark.parametrize(("text", "value"), [("0.95", 0.95), ("1", 1.0), ("0", 0.0), (".5", 0.5)])
def test_fractions_are_read(text: str, value: float) -> None:
    assert parse.fraction(text) == value


def test_a_percentage_is_answered_with_the_fraction_it_would_be() -> None:
    with pytest.raises(UsageError) as refused:
        parse.fraction("97")

    assert str(refused.value) == "97 is not a fraction; did you mean 0.97?"


def test_a_percent_sign_is_answered_alike() -> None:
    with pytest.raises(UsageError, match=r"^97.5% is not a fraction; did you mean 0.975\?$"):
        parse.fraction("97.5%")


@pytest.mark.parametrize("text", ["1.01", "-0.1", "nan", "inf", "x", "", "1e9"])
def test_what_is_no_fraction_is_refused_without_a_guess(text: str) -> None:
    with pytest.raises(UsageError, match="is not a fraction") as refused:
        parse.fraction(text)

    assert "did you mean" not in str(refused.value)


def test_accuracies_may_be_separated_by_commas() -> None:
    assert parse.accuracies("0.9,0.95") == [0.9, 0.95]


def test_a_target_names_its_metric() -> None:
    assert parse.target("r2=-0.5") == parse.Target("r2", -0.5)


def test_targets_may_be_separated_by_commas() -> None:
    both = [parse.Target("r2", 0.4), parse.Target("r2", 0.5)]

    assert parse.targets("r2=0.4,0.5") == parse.targets("r2=0.4,r2=0.5") == both


@pytest.mark.parametrize("text", ["r2", "r2=", "=1", "R2=1", "r2=nan", "r2=1=2", "r2=0.4,", "0.4,0.5"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="METRIC=VALUE") as refused:
        parse.targets(text)

    assert refused.value.message.startswith(repr(text))


@pytest.mark.parametrize(("text", "value"), [("28x28x1", (28, 28, 1)), ("30", (30,)), ("3X8X8", (3, 8, 8))])
def test_input_shapes_are_read(text: str, value: tuple[int, ...]) -> None:
    assert parse.input_shape(text) == value


@pytest.mark.parametrize("text", ["", "0x3", "axb", "1x1x1x1x1", "-3", "8x", "1.5x2"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an input shape"):
        parse.input_shape(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("a1/b1/c1", ("a1/b1/c1", None)), ("a1/b1/c1@2", ("a1/b1/c1", 2)), ("a1/b1/c1@v12", ("a1/b1/c1", 12))],
)
def test_record_ids_are_read_with_their_version(text: str, value: tuple[str, int | None]) -> None:
    assert parse.record_id(text) == value


@pytest.mark.parametrize("text", ["a1/b1", "a1/b1/c1@0", "../../etc", "a1/b1/c1@", "A1/b1/c1", "a1/b1/c1/d1"])
def test_what_is_no_record_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a guideline id"):
        parse.record_id(text)
