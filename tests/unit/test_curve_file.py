"""A person's own points: which columns there may be, and what is refused where."""

from pathlib import Path

import pytest

from harness.curve_file import Observation, read_curves
from registry.errors import InvalidData


def written(folder: Path, text: str) -> Path:
    path = folder / "curve.csv"
    path.write_text(text)
    return path


def test_accuracies_become_errors_and_other_columns_are_named(tmp_path: Path) -> None:
    found = read_curves(written(tmp_path, "N, Accuracy,Seed,comment\n1_000,0.75,0,x\n1e4,0.875,1,y\n"))

    assert (found.variable, found.result, found.unread) == ("n_train", "accuracy", ("comment",))
    assert found.curves == {"": (Observation(1000, 0.25, seed="0"), Observation(10_000, 0.125, seed="1"))}
    assert found.error(0.25) == 0.75


def test_counts_keep_what_they_were_counted_on(tmp_path: Path) -> None:
    found = read_curves(written(tmp_path, "n_train,wrong,total\n10,30,60\n"))

    assert found.result == "error"
    assert found.curves[""] == (Observation(10, 0.5, total=60),)


def test_curves_are_told_apart_by_name_and_shapes_by_their_columns(tmp_path: Path) -> None:
    text = "steps,loss,curve,params,width,depth,stderr\n10,2.5,a,100,8,1,0.1\n20,2.4,a,200,16,1,\n20,2.0,b,200,16,1,\n"
    found = read_curves(written(tmp_path, text))

    assert (found.variable, found.result) == ("steps", "loss")
    assert (found.shapes("a"), found.shapes("b")) == (("params", "width"), ())
    assert found.curves["a"][0] == Observation(10, 2.5, 0.1, None, 100, 8, 1)
    assert found.curves["b"][0].stderr is None
    assert found.error(2.0) == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty, expected a first line that names the columns"),
        ("n,error\n", "holds no points, only a first line"),
        ("n,n_train,error\n1,1,1\n", "needs one column of the size (n, n_train, steps), got n and n_train"),
        ("x,error\n1,1\n", "needs one column of the size (n, n_train, steps), got none among x, error"),
        ("n,y\n1,1\n", "needs one column of the result (error, accuracy, loss, wrong), got none among n, y"),
        ("n,error,error\n1,1,1\n", "has two columns called 'error'"),
        ("n,wrong\n1,1\n", "counts take two columns, 'wrong' and 'total'"),
        ("n,error\n1,0.5\n0,0.5\n", "line 3: n is 0, expected a number above 0"),
        (
            "n,accuracy\n1,97.3\n",
            "line 2: accuracy is 97.3, expected a fraction in [0, 1]; 0.973 if it is a percentage",
        ),
        ("n,error\n1,nan\n", "line 2: error is nan, expected a finite number"),
        ("n,error\n1, \n", "line 2: error is missing, expected a number"),
        ("n,error\n1,low\n", "line 2: error is low, expected a number"),
        ("n,error\n1\n", "line 2: the row has another number of columns than 2"),
        ("n,error\n1,0.1,7\n", "line 2: the row has another number of columns than 2"),
        ("n,loss\n1,-2\n", "line 2: loss is -2, expected a number from 0 up"),
        ("n,error,stderr\n1,0.1,-1\n", "line 2: stderr is -1, expected a number from 0 up"),
        ("n,error,params\n1,0.1,0\n", "line 2: params is 0, expected at least 1"),
        ("n,wrong,total\n1,3,2\n", "line 2: wrong is 3 of 2, expected at most the total, and that above 0"),
        ("n,wrong,total\n1,0,0\n", "line 2: wrong is 0 of 0, expected at most the total, and that above 0"),
        ("n,wrong,total\n1,0.5,2\n", "line 2: wrong is 0.5, expected a whole number from 0 up"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidData, match="curve") as caught:
        read_curves(written(tmp_path, text))

    assert message in caught.value.message


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.csv").write_bytes(b"n,error\n\xff\xfe\n")

    with pytest.raises(InvalidData, match=r"nothing\.csv: No such file"):
        read_curves(tmp_path / "nothing.csv")
    with pytest.raises(InvalidData, match=r"image\.csv is not UTF-8 text: byte 8 cannot be read"):
        read_curves(tmp_path / "image.csv")
