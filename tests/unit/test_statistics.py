"""The seed statistics against scipy, against counting, and against the design's own numbers."""

from __future__ import annotations

import itertools
import statistics

import numpy as np
import pytest
from scipy import stats

from registry.errors import UsageError
from registry.statistics import (
    LEVEL,
    LOOKS,
    best_of_3,
    clopper_pearson_low,
    decide,
    median_bounds,
    sequential_counts,
    sign_test_count,
    spent_level,
    summarise,
)


@pytest.mark.parametrize(("n", "count"), [(5, 5), (8, 7), (20, 15), (64, 40)])
def test_the_sign_test_needs_the_counts_of_the_design(n: int, count: int) -> None:
    assert sign_test_count(n) == count


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_the_sign_test_is_the_smallest_count_scipy_accepts(level: float) -> None:
    for n in (7, 10, 29, 101, 1500):
        count = sign_test_count(n, level)

        assert stats.binomtest(count, n, 0.5, alternative="greater").pvalue <= level
        assert stats.binomtest(count - 1, n, 0.5, alternative="greater").pvalue > level


def test_four_seeds_are_too_few_for_a_sign_test() -> None:
    with pytest.raises(UsageError, match=r"a sign test at level 0\.05 needs at least 5 seeds, got 4"):
        sign_test_count(4)


# --- certification: looks at 5, 20 and 64 seeds, attempt after attempt


def claim_probability(attempt: int, p: float = 0.5, *, is_futile: bool = True) -> float:
    """The exact probability that attempt number ``attempt`` ends in a claim where runs meet the target with ``p``."""
    alive, before, claimed = {0: 1.0}, 0, 0.0  # by count of seeds that meet: probability of having got there
    for look in LOOKS:
        more = stats.binom.pmf(range(look - before + 1), look - before, p)
        counts: dict[int, float] = {}
        for count, mass in alive.items():
            for extra, share in enumerate(more):
                counts[count + extra] = counts.get(count + extra, 0.0) + mass * float(share)
        verdicts = {count: decide(count, look, attempt) for count in counts}
        claimed += sum(mass for count, mass in counts.items() if verdicts[count] == "claim")
        ended = ("claim", "fail") if is_futile or look == LOOKS[-1] else ("claim",)
        alive = {count: mass for count, mass in counts.items() if verdicts[count] not in ended}
        before = look
    return claimed


@pytest.mark.parametrize("attempt", [1, 2, 3, 7, 20, 40])
def test_an_attempt_is_wrong_at_most_as_often_as_it_may_be(attempt: int) -> None:
    assert claim_probability(attempt) <= spent_level(attempt)
    assert claim_probability(attempt, is_futile=False) <= spent_level(attempt)


def test_any_number_of_attempts_together_are_wrong_in_at_most_5_percent_of_cases() -> None:
    exact = sum(claim_probability(attempt) for attempt in range(1, 41))
    levels = [spent_level(attempt) for attempt in range(1, 100_000)]

    assert 0.03 < exact <= LEVEL
    assert sum(levels) == pytest.approx(LEVEL, rel=1e-4)
    assert sum(levels) < LEVEL


def test_the_level_is_spent_and_not_saved() -> None:
    """One seed less at either look would be wrong too often, or be no rule of its own."""
    for attempt in (1, 2, 5, 40):
        counts = sequential_counts(attempt)
        few, many = counts[20], counts[64]

        assert stats.binom.sf(few - 2, 20, 0.5) > spent_level(attempt)
        assert _either(few, many) <= spent_level(attempt) < _either(few, many - 1)


def _either(few: int, many: int) -> float:
    """The chance that 20 coins have ``few`` heads, or else 64 have ``many``; where hopeless ones go on."""
    first = stats.binom.pmf(range(21), 20, 0.5)
    later = sum(float(first[k]) * float(stats.binom.sf(many - k - 1, 44, 0.5)) for k in range(few))
    return float(stats.binom.sf(few - 1, 20, 0.5)) + later


@pytest.mark.parametrize("attempt", [1, 3, 10])
@pytest.mark.parametrize("p", [0.3, 0.5, 0.7, 0.9])
def test_ending_the_hopeless_early_makes_claims_no_likelier(attempt: int, p: float) -> None:
    ends, goes_on = (claim_probability(attempt, p, is_futile=is_futile) for is_futile in (True, False))

    assert ends <= goes_on
    assert p < 0.9 or goes_on - ends < 1e-3  # and no rarer where runs are reliable


def test_later_attempts_need_more() -> None:
    levels = [spent_level(attempt) for attempt in range(1, 101)]
    counts = [sequential_counts(attempt)[20] for attempt in range(1, 41)]

    assert levels == sorted(levels, reverse=True)
    assert len(set(levels)) == 100
    assert counts == sorted(counts)
    assert counts[:5] == [15, 16, 17, 17, 18]


def test_a_shape_that_always_meets_is_certified_at_20_seeds_even_as_the_40th_attempt() -> None:
    for attempt in range(1, 41):
        assert [decide(n, n, attempt) for n in (5, 20)] == ["go on", "claim"]


def test_five_seeds_never_claim() -> None:
    assert all(5 not in sequential_counts(attempt) for attempt in range(1, 41))


@pytest.mark.parametrize(
    ("n_meeting", "n_seeds", "verdict"),
    [
        (1, 5, "fail"),
        (2, 5, "go on"),
        (12, 20, "fail"),
        (13, 20, "go on"),
        (14, 20, "go on"),
        (15, 20, "claim"),
        (41, 64, "fail"),
        (42, 64, "claim"),
    ],
)
def test_the_first_attempt_decides_by_these_counts(n_meeting: int, n_seeds: int, verdict: str) -> None:
    assert decide(n_meeting, n_seeds, attempt=1) == verdict


def test_more_seeds_that_meet_never_turn_a_verdict_for_the_worse() -> None:
    rank = {"fail": 0, "go on": 1, "claim": 2}
    for attempt in (1, 2, 5, 40):
        for look in LOOKS:
            ranks = [rank[decide(count, look, attempt)] for count in range(look + 1)]

            assert ranks == sorted(ranks)


def test_bounds_of_the_median_decide_as_the_sign_test_does() -> None:
    rng = np.random.default_rng(0)
    for n in (5, 20, 33):
        values = rng.normal(size=n).round(1).tolist()
        low, high = median_bounds(values)
        for target in sorted(set(values)):
            assert (low >= target) == (sum(value >= target for value in values) >= sign_test_count(n))
            assert (high < target) == (sum(value < target for value in values) >= sign_test_count(n))


def test_bounds_of_the_median_cover_it_as_often_as_they_say() -> None:
    draws = np.random.default_rng(1).exponential(size=(4000, 20))  # skewed, as seed errors are; median ln 2
    above = sum(median_bounds(row.tolist())[0] > np.log(2) for row in draws)

    assert 0.01 < above / 4000 < 0.05  # the exact level at n = 20 is 0.0207


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 20), (15, 20), (20, 20), (29, 29), (40, 64), (1900, 2000)])
def test_clopper_pearson_agrees_with_scipy(k: int, n: int) -> None:
    assert clopper_pearson_low(k, n) == pytest.approx(stats.beta.ppf(0.05, k, n - k + 1), rel=1e-9)


def test_no_success_bounds_nothing_and_29_of_29_bound_nine_tenths() -> None:
    assert clopper_pearson_low(0, 20) == 0
    assert clopper_pearson_low(28, 28) < 0.9 < clopper_pearson_low(29, 29)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be_are_a_bug_of_the_caller(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="0 <= k <= n"):
        clopper_pearson_low(k, n)


def test_best_of_3_is_the_mean_over_every_triple() -> None:
    test_values = [0.90, 0.95, 0.85, 0.99, 0.10, 0.93]
    val_errors = [0.08, 0.05, 0.05, 0.07, None, 0.2]
    order = [3, 0, 1, 2, 5, 4]  # place by validation error; of the two ties the earlier first; diverged last
    best = [min(triple, key=lambda run: order[run]) for triple in itertools.combinations(range(6), 3)]

    assert best_of_3(test_values, val_errors) == pytest.approx(statistics.fmean(test_values[run] for run in best))


def test_best_of_3_needs_three_seeds() -> None:
    with pytest.raises(UsageError, match="best of 3 needs at least 3 seeds, got 2"):
        best_of_3([0.9, 0.8], [0.1, 0.2])


def test_a_summary_says_what_numpy_says() -> None:
    values = [0.90, 0.95, 0.85, 0.99, 0.10, 0.93, 0.94, 0.96]
    summary = summarise(values, 0.9, "higher")

    assert summary["median"] == pytest.approx(np.median(values))
    assert summary["mean"] == pytest.approx(np.mean(values))
    assert summary["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (summary["low"], summary["high"]) == (0.85, 0.96)
    assert summary["n_seeds"] == 8
    assert summary["reach"] == {"value": 6 / 8, "low": clopper_pearson_low(6, 8)}


def test_where_lower_is_better_reach_counts_the_values_at_or_below_the_target() -> None:
    assert summarise([0.1, 0.2, 0.3, 0.4, 0.5], 0.3, "lower")["reach"]["value"] == 0.6


def test_without_a_target_there_is_no_reach() -> None:
    assert summarise([0.1, 0.2, 0.3, 0.4, 0.5], None, "higher")["reach"] is None
