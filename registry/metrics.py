"""A metric that a question may be asked in instead of its task's own, and where its record then stands.

A record's id is ``task/dataset/family``: two questions that differ by their metric alone would share it. So the record
of one asked in a metric of :data:`FURTHER` stands beside the other, as ``task/dataset/family-metric``; its family is
still the one that it trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

BALANCED: Final = "balanced-accuracy"
FURTHER: Final = (BALANCED,)


def comes_with(metric: str, on_record: Collection[str]) -> bool:
    """Say whether what is on record could have been asked in ``metric`` just as well: right and wrong answers."""
    of_classes = {"accuracy", *FURTHER}
    return metric in of_classes and not of_classes.isdisjoint(on_record)


def folder_of(family: str, metric: str) -> str:
    """Return the last part of the id of a measured record: its family, with the metric where that is a further one."""
    return f"{family}-{metric}" if metric in FURTHER else family


def family_of(folder: str, metric: str) -> str:
    """Return the family of a measured record from the last part of its id."""
    return folder.removesuffix(f"-{metric}") if metric in FURTHER else folder
