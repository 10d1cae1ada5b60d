"""A stored law of every form, small enough to read, for the tests of what evaluates laws and answers from them."""

from __future__ import annotations

import math
from typing import Any

CURVES: dict[str, tuple[float, ...]] = {
    "power-law": (2.0, 0.5, 0.02),
    "shifted-power-law": (2.0, 0.5, 0.02, 30.0),
    "m4": (2.0, 0.5, 0.02, 0.9, 0.7),
    "broken-power-law": (2.0, 0.2, 0.02, 0.4, 200.0, 0.5),
}
SURFACES: dict[str, tuple[float, ...]] = {
    "additive": (2.0, 0.5, 3.0, 0.6, 0.01),
    "envelope": (2.0, 0.5, 3.0, 0.6, 0.01, 0.9, 0.5),
    "saturating": (2.0, 0.5, 3.0, 0.6, 0.01, 0.9),
    "saturating-mean": (2.0, 0.5, 3.0, 0.6, 0.01, 0.7, 0.9),
    "product": (3.0, 0.3, 0.2, 0.01),
    "power-mean": (2.0, 0.5, 3.0, 0.6, 0.01, 0.7),
    "crossed": (2.0, 0.4, 0.1, 3.0, 0.6, 0.01),
    "additive-shape": (2.0, 0.5, 0.5, 0.8, 0.05, 0.3, 0.01),
    "additive-block": (2.0, 0.5, 0.5, 0.8, 0.3, 0.01),
    "product-shape": (3.0, 0.3, 0.2, 0.1, 0.01),
    "power-mean-shape": (2.0, 0.5, 0.5, 0.8, 0.05, 0.3, 0.01, 0.7),
}
RANGES: dict[str, tuple[int, int]] = {
    "n_train": (20, 2000),
    "steps": (100, 10_000),
    "params": (50, 5000),
    "width": (2, 64),
    "depth": (1, 4),
}
INTERVAL = {"factor80": 1.5, "factor90": 2.0, "noise": 0.02, "drift": 0.1, "run_sd": 0.08}


def stored(*members: str, n_draws: int = 20, **changes: Any) -> dict[str, Any]:
    """Return a law of these forms, equally weighted; its draws differ in the first coefficient.

    Args:
        *members: Names of forms with the same variables.
        n_draws: How many draws; 0 leaves the interval open.
        **changes: Other values for fields of the law.
    """
    members = members or ("power-law",)
    known = {**CURVES, **SURFACES}
    if members[0] in CURVES:
        variables = ["n_train"]
    else:
        variables = (
            ["n_train", "width", "depth"] if members[0].endswith(("-shape", "-block")) else ["n_train", "params"]
        )
    draws = []
    for i in range(n_draws):
        k = i % len(members)
        first, *rest = known[members[k]]
        draws.append([k, first * math.exp(0.1 * math.sin(i)), *rest])
    from registry.law import FORMS

    return {
        "variables": variables,
        "forms": [
            {
                "form": name,
                "weight": 1 / len(members),
                "parameters": dict(zip(FORMS[name].parameters, known[name], strict=True)),
            }
            for name in members
        ],
        "draws": draws,
        "interval": dict(INTERVAL),
        "valid_range": {name: list(RANGES[name]) for name in variables},
        **changes,
    }
