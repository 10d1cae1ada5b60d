"""Everything that can be wrong with a call or a registry: one clear line, the right exit code, no traceback."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry import cli, index, lookup, plugins, survey
from registry.errors import MissingDependency
from tests.example_record import example_record, published_record
from tests.unit.conftest import Result, settle, write

Guides = Callable[..., Result]
ASK = ("lookup", "--task", "image-cls", "--target-acc", "0.9")
PREDICT = ("predict", "--task", "image-cls", "--n-train", "500")
TRADE = ("tradeoff", "--task", "image-cls")
CHECKOUT = Path(cli.__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lokup",), "unknown command 'lokup'. Did you mean 'lookup'?"),
        (("--verion",), "no such option"),
        (("lookup",), "missing option '--task'"),
        ((*ASK, "--nope"), "no such option"),
        ((*ASK, "extra"), "got unexpected extra argument (extra)"),
        (("lookup", "--task", "image-cls"), "give a target with --target-acc A or --target METRIC=VALUE, or --knee"),
        ((*ASK, "--knee"), "give a target with --target-acc A or --target METRIC=VALUE, or --knee"),
        (("lookup", "--task", "image-cls", "--knee", "--reach", "0.9"), "--reach needs a target: a knee has none"),
        ((*ASK, "--target", "r2=0.5"), "targets are in one metric at a time, got accuracy, r2"),
        (("lookup", "--task", "image-cls", "--target-acc", "97"), "97 is not a fraction; did you mean 0.97?"),
        (("lookup", "--task", "image-cls", "--target-acc", "1.01"), "1.01 is not a fraction in [0, 1]"),
        (("lookup", "--task", "image-cls", "--target-acc", "0.9,"), "'' is not a fraction in [0, 1]"),
        (("lookup", "--task", "image-cls", "--target", "accuracy=97"), "97 is not a fraction; did you mean 0.97?"),
        (("lookup", "--task", "image-cls", "--target", "accuracy"), "'accuracy' is not a target"),
        (("lookup", "--task", "image-cls", "--target", "r2=0.5"), "image-cls is measured by accuracy, not by r2"),
        (("lookup", "--task", "image-clss", "--knee"), "unknown task 'image-clss'. Did you mean 'image-cls'?"),
        ((*ASK, "--dataset", "digitz"), "unknown data set 'digitz'. Did you mean 'digits'?"),
        ((*ASK, "--family", "mpl"), "unknown family 'mpl'. Did you mean 'mlp'?"),
        ((*ASK, "--max-params", "few"), "'few' is not a size"),
        ((*ASK, "--n-train", "0"), "'0' is not a whole number from 1"),
        ((*ASK, "--max-latency-ratio", "-1"), "'-1' is not a number above 0"),
        ((*ASK, "--input", "28xx28"), "'28xx28' is not an input shape"),
        ((*ASK, "--minimize", "beauty"), "invalid value for '--minimize'"),
        (("predict", "--task", "image-cls"), "missing option '--n-train'"),
        ((*PREDICT, "--params", "-3"), "'-3' is not a size"),
        ((*PREDICT, "--target", "r2=0.5"), "image-cls is measured by accuracy, not by r2"),
        ((*PREDICT, "--dataset", "digitz"), "unknown data set 'digitz'. Did you mean 'digits'?"),
        (("predict", "--task", "image-clss", "--n-train", "9"), "unknown task 'image-clss'. Did you mean 'image-cls'?"),
        (("data-needed", "--task", "image-cls"), "give a target with --target-acc A or --target METRIC=VALUE"),
        (("data-needed", "--task", "image-cls", "--target-acc", "97"), "97 is not a fraction; did you mean 0.97?"),
        (("tradeoff", "--task", "image-cls"), "give exactly one of a target (--target-acc A), --budget-flops"),
        ((*TRADE, "--target-acc", "0.9", "--budget-flops", "1e9"), "give exactly one of a target (--target"),
        ((*TRADE, "--at", "200,500"), "give exactly one of a target (--target-acc A), --budget-flops C, or --at N,P"),
        ((*TRADE, "--compare", "data*2"), "give exactly one of a target (--target-acc A), --budget-flops C, or --at N"),
        ((*TRADE, "--at", "200", "--compare", "data*2"), "'200' is not a mix; expected N,P: training examples and par"),
        ((*TRADE, "--at", "200,500", "--compare", "data"), "'data' is not a change; expected data*FACTOR or params*FA"),
        ((*TRADE, "--at", "200,500", "--compare", "data*0"), "'data*0' is not a change; expected data*FACTOR or param"),
        ((*TRADE, "--at", "200,500", "--compare", "parms*2"), "unknown change 'parms'. Did you mean 'params'?"),
        ((*TRADE, "--target-acc", "0.9", "--price-per-flop", "0"), "'0' is not a number above 0"),
        (("show",), "missing argument 'ID[@VERSION]'"),
        (("show", "digits"), "'digits' is not a guideline id"),
        (("show", "image-cls/digits/mpl"), "unknown guideline 'image-cls/digits/mpl'. Did you mean "),
        (("show", "image-cls/digits/mlp@7"), "unknown version 'image-cls/digits/mlp@7'"),
        (("export", "image-cls/digits/mlp", "0.9"), "give exactly one of --onnx FILE, --code"),
        (("export", "image-cls/digits/mlp", "0.9", "--onnx", "x", "--code"), "give exactly one of --onnx FILE, --code"),
        (("export", "image-cls/digits/mlp", "90", "--code"), "90 is not a fraction; did you mean 0.9?"),
        (("export", "image-cls/digits/mlp", "0.9", "--onnx", "gone/net.onnx"), "cannot write 'gone/net.onnx': No such"),
        (("export", "image-cls/digits/mlp", "0.9", "--onnx", "."), "'.' is not a plain file"),
    ],
)  # fmt: skip
def test_a_wrong_call_exits_2_with_one_line_and_a_hint(
    guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.setenv("GUIDES_PATH", str(filled))
    result = guides(*arguments)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert len(result.err.splitlines()) <= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*ASK[:4], "0.99"), "no guideline for image-cls reaches 0.990; the best on record is 0.975 in the median run"),
        ((*ASK, "--max-params", "5"), "no guideline for image-cls reaches 0.900 within these limits"),
        (("export", "image-cls/digits/mlp", "0.99", "--code"), "image-cls/digits/mlp v1 has no network for 0.99"),
        (
            ("export", "image-cls/digits/mlp", "0.9", "--route", "pruned", "--code"),
            "image-cls/digits/mlp v1 has no network made by the route pruned for 0.9",
        ),
        (("export", "image-cls/digits/mlp", "knee", "--onnx", "x"), "this network has no ONNX file on record"),
    ],
)
def test_what_nothing_on_record_reaches_exits_3(
    guides: Guides, filled: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = guides(*arguments, "--registry", filled)

    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(message)


@pytest.mark.parametrize("arguments", [ASK, PREDICT, ("list",), ("show", "image-cls/digits/mlp")])
@pytest.mark.parametrize("given", [True, False])
def test_an_empty_registry_exits_3_with_the_command_that_fills_it(
    guides: Guides, root: Path, arguments: tuple[str, ...], given: bool
) -> None:
    result = guides(*arguments, *(("--registry", root) if given else ()))

    assert (result.code, result.out) == (3, "")
    assert "guides bench --task image-cls --dataset" in result.err.splitlines()[1]


@pytest.mark.parametrize("path", ["gone", "file"])
def test_a_registry_that_is_no_folder_exits_2(guides: Guides, alone: Path, path: str) -> None:
    (alone / "file").touch()

    assert guides(*ASK, "--registry", path).code == 2


DAMAGE = {
    "truncated": (lambda whole: whole[:700], "R-JSON is not JSON at"),
    "empty": (lambda whole: b"", "R-JSON is not JSON at"),
    "twice": (lambda whole: b'{"id": "a", ' + whole[1:], "R-JSON stands twice in one object"),
    "nan": (lambda whole: whole.replace(b'"kwh":0.0001', b'"kwh":NaN'), "R-JSON NaN is not a number JSON knows"),
    "huge": (lambda whole: whole.replace(b'"kwh":0.0001', b'"kwh":1e999'), "R-JSON 1e999 is beyond"),
    "escape": (lambda whole: whole.replace(b"An Author", b"An\\u001bAuthor"), "R-TEXT the text has the character"),
    "list": (lambda whole: b"[" + whole + b"]", "R-JSON is not an object"),
    "latin-1": (lambda whole: whole.replace(b"An Author", b"An Auth\xf6r"), "R-JSON is not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_record_is_warned_about_and_left_out_and_fails_validation(
    guides: Guides, filled: Path, kind: str
) -> None:
    damage, problem = DAMAGE[kind]
    path = filled / "image-cls/fashion/mlp/v1/guideline.json"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[no-untyped-call]
    result = guides(*ASK, "--registry", filled)
    quiet = guides(*ASK, "--quiet", "--registry", filled)
    validated = guides("validate", filled)
    shown = guides("show", "image-cls/fashion/mlp", "--registry", filled)

    assert result.code == 0
    assert "fashion" not in result.out
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith(f"warning: {path}:")
    assert problem in result.err
    assert quiet == Result(0, result.out, "")
    assert validated.code == 1
    assert problem in validated.out
    assert shown.code == 1
    assert problem in shown.err


def linked(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere.json")
    path.symlink_to(path.parent.parent / "elsewhere.json")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def of_a_newer_major(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"schema_version":"1', b'"schema_version":"2'))


@pytest.mark.parametrize("damage", [linked, truncated, of_a_newer_major])
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (ASK, 4, "every guideline for image-cls is damaged"),
        ((*ASK, "--dataset", "digits"), 4, "every guideline for image-cls on digits is damaged"),
        ((*ASK, "--family", "mlp"), 4, "every guideline for image-cls with mlp is damaged"),
        ((*ASK, "--dataset", "wine"), 3, "no guideline for image-cls is on record"),
        (("list",), 4, "every guideline in "),
        (("show", "image-cls/digits/mlp"), 1, "v1/guideline.json:"),
        (("show", "image-cls/digits/mlp@1"), 1, "v1/guideline.json:"),
        (("export", "image-cls/digits/mlp", "0.9", "--code"), 1, "v1/guideline.json:"),
    ],
)
def test_where_all_there_is_is_damaged_that_is_said(
    guides: Guides, root: Path, damage: Callable[[Path], None], arguments: tuple[str, ...], code: int, message: str
) -> None:
    path = write(root, example_record()[0])
    damage(path)
    result = guides(*arguments, "--registry", root)
    warning, said = result.err.splitlines()[:2]

    assert result.code == code
    assert warning.startswith(f"warning: {path}:")
    assert message in said


@pytest.mark.parametrize(
    "arguments", [("show", "image-cls/digits/mlp"), ("export", "image-cls/digits/mlp", "0.9", "--onnx", "net.onnx")]
)
def test_an_older_version_in_place_of_a_damaged_one_comes_with_a_warning(
    guides: Guides, root: Path, arguments: tuple[str, ...]
) -> None:
    write(root, example_record()[0])
    newer = write(root, example_record(version=2)[0])
    truncated(newer)
    result = guides(*arguments, "--registry", root)
    named = guides("show", "image-cls/digits/mlp@2", "--registry", root)

    assert result.code == 0
    assert result.err.startswith(f"warning: {newer}: R-JSON is not JSON")
    assert named.code == 1
    assert named.err.splitlines()[1].startswith(f"{newer}: R-JSON is not JSON")


@pytest.mark.parametrize("command", ["show", "export"])
def test_a_record_that_lost_a_field_since_it_was_indexed_is_refused(
    guides: Guides, root: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    record, _ = example_record()
    del record["notes"]
    path = write(root, record)
    monkeypatch.setattr(survey, "_auditor", lambda: None)
    arguments = ("0.9", "--code") if command == "export" else ()
    result = guides(command, "image-cls/digits/mlp", *arguments, "--registry", root)

    assert (result.code, result.err) == (1, f"{path}:notes: R-SCHEMA Field required\n")


def test_a_record_that_is_a_link_is_left_out(guides: Guides, filled: Path, tmp_path: Path) -> None:
    path = filled / "image-cls/fashion/mlp/v1/guideline.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")

    assert "R-FILES is a link" in guides(*ASK, "--registry", filled).err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read and write everything")
def test_a_read_only_registry_is_answered_from(guides: Guides, filled: Path, tmp_path: Path) -> None:
    filled.chmod(0o555)
    result = guides(*ASK, "--registry", filled)
    filled.chmod(0o755)

    assert (result.code, result.err) == (0, "")
    assert list((tmp_path / "cache").rglob("*.sqlite3"))


def test_where_no_index_can_be_written_the_answer_comes_from_memory(
    guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(index, "build", refuse)

    assert guides(*ASK, "--registry", filled).code == 0
    assert "memory only" in guides("index", "--registry", filled).out


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read and write everything")
def test_a_registry_that_cannot_be_read_exits_4(guides: Guides, filled: Path) -> None:
    filled.chmod(0o000)
    result = guides(*ASK, "--registry", filled)
    filled.chmod(0o755)

    assert result.code == 4
    assert result.err.startswith(f"cannot read the registry folder '{filled}': Permission denied")


def test_a_swapped_network_is_not_exported(guides: Guides, filled: Path, alone: Path) -> None:
    settle(filled)
    guides("list", "--registry", filled)  # the index is built before the file is swapped
    (filled / "image-cls/digits/mlp/v1/onnx/w8-d1.onnx").write_bytes(b"something else")
    result = guides("export", "image-cls/digits/mlp", "0.9", "--onnx", "net.onnx", "--registry", filled)

    assert result.code == 1
    assert "is not the file the record was made with: its SHA-256 differs" in result.err
    assert not list(alone.iterdir())


def test_a_network_outside_the_records_folder_is_not_exported(guides: Guides, root: Path) -> None:
    record, _ = example_record()
    (root.parent / "secret").write_text("x")
    record["frontier"][0]["onnx"]["path"] = "../../../../../secret"
    write(root, record)

    assert guides("export", "image-cls/digits/mlp", "0.9", "--onnx", "net.onnx", "--registry", root).code == 1


def test_published_evidence_has_nothing_to_export(guides: Guides, root: Path) -> None:
    write(root, published_record())
    result = guides("export", "image-cls/digits/mlp", "0.9", "--code", "--registry", root)

    assert result.code == 2
    assert result.err.startswith("image-cls/digits/mlp v1 is published evidence: it has no network to export")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 5, "out of memory"),
        (OSError(errno.ENOSPC, "No space left on device", "net.onnx"), 5, "no space left for 'net.onnx'"),
    ],
)
def test_what_stops_a_command_has_its_own_exit_code(
    guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "_silence", lambda: 141)
    monkeypatch.setattr(lookup, "reply", fail)
    result = guides(*ASK, "--registry", filled)

    assert result.code == code
    assert result.err.strip() == message


def test_a_bug_keeps_its_traceback(guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "reply", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        guides(*ASK, "--registry", filled)


def started(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen([sys.executable, "-m", "registry", *arguments], env=environment, **options)


@pytest.mark.usefixtures("alone")
def test_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = started("schema", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)

    assert process.communicate()[1] == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.usefixtures("alone")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which is Linux's")
def test_a_full_disk_behind_stdout_exits_5() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
        process = started("schema", stdout=full, stderr=subprocess.PIPE)

    assert process.communicate()[1] == b"no space left\n"
    assert process.returncode == 5


@pytest.mark.usefixtures("alone")
def test_ctrl_c_while_reading_a_record_exits_130(filled: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from registry import cli, shelf\n"
        "shelf.read = lambda one: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(cli.run(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "show", "image-cls/digits/mlp", "--registry", str(filled)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")


def test_a_heavy_command_without_its_packages_says_what_to_install(
    guides: Guides, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(module: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(cli, "import_module", missing)
    result = guides("bench", "--task", "image-cls")

    assert result.code == MissingDependency.exit_code
    assert result.err == "guides bench needs torch, which is not installed: pip install 'sizing-guides[harness]'\n"


def test_a_broken_light_command_is_a_bug_not_a_missing_package(guides: Guides, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> None:
        raise ModuleNotFoundError("No module named 'registry.gone'", name="registry.gone")

    monkeypatch.setattr(cli, "import_module", missing)

    with pytest.raises(ModuleNotFoundError):
        guides("schema")


def test_without_the_harness_names_come_from_the_records(
    guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "folder", lambda: None)
    result = guides("lookup", "--task", "audio", "--target-acc", "0.9", "--registry", filled)

    assert result.err == "unknown task 'audio'\n  known: image-cls, tabular-cls\n"


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("validate", LONG), f"'{'x' * 77}...' does not exist"),
        (
            ("export", "image-cls/digits/mlp", "0.9", "--onnx", LONG),
            f"cannot write '{'x' * 77}...': File name too long",
        ),
        (("lookup", "--task", "\udcff", "--target-acc", "0.9"), "the task '\\udcff' is not a name"),
        ((*ASK, "--dataset", "\udcff"), "the data set '\\udcff' is not a name"),
        ((*ASK, "--family", "\udcff"), "the family '\\udcff' is not a name"),
        (("lookup", "--task", "image-cls", "--target", "\udcff=1"), "'\\udcff=1' is not a target"),
    ],
)
def test_a_name_that_no_disk_or_index_can_hold_exits_2(
    guides: Guides, filled: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = guides(*arguments, *(() if arguments[0] == "validate" else ("--registry", filled)))

    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[0] == message or result.err.startswith(f"{message};")


@pytest.mark.parametrize("command", ["lookup", "list", "show", "validate"])
def test_a_root_whose_name_is_no_text_is_read_all_the_same(guides: Guides, filled: Path, command: str) -> None:
    odd = filled.parent / os.fsdecode(b"odd-\xff")
    filled.rename(odd)
    arguments = {"lookup": ASK, "show": ("show", "image-cls/digits/mlp")}.get(command, (command,))
    result = guides(*arguments, *(() if command == "validate" else ("--registry",)), odd)

    assert (result.code, result.err) == (0, "")
    assert result.out


def refuse(path: str, number: int = errno.EACCES) -> None:
    raise OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EACCES, 2), (errno.ENAMETOOLONG, 2), (errno.EMFILE, 5), (errno.EIO, 5)]
)
def test_a_file_that_the_system_refuses_is_named(
    guides: Guides, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(lookup, "reply", lambda *_, **__: refuse("some/file", number))
    result = guides(*ASK)

    assert (result.code, result.err) == (code, f"cannot use 'some/file': {os.strerror(number)}\n")


def test_a_system_error_about_no_file_is_a_bug(guides: Guides, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(lookup, "reply", fail)

    with pytest.raises(OSError, match="Bad file descriptor"):
        guides(*ASK)


def test_validate_does_not_pass_over_a_folder_it_cannot_list(
    guides: Guides, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("fashion"):
            refuse(str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = guides("validate", filled)

    assert (result.code, result.out) == (4, "")
    assert result.err == f"cannot read the folder '{filled}/image-cls/fashion': Permission denied\n"


def test_validate_rebuilds_a_forged_index(guides: Guides, filled: Path) -> None:
    settle(filled)
    honest = guides(*ASK, "--registry", filled)
    with sqlite3.connect(filled / ".index.sqlite3") as connection:
        connection.execute("UPDATE points SET params = 1")
    connection.close()
    forged = guides(*ASK, "--registry", filled)
    guides("validate", filled)

    assert forged.out != honest.out
    assert guides(*ASK, "--registry", filled) == honest


@pytest.mark.usefixtures("alone")
def test_a_closed_stdout_is_no_crash(filled: Path) -> None:
    command = f"exec {sys.executable} -m registry {' '.join(ASK)} --registry {filled} >&-"
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_knee_that_is_not_on_record_leads_to_the_command_that_measures_one(guides: Guides, root: Path) -> None:
    record, _ = example_record()
    record["knee"] = []
    write(root, record)
    result = guides("lookup", "--task", "image-cls", "--knee", "--registry", root)
    message, hint = result.err.splitlines()

    assert (result.code, message) == (3, "no knee is on record yet")
    assert hint == "  Measure one: guides bench --task image-cls --dataset digits --family mlp --knee"


@pytest.mark.parametrize(("task", "dataset"), [("image-cls", "digits"), ("tabular-cls", "breast-cancer")])
def test_the_bench_hint_names_a_data_set_of_the_task(guides: Guides, task: str, dataset: str) -> None:
    result = guides("lookup", "--task", task, "--target-acc", "0.9")

    assert result.err.splitlines()[1] == (
        f"  Make one: guides bench --task {task} --dataset {dataset} --family mlp --target-acc 0.9"
    )
