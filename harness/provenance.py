"""Where a record comes from: commit, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "sizing-guides", "torch", "torch-pruning",
)  # fmt: skip
CODE: Final = ("registry", "harness", "pyproject.toml", "constraints.txt")
WATTS_PER_CORE: Final = 10.0


def provenance(command: str, seed: int) -> dict[str, Any]:
    """Return the record's ``provenance`` group for a run of ``command``.

    ``dirty`` looks at code and pins only: a new record beside them does not make the next one dirty.
    """
    sha, dirty = _commit()
    return {
        "git_sha": sha,
        "dirty": dirty,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "hardware": {
            "cpu": _processor(),
            "cores": str(os.cpu_count() or 1),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "threads": 1,
        "command": command,
        "seed": seed,
    }


def energy(wall_s: float) -> dict[str, Any]:
    """Return the record's ``energy_estimate`` for single-threaded work of ``wall_s`` seconds."""
    kwh = wall_s * WATTS_PER_CORE / 3.6e6
    return {"kwh": round(kwh, 9), "assumption": f"{WATTS_PER_CORE:g} W a busy core, not read from a meter"}


def _commit() -> tuple[str, bool]:
    """Return the commit of the checkout this code runs from, and whether its code differs from it."""
    top = Path(__file__).resolve().parent.parent
    if not (top / ".git").exists():
        return "unknown", True
    sha = _git(top, "rev-parse", "HEAD")
    changes = _git(top, "status", "--porcelain", "--", *CODE)
    if sha is None or changes is None or len(sha) != 40:
        return "unknown", True
    return sha, bool(changes)


def _git(top: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607  # git is found where the user's shell finds it
            cwd=top, capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Return the processor's name as the system gives it."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip() or "unknown"
    return platform.processor() or platform.machine() or "unknown"
