"""Two guards keep a lookup light: a probe of what it really loads, and import contracts over the source.

Each has a test that shows it can fail.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import registry
from tests.unit.conftest import settle

CHECKOUT = Path(registry.__file__).parents[1]
ASKED = (
    "lookup --task image-cls --target-acc 0.9",
    "predict --task image-cls --n-train 500 --target-acc 0.9",
    "data-needed --task image-cls --target-acc 0.9",
    "tradeoff --task image-cls --target-acc 0.9",
    "tradeoff --task image-cls --at 200,500 --compare data*2,params*4",
)


def asking(command: str) -> str:
    return f"from registry.cli import run; run('{command} --registry'.split() + [{{root!r}}])"


LOOKUP = asking(ASKED[0])

# What a lookup may load beyond what `import click` does. Everything else in the standard library costs time too.
ALLOWED = {
    "errno", "json", "json.decoder", "json.encoder", "json.scanner", "_json", "sqlite3", "sqlite3.dbapi2", "_sqlite3",
    "heapq", "_heapq", "locale", "_locale", "__future__", "time", "math", "re", "datetime", "_datetime",
    "collections.abc", "contextlib", "gc", "typing", "os", "zlib",
}  # fmt: skip


def loaded(code: str, root: Path) -> set[str]:
    """Return the modules that ``code`` loads beyond click and this package, in a fresh interpreter."""
    probe = (
        f"import sys, click\nbefore = set(sys.modules)\n{code}\nsys.stderr.write(' '.join(set(sys.modules) - before))\n"
    )
    command = [sys.executable, "-c", probe.replace("{root!r}", repr(str(root)))]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return {name for name in done.stderr.split() if name.partition(".")[0] != "registry"}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("command", ASKED)
def test_a_lookup_loads_click_json_sqlite_and_little_else(filled: Path, command: str) -> None:
    settle(filled)
    first = loaded(asking(command), filled)  # builds the index
    second = loaded(asking(command), filled)

    assert second - ALLOWED == set()
    assert second <= first


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("heavy", ["pydantic", "importlib.metadata", "pathlib", "dataclasses", "numpy"])
def test_the_probe_notices_what_should_not_be_there(filled: Path, heavy: str) -> None:
    assert heavy in loaded(f"import {heavy}; {LOOKUP}", filled) - ALLOWED


def test_importing_the_package_loads_none_of_it() -> None:
    assert loaded("import registry", CHECKOUT) - ALLOWED == set()


def contracts() -> list[dict[str, Any]]:
    return list(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"])


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    if program is None:
        pytest.skip("import-linter is not installed")
    return subprocess.run([program, "--no-cache"], cwd=checkout, capture_output=True, text=True, check=False)


def test_the_import_contracts_hold() -> None:
    done = lint(CHECKOUT)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("registry/lookup.py", "import pydantic"),
        ("registry/wording.py", "import harness.trial"),
        ("registry/store.py", "import numpy"),
    ],
)
def test_an_import_inside_a_function_breaks_a_contract(tmp_path: Path, module: str, line: str) -> None:
    for package in ("registry", "harness"):
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n\ndef later() -> None:\n    {line}\n")

    done = lint(tmp_path)

    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


def reached_by_lookup() -> set[str]:
    """Return the modules of the package that a lookup's own file imports, in any function, through each other."""
    found: set[str] = set()
    waiting = [
        "registry.cli",
        *(f"registry.commands.{name}" for name in ("lookup", "predict", "data_needed", "tradeoff")),
    ]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        tree = ast.parse((CHECKOUT / f"{name.replace('.', '/')}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("registry"):
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                names = inside if node.module == "registry" else [str(node.module)]
                waiting += [one for one in names if (CHECKOUT / f"{one.replace('.', '/')}.py").is_file()]
    return found


def test_the_light_contract_names_every_module_that_a_lookup_reaches() -> None:
    (light,) = [contract for contract in contracts() if "lookup path" in contract["name"]]

    assert reached_by_lookup() - set(light["source_modules"]) == set()
