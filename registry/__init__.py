"""Answer sizing questions from guideline records: how wide, how deep, how much data, for the accuracy you need.

The documented way in from Python, each loaded when first asked for:

* :func:`smallest_for`: the smallest network on record for a target;
* :func:`predict`: what the laws on record predict for so much data, with intervals;
* :func:`data_needed`: how much data they say a target takes;
* :func:`tradeoff`: the cheapest mix of data and parameters, or which change of a mix helps more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.laws.predict import data_needed, predict
    from registry.laws.tradeoff import tradeoff
    from registry.lookup import smallest_for

__all__ = ["data_needed", "predict", "smallest_for", "tradeoff"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'registry' has no attribute '{name}'")
    from importlib import import_module

    modules = {"smallest_for": "registry.lookup", "tradeoff": "registry.laws.tradeoff"}
    return getattr(import_module(modules.get(name, "registry.laws.predict")), name)
