"""For any bytes the loader answers with values or with a refusal; for any record-like values it loses nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.errors import BrokenRule
from registry.loader import LARGEST_INT, parse_json, text_fault
from registry.store import canonical_json

texts = st.text(max_size=20).filter(lambda text: text_fault(text) is None)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-LARGEST_INT, LARGEST_INT),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
trees = st.dictionaries(
    texts,
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)),
    max_size=5,
)


@given(trees)
@example({"a": 9007199254740992.0})
@settings(max_examples=60, deadline=None)
def test_what_is_written_canonically_is_read_back_equal(values: dict[str, Any]) -> None:
    assert parse_json(canonical_json(values), "x.json") == values


@given(trees)
@settings(max_examples=20, deadline=None)
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(values: dict[str, Any]) -> None:
    turned = dict(reversed(values.items()))

    assert canonical_json(turned) == canonical_json(values)


@given(st.binary(max_size=200) | st.text('{}[]":,\\u0123456789eE+-.truefalsn ', max_size=60).map(str.encode))
@example(b'{"a":"\\')
@example(b'{"":1,"":2}')
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_an_object_or_a_broken_rule(data: bytes) -> None:
    try:
        values = parse_json(data, "x.json")
    except BrokenRule as error:
        refusal = error.message
    else:
        refusal = ""

    assert refusal.startswith("x.json") if refusal else values == json.loads(data)
    assert "\n" not in refusal
