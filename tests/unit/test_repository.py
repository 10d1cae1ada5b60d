"""The repository's own rules: workflows, Makefile, dependencies, and no trace of anybody's machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import registry
from tests.repository import ROOT, tracked_files

WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ON_PULL_REQUEST: Final = {"ci.yml", "validate-guidelines.yml"}
TARGETS: Final = ("quickstart", "test", "check", "format", "bench", "clean", "help")
DATA_INSIDE: Final = ("torch", "torchvision", "matplotlib", "scikit-learn", "sympy")
DECIDES_A_CHECK: Final = ("ruff", "mypy", "import-linter", "zizmor", "pytest", "pytest-benchmark", "hypothesis")

# An absolute path to where somebody's files are.
MACHINE_PATH: Final = re.compile(
    r"(?<![\w.$}~*-])/(?:home|root|tmp|Users|work|opt|mnt|media|private|var/folders)/[\w.]"
)
# Files that may hold one, each with its reason.
MACHINE_PATH_ALLOWED: Final[dict[str, str]] = {
    "tests/unit/test_repository.py": "its own examples",
}
TEXT: Final = ("", ".cff", ".csv", ".json", ".jsonl", ".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".bib")


def load(workflow: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    content["on"] = content.pop(True)  # YAML 1.1 reads the key `on` as a boolean
    return content


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job["steps"]]


def unpinned(text: str) -> list[str]:
    """Return what a workflow uses other than by commit hash, with the tag beside it."""
    used = re.findall(r"^\s*-?\s*uses:\s*(.*?)\s*$", text, flags=re.MULTILINE)
    return [line for line in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]


def without_reason(text: str) -> list[str]:
    """Return the lines that silence a tool without naming the rule and the reason."""
    silenced = [line.strip() for line in text.splitlines() if re.search(r"#\s*(?:noqa|type:\s*ignore)\b", line)]
    return [
        line
        for line in silenced
        if not re.search(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\]) +(?:#|--?) *\w", line)
    ]


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")

    assert "uses:" in text
    assert unpinned(text) == []


@pytest.mark.parametrize(
    "line",
    ["uses: actions/checkout@v4", "uses: actions/checkout@main # v7.0.1", "uses: ./local", f"uses: a/b@{'0' * 40}"],
)
def test_an_action_that_is_not_pinned_is_noticed(line: str) -> None:
    found = unpinned(f"    steps:\n      - {line}\n")

    assert found == [line.removeprefix("uses: ")]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_starts_with_no_permission_and_jobs_only_read(workflow: Path) -> None:
    content = load(workflow)
    granted = {level for job in content["jobs"].values() for level in job["permissions"].values()}

    assert content["permissions"] == {}
    assert granted <= {"read"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_keeps_no_credentials_and_uses_no_secret(workflow: Path) -> None:
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]

    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert "secrets." not in workflow.read_text(encoding="utf-8")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_is_pasted_into_a_shell(workflow: Path) -> None:
    scripts = [step["run"] for step in steps(workflow) if "run" in step]

    assert scripts
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_ends_in_time_and_does_not_pile_up(workflow: Path) -> None:
    content = load(workflow)

    assert "group" in content["concurrency"]
    assert all(job["timeout-minutes"] <= 60 for job in content["jobs"].values())


def test_pull_requests_run_without_the_rights_of_the_base() -> None:
    triggers = {path.name: set(load(path)["on"]) for path in WORKFLOWS}

    assert {name for name, events in triggers.items() if "pull_request" in events} == ON_PULL_REQUEST
    assert not any(events & {"pull_request_target", "workflow_run", "issue_comment"} for events in triggers.values())


def test_contributed_records_are_judged_by_the_base_branchs_code() -> None:
    workflow = ROOT / ".github" / "workflows" / "validate-guidelines.yml"
    checkouts = {
        step["with"]["path"]: step["with"].get("ref", "") for step in steps(workflow) if "path" in step.get("with", {})
    }
    scripts = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    installed = [line.split()[-1] for line in scripts.splitlines() if "pip install" in line]
    programs = re.findall(r"\bpython (?!-m pip )(\S+)", scripts)

    assert checkouts == {"base": "${{ github.event.pull_request.base.sha }}", "pr": ""}
    assert installed == ["./base"]
    assert programs == ["base/.ci/changed_records.py"]
    assert load(workflow)["jobs"]["validate"]["env"]["PYTHONSAFEPATH"] == "1"


def test_zizmor_finds_nothing() -> None:
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if zizmor is None:
        pytest.skip("zizmor is not installed: pip install 'sizing-guides[dev]'")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--pedantic", ROOT / ".github"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "make test"
    assert any(step.get("run") == ".ci/run" for step in steps(ROOT / ".github" / "workflows" / "ci.yml"))


@pytest.mark.parametrize("target", TARGETS)
def test_make_help_lists_the_target(target: str) -> None:
    command = ["make", "help"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.search(rf"^ +make {target} +\S", listed, flags=re.MULTILINE)


def test_dependencies_are_open_ranges() -> None:
    ranges = requirements()

    assert ranges
    assert [one for one in ranges if not re.fullmatch(r"[A-Za-z0-9._-]+>=[0-9.]+", one)] == []


@pytest.mark.parametrize("package", [*DATA_INSIDE, *DECIDES_A_CHECK])
def test_what_decides_data_or_checks_is_pinned(package: str) -> None:
    assert re.fullmatch(r"\d+(\.\d+)+", pins()[package])


def test_what_make_installs_is_pinned_inside_its_range() -> None:
    version = {name: tuple(map(int, pin.split("."))) for name, pin in pins().items()}
    lowest = dict(one.split(">=") for one in requirements())
    outside = [n for n, low in lowest.items() if n in version and version[n] < tuple(map(int, low.split(".")))]

    assert outside == []


def test_the_citation_names_the_version_of_the_code() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

    assert citation["version"] == registry.__version__


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = []
    for path in tracked_files(*TEXT):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8", errors="replace")  # one fixture is a broken table
        if name not in MACHINE_PATH_ALLOWED and (match := MACHINE_PATH.search(text)):
            found.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}...")

    assert found == []


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("cd /home/ann/x", True),
        ('"/tmp/x"', True),
        ("file:///opt/x", True),
        ("=/Users/ann", True),
        ("a/root/b", False),
        ("~/mnt/x", False),
        ("{tmp}/mnt/x", False),
    ],
)
def test_a_path_of_somebodys_machine_is_noticed(text: str, is_one: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is is_one


@pytest.mark.parametrize("line", ["x = 1  # noqa", "x = 1  # type: ignore[arg-type]", "x = 1  # noqa: S101"])
def test_an_ignore_without_a_reason_is_noticed(line: str) -> None:
    assert without_reason(line)


def test_every_ignore_in_the_program_has_its_rule_and_its_reason_beside_it() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in tracked_files(".py")
        if path.relative_to(ROOT).parts[0] != "tests" and (lines := without_reason(path.read_text(encoding="utf-8")))
    }

    assert found == {}
