"""`guides burden` and docs/burden.md: what is printed, what is refused, what is drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.burden.page import BENCHMARKS, PAGE, page, text
from registry.roots import Root
from tests.published_points import point, power_law, record, write
from tests.shipped import ROOT

Guides = Callable[..., Any]
ASK = ("burden", "--task", "image-cls", "--dataset", "blobs", "--registry")


def dated(n: int) -> list[dict[str, Any]]:
    return [{**one, "year": 2010 + i // 2} for i, one in enumerate(power_law(n, 6.0))]


def test_the_exponent_stands_beside_theory_and_article(guides: Guides, tmp_path: Path) -> None:
    found = guides(*ASK, write(tmp_path / "root", record(power_law(20, 6.0, noise=0.05))))

    assert found.code == 0
    assert "image-cls on blobs, 1 - accuracy over training compute: 20 trainings of 20 figures" in found.out
    assert "  compute is 20 stated; 20 sources" in found.out
    assert " x the compute (" in found.out
    assert "By Thompson et al. k is at least 4 in theory (x 16) and at least 9 in practice (x 512)." in found.out
    assert "Too few with compute of their own for a line: pruned (0), int8 (0)." in found.out
    assert "year" not in found.out


def test_json_holds_what_the_lines_say(guides: Guides, tmp_path: Path) -> None:
    root = write(tmp_path / "root", record(dated(20)), record(power_law(10, 3.0), "literature-em", "em"))
    said = json.loads(guides(*ASK, root, "--by-year", "--json").out)

    assert said["schema"] == "guides.burden/1"
    assert (said["metric"]["name"], said["error"], said["other_metrics"]) == ("accuracy", "1 - accuracy", ["em"])
    assert said["all"]["exponent"]["low"] < 6 < said["all"]["exponent"]["high"]
    assert said["all"]["exponent"]["value"] * said["all"]["r2"] == pytest.approx(
        said["all"]["inverse_exponent"]["value"]
    )
    assert said["all"]["halving"]["value"] == pytest.approx(2 ** said["all"]["exponent"]["value"])
    assert said["variants"]["int8"] == {"n": 0, "missing": "an exponent takes 10 trainings, got 0"}
    assert (said["theory"], said["article"]) == (4, 9)
    assert (said["by_year"]["n"], said["by_year"]["first"], said["by_year"]["last"]) == (20, 2010, 2019)


def test_another_metric_is_asked_by_name_and_others_are_named(guides: Guides, tmp_path: Path) -> None:
    root = write(tmp_path / "root", record(power_law(20, 6.0)), record(power_law(12, 3.0), "literature-em", "em"))
    found = guides(*ASK, root, "--metric", "em")

    assert "1 - em over training compute: 12 trainings of 12 figures" in found.out
    assert found.err == "also on record: --metric accuracy\n"
    assert guides(*ASK, root, "--metric", "em", "--quiet").err == ""


def test_records_of_several_families_and_roots_are_pooled_once(guides: Guides, tmp_path: Path) -> None:
    points = power_law(20, 6.0)
    first = write(tmp_path / "first", record(points[:12]))
    second = write(tmp_path / "second", record(points[5:15]), record(points[10:], "other"))
    found = guides(*ASK, first, "--registry", second)

    assert "20 trainings of 22 figures" in found.out  # the first root's record hides the second's of that name
    assert "; 2 told twice left out" in found.out


def test_under_10_trainings_it_refuses_and_says_what_to_add(guides: Guides, tmp_path: Path) -> None:
    root = write(tmp_path / "root", record([*power_law(9, 6.0), point("no compute", 0.1, None)]))
    found = guides(*ASK, root)

    assert (found.code, found.out) == (3, "")
    refusal, hint = found.err.splitlines()
    assert refusal == (
        "an exponent takes 10 trainings, image-cls on blobs has 9 with training compute, of 10 figures in accuracy"
    )
    assert hint == "  add rows with train_flops: docs/literature.md says how"


def test_where_r2_is_low_nothing_is_said_of_halving(guides: Guides, tmp_path: Path) -> None:
    found = guides(*ASK, write(tmp_path / "root", record(power_law(20, 60.0, noise=0.5))))

    assert found.code == 0
    assert "What halving the error takes is not said: compute explains" in found.out
    assert "x the compute" not in found.out


def test_by_year_is_refused_under_15_years_and_the_rest_is_said(guides: Guides, tmp_path: Path) -> None:
    found = guides(*ASK, write(tmp_path / "root", record(dated(14))), "--by-year")

    assert found.code == 3
    assert "14 trainings of 14 figures" in found.out
    assert found.err == "a halving time takes 15 trainings with their year, and two years, got 14 in 7 years\n"


def test_by_year_follows_the_least_compute(guides: Guides, tmp_path: Path) -> None:
    least = [point(f"net {i}", 0.2, 1e18 * 2.0**-i, year=2010 + 2 * i) for i in range(4)]
    costly = [point(f"more {i}", 0.19 * 0.95**i, 1e19 * 2.0**i, year=2011 + i % 5) for i in range(12)]
    found = guides(*ASK, write(tmp_path / "root", record([*least, *costly])), "--by-year")

    assert found.code == 0
    assert "compute at equal error, by year (16 trainings, 2010 to 2016):" in found.out
    assert "To an error of 0.2, that of net 0, 2010: it halves every 24 months" in found.out
    assert "least so far 2010 1.0e+18, 2012 5.0e+17, 2014 2.5e+17, 2016 1.2e+17." in found.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--task", "image-clss", "--dataset", "blobs"), "unknown task 'image-clss'. Did you mean 'image-cls'?"),
        (("--task", "image-cls", "--dataset", "blob"), "unknown data set 'blob'. Did you mean 'blobs'?"),
        (
            ("--task", "image-cls", "--dataset", "blobs", "--metric", "acuracy"),
            "unknown metric 'acuracy'. Did you mean 'accuracy'?",
        ),
        (("--task", "image-cls", "--dataset", "blobs", "--plot", "k.txt"), "its name ends in none of .svg, .png, .pdf"),
    ],
)
def test_a_wrong_call_is_refused(guides: Guides, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    found = guides("burden", *arguments, "--registry", write(tmp_path / "root", record(power_law(12, 6.0))))

    assert found.code == 2
    assert said in found.err


def test_where_nothing_is_published_there_is_no_answer(guides: Guides, filled: Path) -> None:
    found = guides("burden", "--task", "image-cls", "--dataset", "digits", "--registry", filled)

    assert found.code == 3
    assert found.err.startswith("nothing is published of image-cls on digits\n")


def test_a_figure_is_drawn_and_is_the_same_every_time(guides: Guides, tmp_path: Path) -> None:
    root = write(tmp_path / "root", record(dated(20)))
    for name in ("one.svg", "two.svg"):
        assert guides(*ASK, root, "--by-year", "--plot", tmp_path / name).code == 0
    drawn = (tmp_path / "one.svg").read_text(encoding="utf-8")

    assert drawn == (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert "training compute in flops" in drawn
    assert "frontier: k = " in drawn
    assert "least compute so far for one error" in drawn


def test_a_line_that_the_text_refuses_is_not_drawn(guides: Guides, tmp_path: Path) -> None:
    root = write(tmp_path / "root", record(power_law(20, 200.0, noise=0.3)))
    said = guides(*ASK, root, "--plot", tmp_path / "one.svg")
    drawn = (tmp_path / "one.svg").read_text(encoding="utf-8")

    assert "of the variance of log error, less than" in said.out
    assert "training compute in flops" in drawn
    assert "no line: compute" in drawn
    assert "k = " not in drawn


def test_the_page_is_that_of_the_records() -> None:
    written = PAGE.read_text(encoding="utf-8")

    assert text([Root(str(ROOT))]) == written, "docs/burden.md is out of step: python -m harness burden"
    assert all(f"| {one.name} | all |" in written for one in BENCHMARKS)


def test_the_page_is_written_where_asked(tmp_path: Path) -> None:
    out = tmp_path / "burden.md"
    done = CliRunner().invoke(page, ["--out", str(out)])

    assert done.output == f"{out}: {len(BENCHMARKS)} benchmarks\n"
    assert out.read_bytes() == PAGE.read_bytes()
