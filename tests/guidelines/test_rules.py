"""Every rule holds for every record that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.rules.record import Rule
from registry.validate import RULES, check, validate
from tests.shipped import RECORDS, ROOT


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_rule_holds(rule: Rule, record: Path) -> None:
    found = check(rule, record)

    assert not found, "\n".join([*map(str, found), f"see: guides validate {record.relative_to(ROOT.parent)}"])


def test_the_whole_root_is_valid_released_records_included() -> None:
    found = validate(ROOT)

    assert not found, "\n".join([*map(str, found), "see: guides validate guidelines"])
