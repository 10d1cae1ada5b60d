"""Answer sizing questions from guideline records: how wide, how deep, how much data, for the accuracy you need.

``from registry import smallest_for`` is the documented way in from Python; it is loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.lookup import smallest_for

__all__ = ["smallest_for"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'registry' has no attribute '{name}'")
    from registry import lookup

    return getattr(lookup, name)
