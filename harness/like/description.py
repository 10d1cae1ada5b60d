"""What an answer tells of the data that were asked about, whatever kind they are of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Description(ABC):
    """Data in a few numbers that take seconds: a frozen dataclass of fields that sizes are compared by."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """What kind of data these are, in the plural; only data of the same kind are near."""

    @property
    @abstractmethod
    def counts(self) -> tuple[str, ...]:
        """The counts that decide what is near, each in words."""

    @abstractmethod
    def lines(self) -> list[str]:
        """Say it all."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
