import lzma

import numpy as np
import pytest

from harness.baselines.language import count, fit_lzma, fit_n_gram, fit_unigram
from harness.datasets.base import Split


def windows(rows):
    """Windows of symbols, each with what follows."""
    rows = np.asarray(rows, dtype=np.uint8)
    return Split(rows[:, :-1], rows[:, 1:].astype(np.int64))


def chain(n, seed, length=16):
    """A symbol follows the last: the next one of four in nine of ten places, else any."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, length + 1), dtype=np.uint8)
    rows[:, 0] = rng.integers(4, size=n)
    for at in range(1, length + 1):
        any_one = rng.random(n) < 0.1
        rows[:, at] = np.where(any_one, rng.integers(4, size=n), (rows[:, at - 1] + 1) % 4)
    return windows(rows)


BITS = -(0.925 * np.log2(0.925) + 3 * 0.025 * np.log2(0.025))  # of the best prediction of that chain


def test_runs_are_counted_within_windows():
    counts = count(windows([[1, 2, 1, 2], [1, 2, 3, 3]]), 1)

    assert dict(zip(counts.runs.tolist(), counts.counts.tolist(), strict=True)) == {
        1 * 256 + 2: 3,
        2 * 256 + 1: 1,
        2 * 256 + 3: 1,
        3 * 256 + 3: 1,
    }
    assert counts.contexts.tolist() == [1, 2, 3]
    assert counts.totals.tolist() == [3, 2, 1]
    assert counts.followers.tolist() == [1, 2, 1]


def test_the_first_symbol_of_a_window_is_no_label():
    counts = count(windows([[9, 2, 1, 2], [9, 2, 3, 3]]), 0)

    assert counts.runs.tolist() == [1, 2, 3]
    assert counts.counts.tolist() == [1, 3, 2]


@pytest.mark.parametrize("context", [0, 1, 2])
def test_the_probabilities_of_what_may_follow_add_up_to_one(context):
    train = chain(50, seed=0)
    counts = [count(train, length) for length in range(context + 1)]
    before = [3, 1][:context]
    followers = np.arange(256)
    chances = np.full((1, 256), 1 / 256)
    for length, one in enumerate(counts):
        head = 0
        for symbol in before[context - length :]:
            head = head * 256 + symbol
        chances = one.refine((head * 256 + followers)[np.newaxis], chances, 0.75)

    assert chances.sum() == pytest.approx(1)
    assert chances.min() > 0


def test_a_context_that_was_never_seen_leaves_what_the_shorter_one_says():
    counts = count(windows([[1, 2, 1, 2]]), 1)
    shorter = np.array([[0.3]])

    assert counts.refine(np.array([[7 * 256 + 1]]), shorter, 0.75) == shorter


def test_a_chain_is_predicted_nearly_as_well_as_can_be():
    fitted = fit_n_gram(chain(2_000, seed=0), chain(200, seed=1))
    bits = fitted.outcomes(chain(500, seed=2))

    assert bits.shape == (500,)
    assert bits.mean() == pytest.approx(BITS, abs=0.03)


def test_without_context_four_equal_symbols_take_two_bits():
    fitted = fit_unigram(chain(2_000, seed=0), chain(200, seed=1))

    assert fitted.outcomes(chain(500, seed=2)).mean() == pytest.approx(2, abs=0.03)
    assert (fitted.n_bytes, fitted.flops) == (1024, 0.0)


def test_a_longer_context_is_taken_only_where_validation_gains():
    short = fit_n_gram(chain(300, seed=0), chain(200, seed=1))
    runs = sum(len(count(chain(300, seed=0), length).runs) for length in range(2))

    assert short.n_bytes == 12 * runs
    assert short.flops == 4 * 16 * 4 * 2


def test_a_window_is_predicted_from_its_own_symbols_alone():
    fitted = fit_n_gram(chain(300, seed=0), chain(200, seed=1))
    test = chain(20, seed=2)

    assert np.array_equal(fitted.outcomes(test)[5:6], fitted.outcomes(Split(test.inputs[5:6], test.labels[5:6])))


def test_a_later_symbol_does_not_change_what_was_said_before():
    train, val = chain(300, seed=0), chain(200, seed=1)
    fitted = fit_n_gram(train, val)
    test = chain(1, seed=2)
    changed = np.concatenate([test.inputs[:, :1], test.labels.astype(np.uint8)], axis=1)
    changed[0, -1] = (changed[0, -1] + 1) % 4
    difference = 16 * (fitted.outcomes(windows(changed)) - fitted.outcomes(test))
    alone = [fitted.outcomes(windows(rows[:, -3:]))[0] * 2 for rows in (changed, _rows(test))]

    # the last of 16 symbols differs, by as much as in the last two places alone
    assert difference[0] == pytest.approx(alone[0] - alone[1])


def _rows(split):
    return np.concatenate([split.inputs[:, :1], split.labels.astype(np.uint8)], axis=1)


def test_what_was_read_before_costs_a_compressor_little():
    train = windows(np.random.default_rng(0).integers(90, size=(200, 65)))
    fitted = fit_lzma(train, train)
    known, unknown = train, windows(np.random.default_rng(1).integers(90, size=(200, 65)))

    assert fitted.outcomes(known).max() < 0.3
    assert fitted.outcomes(unknown).min() > 6
    assert fitted.n_bytes == len(lzma.compress(train.labels.astype(np.uint8).tobytes(), preset=9))
