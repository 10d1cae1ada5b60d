"""CSV files as people have them: blank lines, Excel's first line, numbers with commas, labels called NA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.own import csv_file, csv_table, table, texts
from harness.own.columns import Categories, Numbers
from harness.own.read import READERS, Own
from harness.own.table import Table
from registry.errors import InvalidData
from tests import own_files
from tests.own_files import rows


def lines(path: Path, *, before: int = 0, gaps: dict[int, int] | None = None, delimiter: str = ",") -> Path:
    """Write the usual rows with blank lines before the header and before some rows, counted from 0."""
    written = [""] * before + [delimiter.join(own_files.HEADER)]
    for i, row in enumerate(rows()):
        written += [""] * (gaps or {}).get(i, 0) + [delimiter.join(row)]
    path.write_text("\n".join(written) + "\n", encoding="utf-8")
    return path


def spoilt(path: Path, row: int, cell: str) -> Path:
    """Give a row, counted as a person does, another label."""
    held = path.read_text(encoding="utf-8").splitlines()
    held[row - 1] = f"{held[row - 1].rpartition(',')[0]},{cell}"
    path.write_text("\n".join(held) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("before", "gaps", "row"), [(0, {3: 2}, 32), (2, {0: 1, 8: 1}, 20), (0, {20: 1}, 21)])
@pytest.mark.parametrize("task", ["tabular-cls", "text-cls"])
def test_a_row_is_called_by_the_number_beside_it_whatever_is_blank(
    tmp_path: Path, task: str, before: int, gaps: dict[int, int], row: int
) -> None:
    path = spoilt(lines(tmp_path / "data.csv", before=before, gaps=gaps), row, "")
    with pytest.raises(InvalidData, match=rf"data\.csv, row {row}: has no label in column 'fruit'"):
        READERS[task].read(Own(task, path, "fruit"))


def test_a_class_of_one_is_found_by_its_row(tmp_path: Path) -> None:
    path = spoilt(lines(tmp_path / "data.csv", gaps={1: 3}), 30, "quince")
    with pytest.raises(InvalidData, match=r"data\.csv, row 30: label 'quince' has 1 example"):
        table.prepare(csv_table.read(path, ("fruit",)), "tabular-cls", "fruit")


@pytest.mark.parametrize(
    ("first", "delimiter"),
    [("\n", ";"), ("\n  \n\n", "\t"), ("sep=;\n", ";"), ("\nSEP=|\r\n", "|"), ('"sep=,"\n', ","), ("sep=\t\n", "\t")],
)
def test_the_delimiter_is_that_of_the_first_line_which_is_not_blank_or_what_that_says(
    tmp_path: Path, first: str, delimiter: str
) -> None:
    path = lines(tmp_path / "data.csv", delimiter=delimiter)
    path.write_bytes(b"\xef\xbb\xbf" + first.encode() + path.read_bytes())
    n_above = first.count("\n")

    assert csv_file.delimiter_of(path) == delimiter
    with csv_file.opened(path) as (header, found):
        assert tuple(header) == own_files.HEADER
        assert list(found) == [(n_above + 2 + i, row) for i, row in enumerate(rows())]


def test_a_delimiter_that_is_said_wins_over_one_that_is_frequent(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("sep=;\na,b,c;d\n1;2\n", encoding="utf-8")
    with csv_file.opened(path) as (header, found):
        assert header == ["a,b,c", "d"]
        assert list(found) == [(3, ["1", "2"])]


def test_numbers_in_place_of_names_are_told_before_names_that_repeat(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\n0,0,1\n1,2,0\n", encoding="utf-8")
    with pytest.raises(InvalidData, match=r"data\.csv, row 2: holds numbers alone"), csv_file.opened(path):
        pass


def test_line_ends_of_old_macs_are_refused_in_our_own_words(tmp_path: Path) -> None:
    path = lines(tmp_path / "data.csv")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    with pytest.raises(InvalidData) as caught, csv_file.opened(path):
        pass

    assert str(caught.value) == (
        f"{path}, row 1: holds a carriage return that ends no line, expected line feeds between rows\n"
        "  save the file with the line ends of Unix or Windows; those of old Macs are not read"
    )


def columns(path: Path, *cells: str, delimiter: str = ";", as_text: tuple[str, ...] = ()) -> Table:
    """Read a table whose first column has these cells, again and again, and a second one that counts."""
    written = [delimiter.join((cells[i % len(cells)], str(i))) for i in range(60)]
    path.write_text("\n".join([delimiter.join(("x", "n")), *written]), encoding="utf-8")
    return csv_table.read(path, as_text)


@pytest.mark.parametrize("delimiter", ";\t")
@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("1,5", "-0,25", "3"), (1.5, -0.25, 3.0)),
        (("1.234,5", "1.234.567,25", "2.000"), (1234.5, 1234567.25, 2000.0)),
        (("1,5E+03", "2,5e-1"), (1500.0, 0.25)),
        (("0,125", "1,125"), (0.125, 1.125)),
    ],
)
def test_decimal_commas_are_read_and_said(
    tmp_path: Path, delimiter: str, cells: tuple[str, ...], values: tuple[float, ...]
) -> None:
    made = columns(tmp_path / "data.csv", *cells, delimiter=delimiter)
    first = made.column("x")

    assert isinstance(first, Numbers)
    assert tuple(first.values[: len(values)]) == values
    assert made.notes == ("decimal commas are read as such in 'x'",)


@pytest.mark.parametrize(
    ("cells", "delimiter"),
    [
        (("1,500", "2,300", "999"), ";"),
        (("1,5", "1.5"), ";"),
        (("1,5", "about 2"), ";"),
        (("1.23,5", "2,5"), ";"),
        (('"1,5"', '"2,5"'), ","),
        (("1,5", "2,5"), "|"),
    ],
    ids=["thousands", "both", "words", "no-thousands", "between-commas", "between-bars"],
)
def test_what_may_be_no_decimal_comma_is_left_as_it_is(tmp_path: Path, cells: tuple[str, ...], delimiter: str) -> None:
    made = columns(tmp_path / "data.csv", *cells, delimiter=delimiter)

    assert isinstance(made.column("x"), Categories)
    assert made.notes == ()


def beside(path: Path, *cells: str, other: str = "{},3") -> Table:
    """Read a table whose first column has these cells, again and again, each followed by another and a count."""
    written = [f"{cells[i % len(cells)]};{other.format(i)};{i}" for i in range(80)]
    path.write_text("\n".join(["x;area;n", *written]), encoding="utf-8")
    return csv_table.read(path)


@pytest.mark.parametrize(
    ("cells", "other", "values", "said"),
    [
        (("950", "1.250", "2.000.000"), "{},3", (950, 1250, 2e6), ("'area'", "'x'")),
        (("1,500", "2,300"), "{},3", (1.5, 2.3), ("'area', 'x'",)),
        (("0.250", "1.250"), "{},3", (0.25, 1.25), ("'area'",)),
        (("950", "1.250"), "60", (950, 1.25), ()),
        (("70", "71", "70.5", "72.125"), "{},3", (70, 71, 70.5, 72.125), ("'area'",)),
    ],
    ids=["thousands", "three-decimals", "decimal-points", "nothing-beside", "few-decimals"],
)
def test_decimal_commas_of_one_column_say_what_points_of_another_mean(
    tmp_path: Path, cells: tuple[str, ...], other: str, values: tuple[float, ...], said: tuple[str, ...]
) -> None:
    made = beside(tmp_path / "data.csv", *cells, other=other)
    first, kinds = made.column("x"), ("decimal commas", "points between thousands")

    assert isinstance(first, Numbers)
    assert tuple(first.values[: len(values)]) == values
    assert made.notes == tuple(f"{kind} are read as such in {name}" for kind, name in zip(kinds, said, strict=False))


def test_a_decimal_point_among_thousands_is_refused(tmp_path: Path) -> None:
    cells = [*(f"1.{i:03}" for i in range(79)), "71.2"]
    with pytest.raises(
        InvalidData, match=r"row 81: column 'x' holds '71\.2', expected a number such as 1\.234,5 as in 79"
    ):
        beside(tmp_path / "data.csv", *cells)


def test_thousands_are_targets_in_their_own_unit(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    rents = [f"{i},5;{f'1.{i:03}' if i % 2 else 900 - i}" for i in range(80)]
    path.write_text("\n".join(["area;rent", *rents]), encoding="utf-8")
    made = READERS["tabular-reg"].read(Own("tabular-reg", path, "rent"))

    assert made.facts.notes[-1].startswith("'rent' has targets from 822 to 1079, ")


def test_an_infinite_number_with_a_decimal_comma_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"row 3: column 'x' holds an infinite number, expected finite ones"):
        beside(tmp_path / "data.csv", "1,5", "1,5e999")


def test_decimal_commas_that_are_not_all_measured_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"row 2: column 'x' holds '-', expected a number such as 1\.234,5 as in 72"):
        beside(
            tmp_path / "data.csv", "-", "-", *(f"1,{i:02}" for i in range(9)), *(f"2,{i:02}" for i in range(10)), "3"
        )


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (lambda i: f"{i}%", "80 of 80 cells look like some: row 2 holds '0%'"),
        (lambda i: f"{i + 1},000", "80 of 80 cells look like some: row 2 holds '1,000'"),
        (lambda i: f"{i} km", "80 of 80 cells look like some: row 2 holds '0 km'"),
        (lambda i: f"A{i}" if i % 4 == 3 else str(i), "60 of 80 cells look like some: row 5 holds 'A3'"),
    ],
    ids=["percent", "thousands", "unit", "codes"],
)
def test_names_that_look_like_numbers_are_warned_of(tmp_path: Path, cell: Callable[[int], str], shown: str) -> None:
    cells = [[cell(i), *row[1:]] for i, row in enumerate(rows(80))]
    made = table.prepare(
        csv_table.read(own_files.table(tmp_path / "data.csv", cells), ("fruit",)), "tabular-cls", "fruit"
    )

    assert made.facts.warnings[0] == (
        f"column 'age' is not read as numbers, though {shown}. If it is one of numbers, write them as 1234.5 and leave "
        "empty what is missing"
    )


@pytest.mark.parametrize("cell", ["2024-01-{:02}", "A{}", "{}a", "10.0.0.{}", "{}:30"])
def test_names_with_digits_are_no_numbers(tmp_path: Path, cell: str) -> None:
    cells = [[cell.format(i), *row[1:]] for i, row in enumerate(rows(80))]

    assert csv_table.read(own_files.table(tmp_path / "data.csv", cells), ("fruit",)).warnings == ()


@pytest.mark.parametrize(
    ("header", "delimiter", "names"),
    [
        ('"Temp, °C";"Hum, %";y', ";", ["Temp, °C", "Hum, %", "y"]),
        ('"a|b|c|d",x', ",", ["a|b|c|d", "x"]),
        ('"say ""a,b,c""";x', ";", ['say "a,b,c"', "x"]),
        ('5" pipe;7" pipe', ";", ['5" pipe', '7" pipe']),
    ],
)
def test_what_stands_in_quotes_is_no_delimiter(tmp_path: Path, header: str, delimiter: str, names: list[str]) -> None:
    path = tmp_path / "data.csv"
    path.write_text(f"{header}\n{delimiter.join('1' * len(names))}\n", encoding="utf-8")
    with csv_file.opened(path) as (found, cells):
        assert found == names
        assert list(cells) == [(2, ["1"] * len(names))]


@pytest.mark.parametrize(
    ("header", "row", "names", "cells"),
    [
        ("v1,v2,,,", "ham,hello,, ,", ["v1", "v2"], ["ham", "hello"]),
        (",v1,,", "7,ham,,", ["", "v1"], ["7", "ham"]),
        (",v1", "7,ham", ["", "v1"], ["7", "ham"]),
    ],
)
def test_empty_columns_without_a_name_are_left_out(
    tmp_path: Path, header: str, row: str, names: list[str], cells: list[str]
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    with csv_file.opened(path) as (found, held):
        assert found == names
        assert list(held) == [(2, cells)]


def test_a_cell_below_no_name_is_refused_where_names_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("v1,v2,,\nham,hello,,\nham,he said, hello,\n", encoding="utf-8")
    with pytest.raises(InvalidData) as caught, csv_file.opened(path) as (_, found):
        list(found)

    assert str(caught.value) == (
        f"{path}, row 3: holds ' hello' in cell 3, whose column has no name, expected an empty one\n"
        "  name the column in the first row, or empty the cell"
    )


def test_a_label_with_commas_is_a_name(tmp_path: Path) -> None:
    made = columns(tmp_path / "data.csv", "1,5", "2,5", as_text=("x",))

    assert isinstance(made.column("x"), Categories)
    assert made.notes == ()


@pytest.mark.parametrize("name", ["none", "NA", "null", "nan", "?"])
@pytest.mark.parametrize("task", ["tabular-cls", "text-cls"])
def test_a_class_may_be_called_like_nothing(tmp_path: Path, name: str, task: str) -> None:
    cells = [[*row[:3], ("1", name)[i % 2]] for i, row in enumerate(rows())]
    made = READERS[task].read(Own(task, own_files.table(tmp_path / "data.csv", cells), "fruit"))

    assert made.facts.n_classes == 2
    assert any(f"'{name}' 50.0%" in note for note in made.facts.notes)


def test_a_column_called_id_that_repeats_is_an_input_and_said(tmp_path: Path) -> None:
    cells = [[str(i % 20), *row[1:]] for i, row in enumerate(rows())]
    path = own_files.table(tmp_path / "data.csv", cells, ("user_id", *own_files.HEADER[1:]))
    made = table.prepare(csv_table.read(path, ("fruit",)), "tabular-cls", "fruit")

    assert made.facts.input_shape == (5,)
    assert made.facts.notes[1] == (
        "'user_id' repeats: it is an input as any other; if it says whose a row is, give it to --group or remove it"
    )


@pytest.mark.parametrize(("text", "what"), [("", "empty"), ("again", "the same")])
def test_texts_that_are_all_alike_are_refused(tmp_path: Path, text: str, what: str) -> None:
    path = own_files.table(tmp_path / "data.csv", [[text, "ab"[i % 2]] for i in range(100)], ("text", "label"))
    with pytest.raises(InvalidData) as caught:
        texts.read(path, "label", None)

    assert str(caught.value) == f"{path}: every text in column 'text' is {what}, expected texts that differ"
