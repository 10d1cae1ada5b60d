"""`python -m harness fetch`: download published data sets into the folder where loaders look."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from harness import plugins
from harness.own.fetched import FetchedTable
from harness.pictures.fetched import Fetched
from harness.pictures.files import VARIABLE, data_folder
from registry.errors import InvalidData, NoSpace, UsageError

KINDS: Final = (Fetched, FetchedTable)
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@click.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="DATASET...")
def fetch(names: tuple[str, ...]) -> None:
    """Download data sets through torchvision or scikit-learn, into the folder GUIDES_DATA or else the user's cache.

    What is there already is checked, not fetched again. Nothing else of this project downloads data.
    """
    asked = [_fetched(name) for name in names]
    for data in asked:
        click.echo(f"{data.name}: {_pictures(data) if isinstance(data, Fetched) else _rows(data)} in {data_folder()}")


def _fetched(name: str) -> Fetched | FetchedTable:
    data = plugins.load("datasets", name)
    if not isinstance(data, KINDS):
        known = [other for other in plugins.names("datasets") if isinstance(plugins.load("datasets", other), KINDS)]
        raise UsageError(f"{name} needs no download", f"those that do: {', '.join(known)}, openml-<number>")
    return data


def _pictures(data: Fetched) -> str:
    try:
        _check(data)
    except InvalidData:  # missing or damaged: torchvision fetches what does not have its checksum
        folder = data_folder()
        with _described(data.name, f"torchvision's folder of it to {folder}"):
            data.files.download(folder)
        _check(data)
    return f"{sum(data.n_official):,} pictures"


def _rows(data: FetchedTable) -> str:
    with _described(data.name, f"the folder {data.folder} from a machine that has one"):
        facts = data.fetch()
    for warning in facts.warnings:
        click.echo(f"warning: {warning}", err=True)
    return f"{sum(map(len, (data.train(), data.val(), data.test()))):,} rows"


@contextmanager
def _described(name: str, copy: str) -> Iterator[None]:
    """Say in a line why a download failed, and what to do."""
    folder = data_folder()
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise NoSpace(f"no space left for {name} in {folder}", f"choose another folder by {VARIABLE}") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidData(
            f"{name} could not be downloaded: {reason}",
            f"try again where there is a network, or copy {copy}",
        ) from None


def _check(data: Fetched) -> None:
    for part in ("train", "test"):
        for file in data.files.official(part):
            file.read(data.name)
