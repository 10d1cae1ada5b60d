"""Folk rules against hand counts; the comparison on made-up and on committed knees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.compare import rules
from harness.like import folk
from harness.like.folk import RULES, units
from harness.like.ladder import write_ladder
from registry.errors import UsageError
from tests.like_data import DESCRIPTORS, known, ladder
from tests.repository import ROOT


def on_page(row: dict[str, Any]) -> str:
    """Return the line of docs/like.md."""
    factors = " | ".join(f"{row[key]:.1f} x" for key in ("median", "percentile80", "worst"))
    return f"| {row['rule']} | {factors} | {row['close']} of {row['n']} | {row['bias']:.2f} |"


# 1,000 examples, 20 inputs, 3 outputs
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("mean of inputs and outputs", 12),  # 11.5
        ("2/3 inputs + outputs", 16),  # 13.3 + 3
        ("sqrt(inputs x outputs)", 8),  # sqrt(60) = 7.7
        ("n / (5 (inputs + outputs))", 9),  # 1000 / 115 = 8.7
        ("n / (10 (inputs + outputs))", 4),  # 4.3
        ("100, scikit-learn's default", 100),
    ],
)
def test_a_folk_rule_gives_what_a_hand_count_gives(rule: str, expected: int) -> None:
    assert units(RULES[rule], DESCRIPTORS) == expected


def test_every_folk_rule_is_counted_by_hand() -> None:
    assert len(RULES) == 6


def test_a_rule_that_asks_for_no_unit_gets_one() -> None:
    assert units(lambda _: 0.2, DESCRIPTORS) == 1


def test_scikit_learn_still_defaults_to_100() -> None:
    from sklearn.neural_network import MLPClassifier

    assert MLPClassifier().hidden_layer_sizes == (100,)


def test_factors_count_from_one_either_way() -> None:
    made = [known(name, width) for name, width in (("a", 100), ("b", 50), ("c", 400), ("d", 100))]
    row = next(row for row in rules.compare(made, made) if row.rule.startswith("100"))
    size = {one.name: one.params for one in made}

    assert row.worst == pytest.approx(size["c"] / size["a"])
    assert row.median == pytest.approx((1 + size["a"] / size["b"]) / 2)
    assert row.percentile80 == row.worst
    assert (row.close, row.n, row.bias) == (3, 4, 1.0)


def test_one_width_for_all_is_that_of_other_sources() -> None:
    made = [known("a", 4, "one"), known("b", 8, "one"), known("c", 2), known("d", 32)]
    row = next(row for row in rules.compare(made, made) if row.rule == rules.SAME)

    assert row.params["a"] == folk.params(8, DESCRIPTORS)
    assert row.params["c"] == folk.params(10, DESCRIPTORS)  # (4 * 8 * 32) ** (1 / 3) = 10.08


def test_only_those_that_count_are_counted() -> None:
    made = [known(name, width) for name, width in (("a", 100), ("b", 50), ("c", 400), ("d", 100))]
    row = next(row for row in rules.compare(made, [made[0], made[3]]) if row.rule.startswith("100"))

    assert (row.n, row.worst, set(row.params)) == (2, 1.0, {"a", "b", "c", "d"})


def test_committed_knees_are_compared_and_written(tmp_path: Path) -> None:
    result = CliRunner().invoke(rules.COMMAND, ["--json", str(tmp_path / "rows.json")])
    written = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))

    assert result.exit_code == 0
    assert [row["rule"] for row in written["rows"]] == [rules.LIKE, rules.LIKE_SIBLINGS, rules.SAME, *RULES]
    assert all(row["rule"] in result.output for row in written["rows"])
    assert all(row["n"] == len(written["knees"]) >= 12 for row in written["rows"])
    assert [row["rule"] for row in written["answered"]] == [row["rule"] for row in written["rows"]]
    assert {row["n"] for row in written["answered"]} == {10}  # the tables of 2 and 3 classes
    page = (ROOT / "docs" / "like.md").read_text(encoding="utf-8")
    assert [line for row in (*written["rows"], *written["answered"]) if (line := on_page(row)) not in page] == []


def test_too_few_knees_are_refused(tmp_path: Path) -> None:
    write_ladder(tmp_path / "one.csv", ladder({8: (0.25,), 64: (0.1,)}))
    result = CliRunner().invoke(rules.COMMAND, ["--knees", str(tmp_path)])

    assert isinstance(result.exception, UsageError)
    assert "1 knees of too few sources" in str(result.exception)
