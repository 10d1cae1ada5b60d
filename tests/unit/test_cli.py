"""`guides` as a program: every command, its JSON envelope, its examples, its page in the documentation."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import registry
from registry import cli, plugins
from registry.options import print_json
from registry.store import Store
from tests.example_record import example_record
from tests.unit.conftest import Result
from tests.unit.test_code import FAMILY

Guides = Callable[..., Result]
CHECKOUT = Path(registry.__file__).parents[1]
LIGHT = sorted(name for name, (module, _) in cli.COMMANDS.items() if module.startswith("registry."))


def envelope(result: Result) -> dict[str, Any]:
    assert (result.code, result.err) == (0, "")
    values: dict[str, Any] = json.loads(result.out)
    return values


def command(name: str) -> click.Command:
    found = cli.guides.get_command(click.Context(cli.guides), name)
    assert found is not None
    return found


def examples(name: str) -> list[str]:
    epilog = command(name).epilog or ""
    return [line.strip() for line in epilog.splitlines() if line.strip().startswith("guides ")]


def test_the_version_is_the_one_the_package_is_published_as(guides: Guides) -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())

    assert settings["project"]["dynamic"] == ["version"]
    assert CHECKOUT / settings["tool"]["hatch"]["version"]["path"] == Path(registry.__file__)
    assert guides("--version").out == f"guides {registry.__version__}\n"


def test_the_module_is_the_command(alone: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "registry", "--version"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert done.stdout == f"guides {registry.__version__}\n"


def test_help_lists_every_command_and_imports_none(guides: Guides) -> None:
    out = guides("--help").out

    assert all(f"  {name} " in out for name in cli.COMMANDS)


@pytest.mark.parametrize("name", LIGHT)
def test_help_ends_with_two_examples_that_parse(guides: Guides, name: str) -> None:
    lines = examples(name)

    assert len(lines) == 2
    assert guides(name, "--help").out.rstrip().splitlines()[-2:] == [f"    {line}" for line in lines]
    for line in lines:
        words = shlex.split(line.split(" > ")[0])[2:]
        command(name).make_context(name, words)


def test_the_examples_run(guides: Guides, filled: Path, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "my-guidelines").symlink_to(filled)
    (alone / "guidelines").symlink_to(filled)
    for name in LIGHT:
        for line in examples(name):
            if "--code" not in line:  # needs the family's source: tested on its own
                result = guides(*shlex.split(line.split(" > ")[0])[1:])

                assert result.code == 0, (line, result)


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_and_option_is_documented(name: str) -> None:
    page = (CHECKOUT / "docs" / "commands.md").read_text()
    section = re.search(rf"^## guides {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    if name not in LIGHT and plugins.folder() is None:
        pytest.skip("the harness is not installed, its commands cannot be read")

    assert section is not None, f"docs/commands.md has no section '## guides {name}'"
    options = {option for parameter in command(name).params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", section[1])} == set()


def test_the_help_line_of_a_command_is_the_first_line_of_the_table() -> None:
    assert all(line[0].isupper() and line.endswith(".") and len(line) < 70 for _, line in cli.COMMANDS.values())


def test_lookup_prints_a_table_and_what_binds(guides: Guides, filled: Path) -> None:
    result = guides(
        "lookup", "--task", "image-cls", "--dataset", "digits", "--target-acc", "0.9,0.95", "--registry", filled
    )

    assert (result.code, result.err) == (0, "")
    heading, first, second = result.out.splitlines()[2:5]
    assert heading.split() == [
        "target",
        "guideline",
        "width",
        "depth",
        "route",
        "params",
        "flops",
        "bytes",
        "median",
        "[low,",
        "high]",
        "runs",
    ]
    assert first.split() == [
        "0.9",
        "cnn",
        "v1",
        "8",
        "1",
        "scratch",
        "610",
        "1,184",
        "2,440",
        "0.925",
        "[0.900,",
        "0.950]",
        "20",
    ]
    assert second.split()[:4] == ["0.95", "cnn", "v1", "12"]


def test_shipped_records_carry_no_mark(guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry import roots

    monkeypatch.setattr(roots, "shipped", lambda: [roots.Root(str(filled), shipped=True)])
    result = guides("lookup", "--task", "image-cls", "--target-acc", "0.9")

    assert str(filled) not in result.out


def test_lookup_as_json_holds_the_query_and_all_answers(guides: Guides, filled: Path) -> None:
    values = envelope(
        guides("lookup", "--task", "image-cls", "--target", "accuracy=0.9", "--target-acc", "0.95", "--input", "8x8x1",
               "--max-params", "10k", "--json", "--registry", filled)
    )  # fmt: skip
    answer = values["answers"][0]

    assert values["schema"] == "guides.lookup/1"
    assert values["query"]["input_size"] == 64
    assert values["query"]["max_params"] == 10_000
    assert [(one["dataset"], one["target"]) for one in values["answers"]] == [
        ("digits", 0.9), ("digits", 0.95), ("fashion", 0.9), ("fashion", 0.95)
    ]  # fmt: skip
    assert answer["shape"] == {"width": 8, "depth": 1, "resolution": None}
    assert answer["bracket"][0]["verdict"] == "refuted"
    assert {one["name"]: one["beats"] for one in answer["baselines"]} == {
        "majority": False,
        "nearest-neighbours": True,
        "linear": False,
    }


def test_a_data_set_without_an_answer_is_mentioned_beside_those_with_one(guides: Guides, filled: Path) -> None:
    Store(filled).publish(*example_record("image-cls/kites/mlp", targets=(0.9,)))
    result = guides("lookup", "--task", "image-cls", "--target-acc", "0.95", "--registry", filled)

    assert result.code == 0
    assert (
        "image-cls on kites: nothing reaches 0.95; best on record: mlp v1, width 8, depth 1, with 0.925" in result.out
    )


def test_list_shows_every_version_with_its_root(guides: Guides, filled: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    Store(mine).publish(*example_record("image-cls/digits/mlp"))
    arguments = ("list", "--registry", mine, "--registry", filled)
    records = [one for one in envelope(guides(*arguments, "--json"))["records"] if one["id"] == "image-cls/digits/mlp"]
    lines = [line for line in guides(*arguments).out.splitlines() if line.startswith("image-cls/digits/mlp")]

    assert [(one["root"]["path"], one["shadowed"]) for one in records] == [(str(mine), False), (str(filled), True)]
    assert lines[1].endswith(f"{filled}  shadowed by an earlier root")


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("--tasks", {"image-cls": 3, "tabular-cls": 1}),
        ("--datasets", {"digits": 2, "fashion": 1, "wine": 1}),
        ("--families", {"cnn": 1, "mlp": 3}),
    ],
)
def test_list_counts_names(guides: Guides, filled: Path, option: str, names: dict[str, int]) -> None:
    values = envelope(guides("list", option, "--json", "--registry", filled))

    assert {one["name"]: one["records"] for one in values["names"]} == names
    assert len(guides("list", option, "--registry", filled).out.splitlines()) == len(names)


def test_show_summarises_a_record(guides: Guides, filled: Path) -> None:
    out = guides("show", "image-cls/digits/mlp@1", "--registry", filled).out

    assert out.splitlines()[0] == "image-cls/digits/mlp v1, measured, 2025-01-31"
    assert "  1,000 to train, 200 to choose by, 40 to test" in out
    assert "note: Invented figures: for tests only." in out


def test_show_as_json_is_the_record(guides: Guides, filled: Path) -> None:
    values = envelope(guides("show", "image-cls/digits/mlp", "--json", "--registry", filled))

    assert values["schema"] == "guides.show/1"
    assert values["record"] == example_record("image-cls/digits/mlp")[0]
    assert [place["root"]["path"] for place in values["places"]] == [str(filled)]


def test_show_picks_the_latest_version(guides: Guides, filled: Path) -> None:
    Store(filled).publish(*example_record("image-cls/digits/mlp", 2))

    assert guides("show", "image-cls/digits/mlp", "--registry", filled).out.startswith("image-cls/digits/mlp v2")
    assert "superseded by a later version" in guides("show", "image-cls/digits/mlp@1", "--registry", filled).out


@pytest.mark.parametrize(("target", "width"), [("0.9", 8), ("0.92", 12), ("accuracy=0.95", 12)])
def test_export_writes_the_recorded_network(guides: Guides, filled: Path, alone: Path, target: str, width: int) -> None:
    (alone / "net.onnx").write_text("something older")
    result = guides("export", "image-cls/digits/mlp", target, "--onnx", "net.onnx", "--registry", filled)
    source = filled / f"image-cls/digits/mlp/v1/onnx/w{width}-d1.onnx"

    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("wrote net.onnx (")
    assert hashlib.sha256((alone / "net.onnx").read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    assert [path.name for path in alone.iterdir()] == ["net.onnx"]


def test_export_int8_writes_the_smallest_network_whose_int8_file_reaches_the_target(
    guides: Guides, root: Path, alone: Path
) -> None:
    record, files = example_record()
    for point, metric in zip(record["frontier"], (0.89, 0.96), strict=True):
        data = f"int8 of width {point['shape']['width']}".encode()
        name = point["onnx"]["path"].replace(".onnx", "-int8.onnx")
        files[name] = data
        hashed = hashlib.sha256(data).hexdigest()
        point["onnx"]["int8"] = {"path": name, "sha256": hashed, "bytes": len(data), "metric": metric}
    Store(root).publish(record, files)
    arguments = ("--onnx", "net.onnx", "--int8", "--registry", root)
    written = guides("export", "image-cls/digits/mlp", "0.9", *arguments)
    missed = guides("export", "image-cls/digits/mlp", "0.97", *arguments)
    refused = guides("export", "image-cls/digits/mlp", "0.9", "--code", "--int8", "--registry", root)

    assert (written.code, (alone / "net.onnx").read_text()) == (0, "int8 of width 12")
    assert (missed.code, missed.err.splitlines()[0]) == (
        3, "image-cls/digits/mlp v1 has no network with an int8 file for 0.97"
    )  # fmt: skip
    assert (refused.code, refused.err) == (2, "--int8 goes with --onnx FILE: the program is float32\n")


def test_export_prints_nothing_but_the_program(
    guides: Guides, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "mlp.py").write_text(FAMILY)
    monkeypatch.setattr(plugins, "folder", lambda: str(tmp_path))
    result = guides("export", "image-cls/digits/mlp", "0.95", "--code", "--registry", filled)

    assert (result.code, result.err) == (0, "")
    compile(result.out, "net.py", "exec")
    assert "width=12, depth=1, activation='relu'" in result.out


def test_schema_prints_the_json_schema(guides: Guides) -> None:
    values = json.loads(guides("schema").out)

    assert values["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_validate_is_silent_about_sound_records(guides: Guides, filled: Path) -> None:
    assert guides("validate", filled) == Result(0, "no rule is broken\n", "")
    assert envelope(guides("validate", filled, "--json"))["findings"] == []


def test_index_rebuilds_and_says_where(guides: Guides, filled: Path) -> None:
    guides("index", "--registry", filled)
    first = (filled / ".index.sqlite3").stat().st_ino
    result = guides("index", "--registry", filled)

    assert result.out == f"{filled}: 4 records indexed in {filled}/.index.sqlite3\n"
    assert (filled / ".index.sqlite3").stat().st_ino != first
    assert envelope(guides("index", "--json", "--registry", filled))["roots"][0]["records"] == 4


def test_one_record_is_not_called_records(guides: Guides, root: Path) -> None:
    Store(root).publish(*example_record())

    assert guides("index", "--registry", root).out.startswith(f"{root}: 1 record indexed in ")


def test_json_has_no_numbers_that_json_lacks() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json("lookup", {"value": float("nan")})
