"""`python -m harness fetch`: download published data sets into the folder where loaders look."""

from __future__ import annotations

import errno
from typing import Final

import click

from harness import plugins
from harness.pictures.fetched import Fetched
from harness.pictures.files import VARIABLE, data_folder
from registry.errors import InvalidData, NoSpace, UsageError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@click.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="DATASET...")
def fetch(names: tuple[str, ...]) -> None:
    """Download data sets through torchvision, into the folder GUIDES_DATA or else the user's cache.

    What is there already is checked, not fetched again. Nothing else of this project downloads data.
    """
    asked = [_fetched(name) for name in names]
    for data in asked:
        _download(data)
        click.echo(f"{data.name}: {sum(data.n_official):,} pictures in {data_folder()}")


def _fetched(name: str) -> Fetched:
    data = plugins.load("datasets", name)
    if not isinstance(data, Fetched):
        known = [other for other in plugins.names("datasets") if isinstance(plugins.load("datasets", other), Fetched)]
        raise UsageError(f"{name} needs no download", f"those that do: {', '.join(known)}")
    return data


def _download(data: Fetched) -> None:
    try:
        return _check(data)
    except InvalidData:
        pass  # missing or damaged: torchvision fetches what does not have its checksum
    folder = data_folder()
    try:
        data.files.download(folder)
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise NoSpace(
                f"no space left for {data.name} in {folder}", f"choose another folder by {VARIABLE}"
            ) from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidData(
            f"{data.name} could not be downloaded: {reason}",
            f"try again where there is a network, or copy torchvision's folder of it to {folder}",
        ) from None
    return _check(data)


def _check(data: Fetched) -> None:
    for part in ("train", "test"):
        for file in data.files.official(part):
            file.read(data.name)
