from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.base import Dataset, Split
from harness.families.base import State
from harness.plugins import load
from harness.shrink import prune
from harness.train import FEWEST_MEMBERS, MOST_MEMBERS, flops, load_weights, packs, run_pack, save_weights, train_flops
from harness.trial import Outcome, Shape, Trial
from registry.outcomes import encode_bits

FAMILY = load("families", "mlp")
WINE: Dataset = load("datasets", "wine")
TINY = Trial(
    dataset="wine",
    family="mlp",
    shape=Shape(4, 1),
    n_train=90,
    seed=1,
    learning_rate=0.02,
    weight_decay=0.0,
    steps=30,
    batch_size=32,
)
LARGE = replace(TINY, shape=Shape(12, 1), steps=40)
REGRESSION = replace(TINY, dataset="diabetes", shape=Shape(32, 2), n_train=200)
PRUNED = replace(TINY, route="pruned", pruned_from=LARGE)


def trial_strategy() -> st.SearchStrategy[Trial]:
    return st.builds(
        Trial,
        dataset=st.sampled_from(["wine", "breast-cancer"]),
        family=st.just("mlp"),
        shape=st.builds(Shape, st.sampled_from([1, 7, 8, 9, 33]), st.sampled_from([1, 2])),
        n_train=st.sampled_from([12, 20, 40, 90]),
        seed=st.integers(0, 200),
        learning_rate=st.sampled_from([0.01, 0.02]),
        weight_decay=st.just(0.0),
        steps=st.sampled_from([1, 1000, 60_000, 600_000]),
        batch_size=st.just(32),
        route=st.just("scratch"),
        tested=st.booleans(),
    ).flatmap(
        lambda trial: st.sampled_from(
            [trial, trial, replace(trial, route="pruned", pruned_from=replace(trial, shape=Shape(64, 1), tested=False))]
        )
    )


def program(trial: Trial | None) -> tuple[object, ...] | None:
    """What members of one pack must share, said here a second time."""
    if trial is None:
        return None
    bucket = next(bucket for bucket in FAMILY.buckets if bucket >= trial.shape.width)
    return (
        trial.dataset, trial.family, bucket, trial.shape.depth, min(trial.batch_size, trial.n_train),
        trial.route, trial.tested, program(trial.pruned_from),
    )  # fmt: skip


def work(trial: Trial) -> int:
    return trial.steps + (work(trial.pruned_from) if trial.pruned_from else 0)


# --- packs


@settings(max_examples=60)
@given(
    trials=st.lists(trial_strategy(), max_size=90, unique_by=lambda trial: trial.key),
    workers=st.integers(1, 6),
)
def test_every_trial_is_in_one_pack_with_its_like(trials: list[Trial], workers: int) -> None:
    found = packs(trials, workers)

    assert Counter(trial.key for pack in found for trial in pack) == Counter(trial.key for trial in trials)
    for pack in found:
        assert len({program(trial) for trial in pack}) == 1
        assert len(pack) <= MOST_MEMBERS
        assert len(pack) <= FEWEST_MEMBERS or sum(map(work, pack)) <= FAMILY.pack_steps


def test_the_longest_pack_comes_first() -> None:
    widths = {8: 10, 16: 500, 32: 20}
    found = packs([replace(TINY, shape=Shape(width, 1), steps=steps) for width, steps in widths.items()])

    assert [pack[0].steps for pack in found] == [500, 20, 10]


def test_short_runs_come_along_with_long_ones() -> None:
    trials = [replace(TINY, seed=seed, steps=steps) for seed, steps in enumerate([10, 10, 10, 500, 20])]
    [pack] = packs(trials)

    assert [trial.steps for trial in pack] == [500, 20, 10, 10, 10]


def test_packs_of_mixed_steps_are_of_about_equal_work() -> None:
    steps = [20_000] * 16 + [5_000] * 60
    found = packs([replace(TINY, seed=seed, steps=n) for seed, n in enumerate(steps)])

    assert sorted(sum(trial.steps for trial in pack) for pack in found) == [200_000, 210_000, 210_000]


@pytest.mark.parametrize(("workers", "sizes"), [(1, [33]), (2, [17, 16]), (3, [16, 9, 8]), (30, [9, 8, 8, 8])])
def test_fewer_packs_than_workers_are_halved(workers: int, sizes: list[int]) -> None:
    found = packs([replace(TINY, seed=seed) for seed in range(33)], workers)

    assert [len(pack) for pack in found] == sizes


def test_a_long_group_is_cut_into_even_packs() -> None:
    found = packs([replace(TINY, seed=seed, steps=25_000) for seed in range(25)])  # 10 of these fill a pack

    assert sorted(len(pack) for pack in found) == [7, 9, 9]


def test_halves_of_a_pack_of_mixed_steps_take_about_as_long() -> None:
    trials = [replace(TINY, seed=seed, steps=1000 if seed < 8 else 10) for seed in range(16)]

    assert [sum(trial.steps for trial in pack) for pack in packs(trials, workers=2)] == [4040, 4040]


def test_no_trials_make_no_packs() -> None:
    assert packs([], workers=4) == []


def test_grouping_decides_no_outcome() -> None:
    trials = [replace(TINY, seed=seed, shape=Shape(3 + seed % 3, 1), steps=10 + seed % 2) for seed in range(18)]

    def outcomes(workers: int) -> dict[str, Outcome]:
        return {
            trial.key: replace(outcome, wall_s=0.0)
            for pack in packs(trials, workers)
            for trial, outcome in zip(pack, run_pack(pack), strict=True)
        }

    assert outcomes(1) == outcomes(4)


@pytest.mark.parametrize("family", ["mlp", "residual-mlp"])
def test_a_member_with_one_output_comes_to_the_same_alone_and_in_company(family: str) -> None:
    trials = [replace(REGRESSION, family=family, seed=seed) for seed in range(8)]
    own, packs_ = trials[0], (trials[:1], trials[:2], trials)
    alone, *others = [replace(run_pack(pack)[pack.index(own)], wall_s=0.0) for pack in packs_]

    assert alone.status == "ok"
    assert others == [alone, alone]


def test_what_pruned_members_come_from_may_take_other_steps_too() -> None:
    trials = [replace(PRUNED, seed=s, pruned_from=replace(LARGE, seed=s, steps=9 + 20 * s)) for s in range(3)]
    [pack] = packs(trials)
    together = [replace(outcome, wall_s=0.0) for outcome in run_pack(pack)]

    assert together == [replace(run_pack([trial])[0], wall_s=0.0) for trial in pack]


# --- flops


def test_train_flops_by_hand() -> None:
    forward = 2 * (13 * 4 + 4 * 3)

    assert flops("mlp", "wine", Shape(4, 1)) == forward
    assert train_flops(TINY) == 3 * forward * 30 * 32
    assert train_flops(replace(TINY, n_train=20)) == 3 * forward * 30 * 20


def test_train_flops_count_what_a_network_is_pruned_from() -> None:
    large = 2 * (13 * 12 + 12 * 3)

    assert train_flops(PRUNED) == train_flops(TINY) + 3 * large * 40 * 32


def test_train_flops_are_unpadded() -> None:
    forward = 2 * (13 * 9 + 9 * 3)

    assert run_pack([replace(TINY, shape=Shape(9, 1), steps=2)])[0].train_flops == 3 * forward * 2 * 32


# --- running a pack


def right(state: State, shape: Shape, split: Split) -> list[bool]:
    """Which examples a plain network in this state gets right."""
    network = FAMILY.network(WINE.input_shape, WINE.n_classes, shape)
    network.load_state_dict(state)
    answers = network(torch.tensor(split.inputs)).argmax(dim=1)
    return [bool(flag) for flag in answers == torch.tensor(split.labels)]


@pytest.mark.parametrize("trial", [TINY, PRUNED], ids=["scratch", "pruned"])
def test_saved_weights_make_the_recorded_outcomes(trial: Trial, tmp_path: Path) -> None:
    pack = [replace(trial, tested=True, seed=seed) for seed in (5, 6)]
    outcomes = run_pack(pack, weights=tmp_path / "weights")

    for member, outcome in zip(pack, outcomes, strict=True):
        state = load_weights(tmp_path / "weights" / f"{member.key}.npz")
        test, val = right(state, trial.shape, WINE.test()), right(state, trial.shape, WINE.val())

        assert outcome.status == "ok"
        assert outcome.test_outcomes == encode_bits([test])
        assert outcome.test_error == pytest.approx(test.count(False) / len(test))
        assert outcome.val_error == pytest.approx(val.count(False) / len(val), abs=1e-6)


def test_only_tested_members_that_came_through_leave_weights(tmp_path: Path) -> None:
    untested, tested = TINY, replace(TINY, tested=True)
    diverged = replace(tested, learning_rate=1e30)
    for trial in (untested, tested, diverged):
        run_pack([trial], weights=tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [f"{tested.key}.npz"]


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    state = {"layers.0.weight": torch.randn(3, 2), "head.bias": torch.zeros(1)}
    save_weights(tmp_path / "new" / "a.npz", state)
    found = load_weights(tmp_path / "new" / "a.npz")

    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]


def test_weights_are_on_disk_before_they_have_their_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, fsync = tmp_path / "new" / "a.npz", [], os.fsync

    def watch(descriptor: int) -> None:
        fsync(descriptor)
        synced.append((os.path.samestat(os.fstat(descriptor), path.parent.stat()), path.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    save_weights(path, {"head.bias": torch.zeros(1)})

    assert synced == [(False, False), (True, True)]


def test_untested_runs_never_read_the_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Dataset) -> NoReturn:
        raise AssertionError("the test split was read")

    monkeypatch.setattr(Dataset, "test", refuse)
    outcomes = run_pack([TINY]) + run_pack([PRUNED])

    assert [outcome.status for outcome in outcomes] == ["ok", "ok"]
    assert {(outcome.test_error, outcome.test_outcomes) for outcome in outcomes} == {(None, None)}
    with pytest.raises(AssertionError, match="the test split was read"):
        run_pack([replace(TINY, tested=True)])


def test_reading_the_test_split_changes_nothing_else() -> None:
    [untested] = run_pack([TINY])
    [tested] = run_pack([replace(TINY, tested=True)])

    assert replace(tested, wall_s=0.0, test_error=None, test_outcomes=None) == replace(untested, wall_s=0.0)


def test_member_that_is_not_tested_learns_nothing_of_the_test_split_from_its_pack() -> None:
    untested, tested = run_pack([TINY, replace(TINY, seed=2, tested=True)])

    assert (untested.test_error, untested.test_outcomes) == (None, None)
    assert tested.test_error is not None


def test_diverged_run_is_recorded_and_its_neighbours_are_as_if_alone() -> None:
    pack = [TINY, replace(TINY, seed=2, learning_rate=1e30, tested=False), replace(TINY, seed=3)]
    first, wild, last = run_pack(pack)

    assert wild.status == "diverged"
    assert wild.reason == "loss or weights stopped being finite"
    assert (wild.val_error, wild.val_loss, wild.best_step) == (None, None, None)
    assert wild.train_flops == train_flops(TINY)
    for outcome, trial in ((first, pack[0]), (last, pack[2])):
        assert replace(outcome, wall_s=0.0) == replace(run_pack([trial])[0], wall_s=0.0)


def test_each_outcome_says_what_training_found() -> None:
    [outcome] = run_pack([replace(TINY, steps=64)])
    best = min((error, loss) for _, error, loss in outcome.curve)

    assert outcome.status == "ok"
    assert (outcome.val_error, outcome.val_loss) == pytest.approx(best, abs=1e-6)
    assert outcome.best_step in [step for step, _, _ in outcome.curve]
    assert outcome.wall_s > 0


def test_seed_decides_subset_weights_and_batches() -> None:
    small = replace(TINY, n_train=20, steps=5)
    losses = [outcome.val_loss for outcome in run_pack([replace(small, seed=seed) for seed in (1, 2, 1)])]

    assert losses[0] == losses[2] != losses[1]


def test_fewer_examples_than_a_batch_make_the_batch() -> None:
    [outcome] = run_pack([replace(TINY, n_train=10, steps=5)])

    assert outcome.status == "ok"
    assert outcome.train_flops == 3 * 2 * (13 * 4 + 4 * 3) * 5 * 10


# --- the pruned route


def test_pruned_network_starts_from_the_larger_ones_best_checkpoint_cut_down(tmp_path: Path) -> None:
    parent = replace(LARGE, tested=True)
    run_pack([parent], weights=tmp_path)
    large = FAMILY.network(WINE.input_shape, WINE.n_classes, LARGE.shape)
    large.load_state_dict(load_weights(tmp_path / f"{parent.key}.npz"))
    expected = prune(FAMILY, large, WINE.input_shape, WINE.n_classes, TINY.shape).state_dict()

    still = replace(PRUNED, steps=1, learning_rate=1e-12, tested=True)  # a fine-tune that moves nothing
    run_pack([still], weights=tmp_path)
    found = load_weights(tmp_path / f"{still.key}.npz")

    assert all(torch.allclose(found[name], expected[name], atol=1e-9) for name in expected)


def test_pruned_run_is_fine_tuned_and_does_not_depend_on_its_pack() -> None:
    still = replace(PRUNED, steps=1, learning_rate=1e-12)
    [before], [after] = run_pack([still]), run_pack([PRUNED])
    others = [replace(PRUNED, seed=seed, pruned_from=replace(LARGE, seed=seed)) for seed in (7, 8)]

    assert before.val_loss is not None
    assert after.val_loss is not None
    assert after.val_loss < before.val_loss
    assert replace(run_pack([others[0], PRUNED, others[1]])[1], wall_s=0.0) == replace(after, wall_s=0.0)


def test_convolutional_networks_can_be_pruned_too() -> None:
    trial = Trial(
        dataset="digits",
        family="cnn",
        shape=Shape(2, 2),
        n_train=64,
        seed=1,
        learning_rate=0.01,
        weight_decay=0.0,
        steps=3,
        batch_size=8,
        route="pruned",
    )
    large = replace(trial, shape=Shape(5, 2), route="scratch")
    [outcome] = run_pack([replace(trial, pruned_from=large)])

    assert outcome.status == "ok"
    assert outcome.train_flops == train_flops(trial) + train_flops(large)


# --- elsewhere


def test_device_may_be_named() -> None:
    [here], [named] = run_pack([TINY]), run_pack([TINY], device="cpu")

    assert replace(here, wall_s=0.0) == replace(named, wall_s=0.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("trial", [TINY, PRUNED], ids=["scratch", "pruned"])
def test_a_pack_trains_on_cuda(trial: Trial, tmp_path: Path) -> None:
    tested = replace(trial, tested=True)
    [here], [there] = run_pack([tested]), run_pack([tested], weights=tmp_path, device="cuda")

    assert there.val_loss == pytest.approx(here.val_loss, rel=1e-3)
    assert all(tensor.device.type == "cpu" for tensor in load_weights(tmp_path / f"{tested.key}.npz").values())
