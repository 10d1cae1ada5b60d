"""What strangers wrote is read strictly, or refused with the file, the field and the rule."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from registry.errors import BrokenRule
from registry.loader import JSON_LIMIT, parse_json, read_bytes, read_json, refuse_links
from registry.store import canonical_json


def test_plain_object_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('{"n": 9007199254740991, "x": 1.5, "t": "Zoë 日本", "l": [true, null]}'.encode())

    assert read_json(path) == {"n": 9007199254740991, "x": 1.5, "t": "Zoë 日本", "l": [True, None]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.json: R-JSON is not JSON at line 1, column 1: Expecting value"),
        (b'{"a": [1, {"b": NaN}]}', "x.json:a.1.b: R-JSON NaN is not a number JSON knows, expected a finite one"),
        (b'{"a": -Infinity}', "x.json:a: R-JSON -Infinity is not a number JSON knows, expected a finite one"),
        (b'{"a": 1e999}', "x.json:a: R-JSON 1e999 is beyond what a double holds"),
        (b'{"a": {"b": 1, "b": 1}}', "x.json:a.b: R-JSON stands twice in one object"),
        (b'{"a": 1, "a": 2}', "x.json:a: R-JSON stands twice in one object"),
        (b'{"a": 9007199254740993}', "x.json:a: R-JSON 9007199254740993 is beyond +-(2**53 - 1)"),
        (b'{"a": 1152921504606846976}', "x.json:a: R-JSON 1152921504606846976 is beyond +-(2**53 - 1)"),
        (b"[1]", "x.json: R-JSON is not an object, expected {...} at the top"),
        (b'{"a": 1} {}', "x.json: R-JSON is not JSON at line 1, column 10: Extra data"),
        (b'{"a": tru', "x.json: R-JSON is not JSON at line 1, column 7: Expecting value"),
        (b"\xef\xbb\xbf{}", "x.json: R-JSON starts with a byte order mark, expected plain UTF-8"),
        (b'{"a": "\xff"}', "x.json: R-JSON is not UTF-8 at byte 7"),
        ('{"a": 1}'.encode("utf-16-be"), "x.json: R-JSON is not JSON at line 1, column 1: Expecting value"),
        (b'{"a": "\xed\xa0\x80"}', "x.json: R-JSON is not UTF-8 at byte 7"),
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BrokenRule) as caught:
        parse_json(data, "x.json")

    assert caught.value.message == message


@pytest.mark.parametrize("number", [1e16, -(2.0**53), 2.0**60, 1e20, 123456789012345680000.0, 1e21, 1.5e300])
def test_large_doubles_are_read_from_their_canonical_form(number: float) -> None:
    value = parse_json(canonical_json({"a": number}), "x.json")["a"]

    assert value == number
    assert isinstance(value, float)


@pytest.mark.parametrize(
    "escape",
    [
        *("\\u0000", "\\n", "\\u007f", "\\u0085", "\\ud800", "\\ue000"),  # control, lone surrogate, private
        *("\\u202e", "\\u2066", "\\u2028"),  # bidirectional, line separator
        *("\\u200b", "\\u200d", "\\ufeff", "\\u00ad", "\\u3164", "\\ufe0f", "\\udb40\\udc41"),  # invisible
    ],
)
def test_control_bidirectional_and_invisible_characters_are_refused(escape: str) -> None:
    with pytest.raises(
        BrokenRule, match=r"^x\.json:a\.0: R-TEXT the text has the character U\+[0-9A-F]{4,6}, expected"
    ):
        parse_json(f'{{"a": ["b{escape}"]}}'.encode(), "x.json")


def test_text_that_is_not_composed_is_refused() -> None:
    with pytest.raises(BrokenRule, match=r"x\.json:a: R-TEXT the text is not in Unicode normal form C"):
        parse_json('{"a": "Zoe\u0308"}'.encode(), "x.json")


def test_hostile_key_is_refused_and_shown_escaped() -> None:
    with pytest.raises(BrokenRule) as caught:
        parse_json(b'{"\\u001b[31m": 1}', "x.json")

    assert str(caught.value).startswith("x.json:\\x1b[31m: R-TEXT the key has the character U+001B")


def test_depth_of_32_is_read_and_33_refused() -> None:
    inside = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    outside = b'{"a":' + b"[" * 32 + b"]" * 32 + b"}"

    assert parse_json(inside, "x.json")["a"] is not None
    with pytest.raises(BrokenRule, match="R-JSON is nested more than 32 levels deep"):
        parse_json(outside, "x.json")


def test_brackets_inside_text_are_not_depth() -> None:
    assert parse_json(b'{"a": "' + b"[{" * 500 + b'\\"["}', "x.json")["a"].endswith('{"[')


@pytest.mark.parametrize(
    "data",
    [b"[" * JSON_LIMIT, b'{"a":' * 150_000, b'{"a":"' + b'\\"' * 490_000, b'{"a": ' + b"9" * 900_000 + b"}"],
    ids=["lists", "objects", "quotes", "digits"],
)
def test_a_megabyte_made_to_exhaust_the_reader_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenRule):
        parse_json(data, "x.json")


def test_more_than_a_megabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a":"' + b"x" * JSON_LIMIT + b'"}')

    with pytest.raises(BrokenRule, match=r"a\.json: R-SIZE is larger than 1,000,000 bytes"):
        read_json(path)


def test_text_instead_of_bytes_is_a_bug_of_the_caller() -> None:
    with pytest.raises(TypeError, match="takes bytes, got str"):
        parse_json("{}", "x.json")  # type: ignore[arg-type]


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(BrokenRule, match=r"a\.json: R-FILES cannot be read: No such file or directory"):
        read_json(tmp_path / "a.json")


def test_linked_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(b"{}")
    (tmp_path / "a.json").symlink_to("real.json")

    with pytest.raises(BrokenRule, match=r"a\.json: R-FILES is a link"):
        read_json(tmp_path / "a.json")


def test_linked_folder_inside_the_root_is_refused_and_a_linked_root_is_not(tmp_path: Path) -> None:
    (tmp_path / "root" / "real").mkdir(parents=True)
    (tmp_path / "root" / "real" / "a.json").write_bytes(b"{}")
    (tmp_path / "root" / "linked").symlink_to("real")
    (tmp_path / "other").symlink_to("root")

    assert read_json(tmp_path / "other" / "real" / "a.json", root=tmp_path / "other") == {}
    with pytest.raises(BrokenRule, match="linked: R-FILES is a link"):
        read_json(tmp_path / "root" / "linked" / "a.json", root=tmp_path / "root")


def test_path_that_leaves_the_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenRule, match="R-FILES is outside"):
        refuse_links(tmp_path, tmp_path / "root")
    with pytest.raises(BrokenRule, match="R-FILES"):
        refuse_links(tmp_path / "root" / ".." / "x", tmp_path / "root")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.json"
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)

    with pytest.raises(BrokenRule, match="R-FILES is not a regular file"):
        read_bytes(path, 10)


def test_a_broken_rule_survives_the_way_between_processes() -> None:
    error = BrokenRule("a.json", "b.0", "R-JSON", "is odd", "make it even")

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, made on this line

    assert str(copy) == str(error) == "a.json:b.0: R-JSON is odd\n  make it even"


def test_the_loader_needs_the_standard_library_alone() -> None:
    code = "import sys, registry.loader; print(*{m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names)"
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True).stdout

    assert set(loaded.split()) <= {"registry", "__main__"}
