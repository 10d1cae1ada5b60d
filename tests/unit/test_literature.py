"""Tables of published results: what is refused with line and rule, what is taken, and that no row is lost."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from registry.literature import bibtex, records, table
from registry.literature.benchmark import parse
from registry.literature.names import architecture
from registry.validate import validate
from tests.literature_tables import PLACE, TABLES, add, folder_of
from tests.repository import ROOT

TODAY = datetime.date(2026, 6, 1)
MISTAKES = sorted(file.stem for file in TABLES.glob("*.csv"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_line_and_rule_and_the_other_rows_are_unharmed(mistake: str, tmp_path: Path) -> None:
    found = table.read(folder_of(mistake, tmp_path), TODAY)
    taken, *faults = (TABLES / f"{mistake}.faults").read_text(encoding="ascii").splitlines()

    assert faults
    assert [f"{fault.field}: {fault.rule} {fault.message}" for fault in found.faults] == faults
    assert [row.model for row in found.rows] == [name for name in taken.removeprefix("taken: ").split("; ") if name]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_row_is_a_network_a_further_figure_or_refused(mistake: str, tmp_path: Path) -> None:
    folder = folder_of(mistake, tmp_path)
    found = table.read(folder, TODAY)
    built = records.build(found)
    n_networks = sum(len(one.record["frontier"]) for one in built)
    n_lines = len((folder / "results.csv").read_bytes().splitlines()) - 1

    assert n_networks + sum(one.n_further for one in built) + found.n_refused == found.n_rows == n_lines


def test_every_rule_has_a_table_that_breaks_it_and_is_described() -> None:
    broken = {
        line.split()[1]
        for file in TABLES.glob("*.faults")
        for line in file.read_text(encoding="ascii").splitlines()[1:]
    }
    described = {
        line.split("`")[1]
        for line in (ROOT / "docs" / "literature.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `L-")
    }

    assert broken == described - {"L-FILE", "L-BIBTEX", "L-BENCHMARK", "L-RECORD"}  # those are below


def test_the_year_is_held_against_the_clock(tmp_path: Path) -> None:
    folder = folder_of("future", tmp_path)

    assert table.read(folder, datetime.date(2027, 1, 1)).faults == ()


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("results.csv", "", "L-FILE is empty, expected a line with the names of the columns"),
        ("results.csv", 'model,"family\n', "L-FILE line 1: unexpected end of data"),
        ("references.bib", "@misc{he2016,\n  title = {Deep\n", "L-BIBTEX line 1: a value of 'he2016' is not closed"),
        ("references.bib", "@misc{he2016,\n  year = {2016},\n}\n", "L-BIBTEX line 1: 'he2016' has no title"),
        (
            "references.bib",
            "@misc{a1,\n title = {A}\n}\n",
            "L-BIBTEX line 1: 'a1' has no eprint, doi or url: where is it to be read?",
        ),
        (
            "references.bib",
            "text @misc(he2016)",
            "L-BIBTEX line 1: '@misc(he2016)' begins no entry, expected @misc{key,",
        ),
        (
            "benchmark.toml",
            'source = "A"\n',
            "L-BENCHMARK metrics: there is none, expected [metrics.accuracy] with unit",
        ),
        ("benchmark.toml", "source = A\n", "L-BENCHMARK Invalid value"),
        ("benchmark.toml", 'source = "A"\n[metrics."../x"]\n', "L-BENCHMARK metrics: '../x' is not in kebab-case"),
        ("benchmark.toml", "sauce = 1\n", "L-BENCHMARK 'sauce': is not known here, expected input_shape, licence"),
    ],
)
def test_a_file_that_cannot_be_read_gives_nothing_and_says_why(
    name: str, text: str, fault: str, tmp_path: Path
) -> None:
    folder = folder_of("percent", tmp_path)
    (folder / name).write_text(text, encoding="ascii")
    found = table.read(folder, TODAY)
    (only,) = found.faults

    assert f"{only.rule} {only.message}".startswith(fault)
    assert only.file == name
    assert found.rows == ()
    assert records.build(found) == []


def test_a_missing_file_and_another_alphabet_are_faults(tmp_path: Path) -> None:
    folder = folder_of("percent", tmp_path)
    (folder / "benchmark.toml").unlink()
    (folder / "references.bib").write_bytes("A comment\n№\n".encode())
    faults = [(fault.file, fault.field, fault.rule) for fault in table.read(folder, TODAY).faults]

    assert faults == [("benchmark.toml", "", "L-BENCHMARK"), ("references.bib", "2", "L-BIBTEX")]


def test_a_cell_over_two_lines_is_one_refused_row(tmp_path: Path) -> None:
    folder = folder_of("percent", tmp_path)
    add(folder, '"Two\nlines",net,2020,accuracy,0.7,,,,,,,,he2016,Table 1,')
    add(folder, "Last,net,2020,accuracy,0.7,,,,,,,,he2016,Table 1,")
    found = table.read(folder, TODAY)

    assert [(fault.field, fault.rule) for fault in found.faults if fault.rule == "L-TEXT"] == [("5.model", "L-TEXT")]
    assert [row.model for row in found.rows] == ["Sound", "Last"]
    assert found.n_rows == 5


def test_a_table_of_very_many_lines_is_refused_as_a_whole(tmp_path: Path) -> None:
    folder = folder_of("percent", tmp_path)
    add(folder, "\n" * 6000)
    (only,) = table.read(folder, TODAY).faults

    assert (only.rule, only.message) == ("L-FILE", "has 6005 lines, expected at most 5000")


@pytest.mark.parametrize(("n_test", "rules"), [(80, []), (1000, []), (1001, ["L-PERFECT"]), (None, ["L-PERFECT"])])
def test_all_right_is_believed_of_few_items_only(n_test: int | None, rules: list[str], tmp_path: Path) -> None:
    folder = folder_of("perfect", tmp_path)
    about = folder / "benchmark.toml"
    lines = [line for line in about.read_text(encoding="ascii").splitlines() if not line.startswith("n_test")]
    about.write_text("\n".join([f"n_test = {n_test}"] * (n_test is not None) + lines), encoding="ascii")

    assert [fault.rule for fault in table.read(folder, TODAY).faults if fault.line == 3] == rules


def test_references_read_as_a_person_would_write_them() -> None:
    text = """A comment.
@misc{vaswani2017, title = {Attention Is {All} You Need}, year = 2017, doi = "10.1/x",
  author = {Vaswani, Ashish and Noam Shazeer and Parmar, Niki}}
@article{tan2019, title = {EfficientNet}, author = {Mingxing Tan and Quoc V. Le}, year = {2019},
  eprint = {1905.11946}, archivePrefix = {arXiv}}
"""

    assert bibtex.references(text) == {
        "vaswani2017": "Vaswani et al. 2017, Attention Is All You Need, 10.1/x [vaswani2017]",
        "tan2019": "Tan & Le 2019, EfficientNet, arXiv:1905.11946 [tan2019]",
    }


def test_a_reference_that_stands_twice_is_refused() -> None:
    entry = "@misc{a, title = {A}, url = {u}}\n"

    with pytest.raises(ValueError, match="line 2: 'a' stands twice"):
        bibtex.references(entry * 2)


def test_metrics_of_a_benchmark_keep_their_order_and_bounds() -> None:
    text = (TABLES / "benchmark.toml").read_text(encoding="ascii")

    assert list(parse(text).metrics) == ["accuracy", "accuracy-top-5"]
    with pytest.raises(ValueError, match=r"metrics.accuracy.chance: 1.5 is not in \[0, 1\]"):
        parse(text.replace("0.001", "1.5"))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("ResNet-50 (pycls)", "resnet50"),
        ("resnet50_8xb32_in1k", "resnet50"),
        ("resnet50 IMAGENET1K_V2", "resnet50"),
        ("resnet50d.a1_in1k", "resnet50d"),
        ("RegNetX-1.6GF (pycls)", "regnetx1.6gf"),
        ("regnet_x_1_6gf IMAGENET1K_V1", "regnetx1.6gf"),
        ("RegNetX-16GF (pycls)", "regnetx16gf"),
    ],
)
def test_names_of_one_architecture_are_told_from_others(model: str, name: str) -> None:
    assert architecture(model) == name


def test_a_network_is_a_point_by_its_first_metric_and_its_other_figures_stand_beside(tmp_path: Path) -> None:
    folder = folder_of("percent", tmp_path)
    add(folder, "Both,net,2020,accuracy-top-5,0.9,,,,,,,,he2016,Table 1,")
    add(folder, "Both,net,2020,accuracy,0.7,,,,,,,,he2016,Table 1,")
    add(folder, "Other,net,2020,accuracy-top-5,0.8,,,,,,,,he2016,Table 1,")
    main, further = records.build(table.read(folder, TODAY))

    assert [(point["name"], point["value"]) for point in main.record["frontier"]] == [("Sound", 0.6), ("Both", 0.7)]
    assert main.record["frontier"][1]["metrics"] == {"accuracy-top-5": 0.9}
    assert main.n_further == 1
    assert further.record["id"] == "image-cls/imagenet-1k/literature-accuracy-top-5"
    assert [point["name"] for point in further.record["frontier"]] == ["Other"]
    assert further.record["question"]["metric"]["chance"] == 0.005


def test_what_a_point_says_is_what_its_row_says(tmp_path: Path) -> None:
    folder = folder_of("steps-as-time", tmp_path)
    cells = "net,,accuracy,0.7,500000,,,,96,,validation set,he2016,Table 1,1 CPU,60000,126566,0.09,B-U585I"
    add(folder, f"Small,{cells},int8")
    add(folder, f"Small,{cells},float32")
    add(folder, f"Mixed,{cells},int8 and binary")
    points = {point["name"]: point for point in records.build(table.read(folder, TODAY))[0].record["frontier"]}
    int8, float32, mixed = points["Small at 96 in int8"], points["Small at 96 in float32"], points["Mixed"]

    assert (int8["weight_bytes"], int8["weight_bytes_int8"], int8["ram_bytes_int8"]) == (None, 126_566, 60_000)
    assert (float32["weight_bytes"], float32["weight_bytes_int8"], float32["ram_bytes"]) == (126_566, None, 60_000)
    assert (mixed["precision"], mixed["weight_bytes_int8"]) == ("int8-mixed", 126_566)
    assert mixed["note"] == "Selected on the validation set; int8 and binary weights; 1 CPU."
    assert (int8["latency_s"], int8["board"], int8["resolution"]) == (0.09, "B-U585I", 96)
    assert int8["citation"].endswith(" [he2016]")
    assert points["Sound"]["weight_bytes"] == 4 * 61_000_000


def test_validation_finds_refused_rows_and_that_no_record_was_made(tmp_path: Path) -> None:
    folder_of("percent", tmp_path)
    lines = [str(finding).removeprefix(f"{tmp_path}/") for finding in validate(tmp_path)]

    assert lines == [
        f"{PLACE}/results.csv:3.value: L-PERCENT 76.1 is percent, expected a fraction: 0.761",
        f"{PLACE}/results.csv:4.value: L-UNIT '76.1%' is text in percent, expected a plain number, as in 0.761",
        f"{PLACE}/v1/guideline.json: L-RECORD is missing; make it when no row is refused any more: "
        "python -m harness published literature",
    ]


def test_a_metric_without_chance_is_held_against_a_guess_at_random() -> None:
    text = (TABLES / "benchmark.toml").read_text(encoding="ascii")
    unsaid = parse("\n".join(line for line in text.splitlines() if not line.startswith("chance")))

    assert [metric.chance for metric in unsaid.metrics.values()] == [None, None]
    assert [metric.least for metric in unsaid.metrics.values()] == [0.001, 0.005]


def test_route_pretraining_and_limits_are_told_of_a_point(tmp_path: Path) -> None:
    folder = folder_of("percent", tmp_path)
    header, *_ = (folder / "results.csv").read_text(encoding="ascii").splitlines()
    cells = "net,2020,accuracy,0.7,5000000,,,,96,,,he2016,Table 1,"
    (folder / "results.csv").write_text(
        f"{header},limit,route,pretrained_on\nA,{cells},,distilled,ImageNet-22k\nB,{cells},at least,,\nC,{cells},,,\n",
        encoding="ascii",
    )
    distilled, limit, plain = records.build(table.read(folder, TODAY))[0].record["frontier"]

    assert (distilled["route"], distilled["pretrained_on"]) == ("distilled", "ImageNet-22k")
    assert distilled["note"] == "Trained on ImageNet-22k, too."
    assert (limit["low"], limit["high"]) == (None, None)
    assert limit["note"] == "At least so much: a target that it meets, not its own result."
    assert (plain["route"], plain["pretrained_on"], plain["note"]) == ("scratch", None, None)
