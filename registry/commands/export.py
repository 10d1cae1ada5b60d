"""`guides export`: the network behind an answer, as an ONNX file or as PyTorch source."""

from __future__ import annotations

import errno
import hashlib
import os
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

from registry import code, index, parse, roots, shelf
from registry.errors import InvalidRecord, NoAnswer, UsageError
from registry.loader import read_bytes, shown
from registry.options import examples, quiet, refuse_both, registries, warn
from registry.statistics import meets

_LARGEST_ONNX = 5_000_000  # bytes


@click.command(
    "export",
    epilog=examples(
        "guides export image-cls/digits/mlp 0.95 --onnx digits.onnx",
        "guides export image-cls/digits/mlp 0.95 --code > net.py && python net.py",
    ),
)
@click.argument("record", metavar="ID[@VERSION]")
@click.argument("target", metavar="TARGET")
@click.option("--route", type=click.Choice(("scratch", "pruned", "distilled")), help="Only networks made this way.")
@click.option("--onnx", type=click.Path(path_type=Path), metavar="FILE", help="Write the trained network here.")
@click.option("--int8", is_flag=True, help="With --onnx: the int8 file, held to TARGET itself (one network).")
@click.option("--code", "as_code", is_flag=True, help="Print the network as a PyTorch program.")
@registries
@quiet
def COMMAND(
    record: str,
    target: str,
    route: str | None,
    onnx: Path | None,
    int8: bool,
    as_code: bool,
    registry: tuple[str, ...],
    quiet: bool,
) -> None:
    """Export the smallest network of a record that reaches TARGET (a value of its metric, or the word knee)."""
    refuse_both({"--onnx FILE": onnx, "--code": as_code})
    if int8 and as_code:
        raise UsageError("--int8 goes with --onnx FILE: the program is float32")
    record_id, version = parse.record_id(record)
    tell = partial(warn, is_quiet=quiet)
    places = index.read(roots.find(registry), lambda opened: shelf.pick(opened, record_id, version), tell)
    values = shelf.read(places[0])
    point = _choose(values, target, route, int8=int8)
    if as_code:
        click.echo(code.program(values, point, target), nl=False)
        return
    assert onnx is not None  # noqa: S101  # refuse_both saw to it
    if point["onnx"] is None:
        raise NoAnswer("this network has no ONNX file on record", "Use --code for its source")
    file = point["onnx"]["int8"] if int8 else point["onnx"]
    _write_onnx(file, Path(places[0].path).parent, onnx)
    if not quiet:
        click.echo(f"wrote {onnx} ({file['bytes']:,} bytes, {point['params']:,} params)", err=True)


def _choose(values: dict[str, Any], target: str, route: str | None, *, int8: bool) -> dict[str, Any]:
    """Return the smallest point that reaches the target, with ``int8`` the smallest whose int8 file does too."""
    name = f"{values['id']} v{values['version']}"
    if values["evidence"] != "measured":
        raise UsageError(f"{name} is published evidence: it has no network to export")
    points = [point for point in values["knee" if target == "knee" else "frontier"] if route in (None, point["route"])]
    if int8:
        points = [point for point in points if point["onnx"] is not None and point["onnx"]["int8"] is not None]
    if target != "knee":
        metric = values["question"]["metric"]
        wanted, bound = _value(metric, target), "low" if metric["direction"] == "higher" else "high"
        points = [
            point
            for point in points
            if meets(point["test"][bound], wanted, metric["direction"])
            and (not int8 or meets(point["onnx"]["int8"]["metric"], wanted, metric["direction"]))
        ]
    if not points:
        made = f" made by the route {route}" if route else ""
        made += " with an int8 file" if int8 else ""
        raise NoAnswer(f"{name} has no network{made} for {target}", f"See what it has: guides show {values['id']}")
    return min(points, key=_smallness)


def _smallness(point: dict[str, Any]) -> tuple[Any, ...]:
    shape = point["shape"]
    return (point["params"], point["flops"] or 0, shape["depth"], shape["width"], point["route"] != "scratch")


def _value(metric: dict[str, Any], target: str) -> float:
    value = target.removeprefix(f"{metric['name']}=")
    return parse.fraction(value) if metric["unit"] == "fraction" else parse.target(f"{metric['name']}={value}").value


def _write_onnx(file: dict[str, Any], folder: Path, destination: Path) -> None:
    """Copy a network's file, whole or not at all, once its hash is the recorded one."""
    source = folder / file["path"]
    data = read_bytes(source, _LARGEST_ONNX, root=folder)
    if hashlib.sha256(data).hexdigest() != file["sha256"]:
        raise InvalidRecord(
            f"{source}: is not the file the record was made with: its SHA-256 differs", f"See: guides validate {folder}"
        )
    _replace(destination, data)


def _replace(destination: Path, data: bytes) -> None:
    try:
        if destination.exists() and not destination.is_file():
            raise UsageError(f"'{destination}' is not a plain file; expected a file to write")
        with NamedTemporaryFile(dir=destination.parent, prefix=".export-", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                temporary.chmod(0o666 & ~_umask())
                temporary.replace(destination)
            except BaseException:
                temporary.unlink()
                raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UsageError(f"cannot write '{shown(str(destination))}': {error.strerror}") from None


def _umask() -> int:
    """Return the process's umask; the system can only tell it by changing it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
