"""`guides bench --knee` with real, very short trainings: the record, what reads it, what is not trained twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import investigation, train
from harness import space as spaces
from harness.clock import Clock, Turns
from harness.commands import bench
from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.search.base import Space
from harness.space import space_of
from harness.study import Study
from harness.tasks.base import Task
from harness.trial import Trial
from registry import cli
from registry.validate import validate
from tests.tiny_bench import small_law
from tests.unit.conftest import Result

pytestmark = pytest.mark.whole_study

Guides = Callable[..., Result]
KNEE = ("bench", "--task", "tabular-cls", "--dataset", "wine", "--family", "mlp", "--executor", "inline", "--knee")
KNEE = (*KNEE, "--search", "bisect", "--out", "records")
PLACE = Path("records/tabular-cls/wine/mlp/v1/guideline.json")


def few_shapes(task: Task, dataset: Dataset, family: Family) -> Space:
    """The space of a study, with few widths and depths."""
    space = space_of(task, dataset, family)
    kept = [shape for shape in space.shapes if shape.width in (0, 2, 4, 8, 32) and shape.depth < 2]
    return replace(space, params={s: space.params[s] for s in kept}, flops={s: space.flops[s] for s in kept})


def shorten(set_attribute: Callable[[Any, str, Any], None]) -> None:
    """Make steps and shapes few; nothing else is changed."""
    set_attribute(investigation, "space_of", few_shapes)
    set_attribute(spaces, "FEWEST_STEPS", 40)
    set_attribute(spaces, "MOST_STEPS", 80)
    small_law(set_attribute)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a knee that has been found, with its runs."""
    folder = tmp_path_factory.mktemp("knee")
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch.setattr)
        patch.chdir(folder)
        with pytest.raises(SystemExit) as end:
            cli.main([*KNEE, "--quiet"])
    assert end.value.code == 0
    return folder


@pytest.fixture
def root(finished: Path, alone: Path) -> Path:
    """A copy of it in the own folder."""
    shutil.copytree(finished / "records", alone / "records")
    return alone / "records"


def record(here: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((here.parent / PLACE).read_bytes())
    return values


def knee_of(here: Path) -> dict[str, Any]:
    [knee] = record(here)["knee"]
    return dict(knee)


@pytest.mark.xdist_group("knee")
def test_record_of_a_knee_alone_breaks_no_rule(root: Path) -> None:
    knee = knee_of(root)

    assert validate(root) == []
    assert record(root)["frontier"] == []
    assert knee["target"] is None
    assert knee["test"]["reach"]["value"] in {
        attempt["n_meeting"] / attempt["n_seeds"] for attempt in knee["attempts"] if attempt["verdict"] == "certified"
    }
    assert knee["reference"]["test"]["reach"] is None
    assert " --knee " in record(root)["provenance"]["command"]


@pytest.mark.xdist_group("knee")
def test_lookup_show_and_export_read_it(guides: Guides, root: Path, alone: Path) -> None:
    knee = knee_of(root)
    found = guides("lookup", "--task", "tabular-cls", "--dataset", "wine", "--knee", "--registry", root, "--json")
    [answer] = json.loads(found.out)["answers"]
    shown = guides("show", "tabular-cls/wine/mlp", "--registry", root)
    exported = guides("export", "tabular-cls/wine/mlp", "knee", "--onnx", "knee.onnx", "--registry", root)

    assert answer["params"] == knee["params"]
    assert "knee: held to accuracy at least" in shown.out
    assert exported.code == 0
    assert (alone / "knee.onnx").stat().st_size == knee["onnx"]["bytes"]


@pytest.mark.xdist_group("knee")
def test_the_same_question_again_trains_nothing_and_writes_nothing(
    guides: Guides, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was trained or published")

    before = (root.parent / PLACE).read_bytes()
    monkeypatch.setattr(train, "run_pack", refuse)
    monkeypatch.setattr(bench, "_publish", refuse)
    result = guides(*KNEE, "--resume")

    assert result.code == 0, result.err
    assert result.out.startswith("knee: ")
    assert (root.parent / PLACE).read_bytes() == before


@pytest.mark.xdist_group("knee")
def test_a_target_asked_later_leaves_the_knee_as_it_is(guides: Guides, root: Path) -> None:
    before = knee_of(root)
    result = guides(*(word for word in KNEE if word != "--knee"), "--target-acc", "0.6", "--resume")
    after = knee_of(root)

    assert result.code == 0, result.err
    assert {point["target"] for point in record(root)["frontier"]} == {0.6}
    assert [after[key] for key in ("limit", "reference", "shape", "test", "attempts", "bracket")] == [
        before[key] for key in ("limit", "reference", "shape", "test", "attempts", "bracket")
    ]


@pytest.fixture
def limited(finished: Path, alone: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass by trainings: a limited run may make a share of those that the whole knee took."""

    def done(here: Path) -> set[str]:
        [path] = here.glob("records/.runs/*/ledger.jsonl")
        return {json.loads(line)["key"] for line in path.read_bytes().splitlines()[1:]}

    def limit(share: float) -> None:
        n_trainings = share * len(done(finished))

        def price(trials: Sequence[Trial]) -> float:
            return float(len({trial.key for trial in trials} - done(alone)))

        def clock(_seconds: float, _price: object, turns: Turns) -> Clock:
            return Clock(n_trainings, price, turns, lambda: float(len(done(alone))))

        monkeypatch.setattr("harness.clock.Clock", clock)

    return limit


@pytest.mark.xdist_group("knee")
@pytest.mark.parametrize(
    ("share", "left_out"),
    [
        (0.1, "no knee"),
        (0.45, "no bracket: knee, scratch: the time was up"),
        (0.8, "law: the time was up before its cells had settled; they have had up to 80 steps"),
    ],
    ids=["reference", "bracket", "law"],
)
def test_whenever_the_time_is_up_there_is_a_valid_record_with_a_knee_or_none(
    guides: Guides, limited: Callable[[float], None], alone: Path, share: float, left_out: str
) -> None:
    limited(share)
    result = guides(*KNEE, "--minutes", "999")

    if left_out == "no knee":
        assert (result.code, result.out) == (7, "")
        assert result.err.splitlines()[0] == "not enough time: no knee"
        assert not (alone / PLACE).exists()
        return

    assert result.code == 0, result.err
    assert result.out.startswith("knee: ")
    assert knee_of(alone / "records")["target"] is None
    assert left_out in record(alone / "records")["notes"]
    assert validate(alone / "records") == []


def test_plan_of_a_knee_alone_names_it_and_writes_nothing(guides: Guides, alone: Path) -> None:
    result = guides(*KNEE, "--dry-run")
    told = json.loads(guides(*KNEE, "--dry-run", "--json").out)

    assert result.code == 0, result.err
    assert result.out.startswith("tabular-cls on wine, mlp, the knee, search by bisect:\n")
    assert told["schema"] == "guides.bench/1"
    assert (told["question"]["knee"], told["question"]["targets"]) == (True, [])
    assert [phase["name"] for phase in told["phases"]] == ["knee", "law"]
    assert list(alone.iterdir()) == []


@pytest.mark.xdist_group("knee")
def test_plan_of_a_target_asked_later_has_the_published_knee_too(guides: Guides, root: Path) -> None:
    words = [word for word in KNEE if word != "--knee"]
    told = json.loads(guides(*words, "--target-acc", "0.6", "--resume", "--dry-run", "--json").out)
    phases = {phase["name"]: phase for phase in told["phases"]}

    assert told["question"]["knee"] is True
    assert phases["knee"]["trainings"] == {"low": 0, "high": 0}


def test_knee_and_targets_are_one_question(guides: Guides, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Study] = []
    monkeypatch.setattr(bench, "_bench", lambda study, *_, **__: asked.append(study))
    guides(*KNEE)
    guides(*KNEE, "--target-acc", "0.9")

    assert [(one.knee, one.targets) for one in asked] == [(True, ()), (True, (0.9,))]
    assert asked[0].configuration() == asked[1].configuration()


def test_recorded_command_asks_for_the_knee_again() -> None:
    words = bench._command(Study("tabular-cls", "wine", "mlp", (), knee=True)).split()
    context = bench.COMMAND.make_context("bench", words[2:])

    assert context.params["knee"] is True
    assert context.params["accuracies"] == ()


def test_no_target_and_no_knee_is_refused(guides: Guides) -> None:
    result = guides(*(word for word in KNEE if word != "--knee"))

    assert result.code == 2
    assert result.err.startswith("give a target with --target-acc A or --target METRIC=VALUE, or --knee")
