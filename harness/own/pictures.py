"""A folder with one folder a class, of pictures in any format that Pillow reads."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from harness.datasets.base import Split, Splits
from harness.own import checks, class_folders, labels
from harness.own.parts import by_content, check_count, hash_of
from harness.own.prepared import Facts, Prepared
from harness.own.table import sizes
from registry.errors import InvalidData
from registry.wording import counted

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE: Final = 32  # pixels, of what is resized
LARGEST_OWN_SIDE: Final = 64
SMALLEST_HALF: Final = 8
MOST_NUMBERS: Final = 500_000_000  # pixels times channels: 2 GB
GREY: Final = frozenset({"1", "L", "LA", "I;16", "I;16L", "I;16B", "I", "F"})
SHALLOW, DEEP = 8, 16  # bits of a grey level
SQUASHED: Final = 1.5  # a picture so many times as long as wide looks different as a square


class Found(NamedTuple):
    """A picture's file and class, and what its header says."""

    path: Path
    label: int
    size: tuple[int, int]
    mode: str
    is_clear: bool


def read(folder: Path) -> Prepared:
    """Read all pictures; the names of the folders, sorted, are the classes.

    Pictures that are all alike in size, square and at most 64 pixels a side stay as they are; others become squares of
    32. They are grey if every one is. White shows through what is transparent.

    Raises:
        InvalidData: If a picture cannot be read, there is one class only, or a class has too few; names the file.
    """
    inside = class_folders.found(folder)
    names, found = tuple(place.name for place in inside.pictures), _opened_all(inside.pictures)
    check_count(len(found), str(folder), "pictures")
    answers: Int64[np.ndarray, " n"] = np.array([one.label for one in found], dtype=np.int64)
    counts = np.bincount(answers, minlength=len(names))
    labels.check_each(str(folder), names, counts, lambda code: f"/{names[code]}")
    one_size = len({one.size for one in found}) == 1
    width, height = found[0].size
    side = width if one_size and width == height <= LARGEST_OWN_SIDE else SIDE
    channels = 1 if all(one.mode in GREY for one in found) else 3
    if len(found) * channels * side * side > MOST_NUMBERS:
        raise InvalidData(
            f"{folder}: holds {len(found):,} pictures, expected at most {MOST_NUMBERS // (channels * side * side):,}",
            "take a part of them",
        )
    bits = _bits(found)
    pixels = np.stack([_pixels(one.path, side, channels, bits) for one in found])
    hashes = np.array([hash_of(picture.tobytes()) for picture in pixels], dtype=np.uint64)
    splits = Splits(*(_split(pixels, answers, part) for part in by_content(hashes, answers)))
    n_clear = sum(one.is_clear for one in found)
    notes = [
        f"{len(found):,} pictures in {'colour' if channels == 3 else 'grey'}, {_sized(found, side)}",
        *inside.notes,
        *(
            [f"laid on white: {counted(n_clear, 'picture')} with an alpha channel or a transparent colour"]
            if n_clear
            else []
        ),
        *([f"grey levels of {bits} bits become 256"] if bits > SHALLOW else []),
        sizes(splits, "pictures"),
        checks.balance(answers, names),
    ]
    long = sum(max(one.size) > SQUASHED * min(one.size) for one in found)
    squashed = (
        [f"{long:,} of {len(found):,} pictures are squashed to squares: cut them first if that matters"] if long else []
    )
    half = side // 2 if side % 2 == 0 and side // 2 >= SMALLEST_HALF else None
    facts = Facts(
        "image-cls", (channels, side, side), len(names), resolutions=(half, side) if half else (side,),
        notes=tuple(notes), warnings=(*inside.warnings, *checks.skew(answers), *squashed, *checks.repeats(splits)),
    )  # fmt: skip
    return Prepared(facts, splits)


def _opened_all(pictures: dict[Path, list[Path]]) -> list[Found]:
    """Open the pictures of each class as far as their headers."""
    found: list[Found] = []
    for label, paths in enumerate(pictures.values()):
        for path in paths:
            with _opened(path) as image:
                found.append(Found(path, label, image.size, image.mode, _is_clear(image)))
    return found


def _is_clear(image: Image) -> bool:
    """Say whether a picture has an alpha channel or a transparent colour; grey levels of 16 bits keep theirs."""
    return image.mode.endswith(("A", "a")) or ("transparency" in image.info and not image.mode.startswith("I"))


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open a picture, whatever happens to it inside the block is about that file.

    Raises:
        InvalidData: If it cannot be read; names it.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what it repairs
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        reason = "unknown format or damaged" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InvalidData(f"{path}: not a picture that can be read: {reason}", "remove or replace it") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidData(f"{path}: has too many pixels to be opened safely", "make it smaller") from None


def _bits(found: list[Found]) -> int:
    """Return the fewest bits, 8 to 16, that hold every grey level of the pictures saved with more than 8.

    A camera of 12 bits uses a sixteenth of what 16 hold. One depth for all pictures keeps their brightness comparable.

    Raises:
        InvalidData: If a picture has levels that are no whole numbers of at most 16 bits; names it.
    """
    bits = SHALLOW
    for path, _, _, mode, _ in found:
        if mode == "F":
            raise InvalidData(
                f"{path}: holds grey levels with fractions, whose white is unknown, expected whole numbers",
                "scale them so that 255 is white, and save them with 8 bits",
            )
        if mode.startswith("I"):
            with _opened(path) as image:
                image.load()
                levels = np.asarray(image)
            if levels.min() < 0 or levels.max() >= 1 << DEEP:
                raise InvalidData(
                    f"{path}: holds grey levels from {levels.min():,} to {levels.max():,}, expected 0 to 65,535",
                    "scale them so that 65,535 is white, and save them with 16 bits",
                )
            bits = max(bits, int(levels.max()).bit_length())
    return bits


def _pixels(path: Path, side: int, channels: int, bits: int) -> UInt8[np.ndarray, "channels side side"]:
    """Decode one picture upright; each new pixel averages the area it covers. White shows through.

    Of grey levels saved with more than 8 bits, of which ``bits`` are in use, the upper 8 count.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):
            upright = Image.fromarray((np.asarray(upright) >> (bits - SHALLOW)).astype(np.uint8))
        elif _is_clear(upright):
            clear = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        plain = upright.convert("L" if channels == 1 else "RGB")
        if plain.size != (side, side):
            plain = plain.resize((side, side), Image.Resampling.BOX)
        pixels = np.asarray(plain, dtype=np.uint8)
    return pixels[np.newaxis] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _split(
    pixels: UInt8[np.ndarray, "n channels side side"], answers: Int64[np.ndarray, " n"], part: Int64[np.ndarray, " m"]
) -> Split:
    inputs: Float32[np.ndarray, "m channels side side"] = pixels[part].astype(np.float32)
    inputs /= np.float32(256)  # exact, and so are averages of areas
    return Split(inputs, answers[part])


def _sized(found: list[Found], side: int) -> str:
    small, large = min(found, key=lambda one: one.size).size, max(found, key=lambda one: one.size).size
    if small == large == (side, side):
        return f"{side} x {side} pixels"
    span = f"{small[0]} x {small[1]}" + (f" to {large[0]} x {large[1]}" if small != large else "")
    return f"made {side} x {side} pixels from {span}"
