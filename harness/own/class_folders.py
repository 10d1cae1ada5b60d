"""Which folders of a folder are classes, and their pictures: by names and places alone, nothing is opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from harness.own import folder as contents
from harness.own.columns import quoted_list
from registry.errors import InvalidData
from registry.wording import counted

SUFFIXES: Final = frozenset(
    {".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)  # fmt: skip
PART: Final = re.compile(r"(?<![a-zA-Z])((?i:train|test|val))(?i:ing|id|idation)?(?i:[-_ ]?(?:set|data))?(?![a-z])")


class Classes(NamedTuple):
    """The pictures of each class by its folder, sorted, and what to say of the rest."""

    pictures: dict[Path, list[Path]]
    notes: list[str]
    warnings: list[str]


def is_picture(path: Path) -> bool:
    """Say whether a file is named like a picture."""
    return path.suffix.lower() in SUFFIXES


def found(folder: Path) -> Classes:
    """Return the classes of a folder.

    Raises:
        InvalidData: If there are fewer than two, one has no pictures, or they are splits with the classes inside.
    """
    if not folder.is_dir():
        raise InvalidData(f"{folder}: is a file, expected a folder with one folder of pictures for each class")
    inside = contents.found(folder)
    files: dict[Path, list[Path]] = {place: [] for place in contents.classes(folder)}
    n_outside = 0
    for path in inside.files:
        place = folder / path.relative_to(folder).parts[0]
        files.get(place, []).append(path)
        n_outside += place not in files and is_picture(path)
    pictures = {place: list(filter(is_picture, paths)) for place, paths in files.items() if place not in inside.links}
    warnings = _check_classes(folder, pictures, n_outside)
    empty = next((place for place, paths in pictures.items() if not paths), None)
    if empty is not None:
        hints = ["remove it or fill it", *inside.notes]
        raise InvalidData(f"{empty}: holds no pictures ({', '.join(sorted(SUFFIXES))})", "; ".join(hints))
    n_other = sum(map(len, files.values())) - sum(map(len, pictures.values()))
    notes = [
        *([f"passed over: {counted(n_other, 'file')} not named like a picture"] if n_other else []),
        *([f"passed over: {counted(n_outside, 'picture')} beside the folders of the classes"] if n_outside else []),
        *inside.notes,
    ]
    return Classes(pictures, notes, warnings)


def _check_classes(folder: Path, pictures: dict[Path, list[Path]], n_outside: int) -> list[str]:
    """Pass if the folders of a folder are at least two classes; warn where those may be one level below.

    Raises:
        InvalidData: If it has fewer, or they are called like several splits of one thing (``training_set`` and
            ``test_set``) and, unless all of them are, have classes inside; or of several things with the same classes.
    """
    inner = {place: _folders_inside(place, paths) for place, paths in pictures.items()}
    kinds = {place: match[1].lower() for place in pictures if (match := PART.search(place.name))}
    is_one_thing = len({PART.sub("", place.name) for place in kinds}) == 1  # train_station and test_tube are two
    has_classes = any(len(inner[place]) > 1 for place in kinds)
    is_same_inside = has_classes and len({frozenset(inner[place]) for place in kinds}) == 1
    are_splits = is_same_inside or (is_one_thing and (has_classes or len(kinds) == len(pictures)))
    if len(set(kinds.values())) > 1 and are_splits:
        first = max(kinds, key=lambda place: kinds[place] == "train")
        raise InvalidData(
            f"{folder}: has folders called {quoted_list([place.name for place in kinds])}, expected one for each class",
            f"give one of them, such as {first}, or merge them: the splits are made here",
        )
    if len(pictures) < 2:
        raise InvalidData(
            f"{folder}: holds {counted(len(pictures), 'folder')}, expected one folder of pictures for each of at "
            "least 2 classes",
            _way_out(inner, n_outside),
        )
    same = sorted(next(iter(inner.values())))
    if len(same) < 2 or any(sorted(names) != same for names in inner.values()) or all(map(PART.search, same)):
        return []
    return [
        f"every class has the folders {quoted_list(same)}: if those are the classes, give one of the folders they are "
        f"in, such as {next(iter(inner))}, or merge them"
    ]


def _way_out(inner: dict[Path, set[str]], n_outside: int) -> str:
    """Return what to do where there are fewer than two folders."""
    if around := [place for place, names in inner.items() if len(names) > 1]:
        return f"are its folders the classes? Then give {around[0]}"
    if n_outside:
        return "move the pictures of each class to a folder that is called like it"
    return "with one class there is nothing to predict" if inner else ""


def _folders_inside(place: Path, pictures: list[Path]) -> set[str]:
    """Return the names of the folders in a folder that hold its pictures; none where some lie in the folder itself."""
    holders = {path.parent for path in pictures}
    return set() if place in holders else {holder.name for holder in holders}
