"""Every rule holds for every record that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.rules.record import Rule
from registry.store import Store
from registry.validate import RULES, check, validate

ROOT = Path(__file__).parents[2] / "guidelines"
RECORDS = list(Store(ROOT).records())
NONE_YET = pytest.param(None, marks=pytest.mark.skip(reason="guidelines/ holds no record yet"), id="no-record")


@pytest.mark.parametrize(
    "record", [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in RECORDS] or [NONE_YET]
)
@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_rule_holds(rule: Rule, record: Path) -> None:
    found = check(rule, record)

    assert not found, "\n".join([*map(str, found), f"see: guides validate {record.relative_to(ROOT.parent)}"])


def test_the_whole_root_is_valid_released_records_included() -> None:
    found = validate(ROOT)

    assert not found, "\n".join([*map(str, found), "see: guides validate guidelines"])
