"""Create the project's virtual environment and install the project into it, once.

``make`` calls this before every target. A stamp inside the environment says what it was made from: the interpreter,
the place, and the files that decide what is installed. An equal stamp means there is nothing to do. It is removed
before pip starts and written after pip succeeded, so a half-finished environment is never taken for a whole one.
Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DECIDING: Final = ("pyproject.toml", "constraints.txt", ".ci/setup.py")
EXTRAS: Final = "harness,dev"
STAMP: Final = ".installed.json"


def wanted(folder: Path) -> dict[str, str]:
    """Return what the environment in ``folder`` should have been made from."""
    version = ".".join(str(part) for part in sys.version_info[:2])
    digest = hashlib.sha256()
    for name in DECIDING:
        digest.update((ROOT / name).read_bytes() + b"\0")
    return {
        "interpreter": f"{sys.implementation.name} {version} {sys.base_prefix}",
        "place": str(folder),  # scripts of an environment hold its absolute path: a moved folder needs a new one
        "files": digest.hexdigest(),
    }


def found(folder: Path) -> dict[str, str]:
    """Return what the environment in ``folder`` was made from; empty where there is none that works."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        works = subprocess.run([folder / "bin" / "python", "-c", ""], check=False).returncode == 0
    except (OSError, ValueError):
        return {}
    return stamp if works and isinstance(stamp, dict) else {}


def install(folder: Path, *, anew: bool) -> None:
    """Install the project, editable, with its extras and the pinned versions.

    Args:
        folder: The environment.
        anew: Whether to start from an empty environment instead of adjusting the one that is there.

    Raises:
        SystemExit: If this Python cannot create environments, or pip failed.
    """
    if anew:
        if importlib.util.find_spec("ensurepip") is None:
            version = ".".join(str(part) for part in sys.version_info[:2])
            sys.exit(
                f"{sys.executable} cannot create virtual environments: its venv module is incomplete\n"
                f"  on Debian and Ubuntu: apt install python{version}-venv, or name another Python: make PYTHON=..."
            )
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(folder)
    print(f"Installing into {folder.name}/ (a minute or more; pip is silent unless something fails)", file=sys.stderr)
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip"]
    what = ["install", "-qq", "--constraint", "constraints.txt", "--editable", f".[{EXTRAS}]"]
    settings = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}
    done = subprocess.run([*pip, *what], cwd=ROOT, env=settings, check=False)
    if done.returncode != 0:
        sys.exit("the installation failed: pip says why above\n  run the same command again once that is mended")


def main(folder: Path) -> None:
    """Bring the environment in ``folder`` up to date; a second caller waits for the first."""
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before, after = found(folder), wanted(folder)
        if before == after:
            return
        stamp = folder / STAMP
        stamp.unlink(missing_ok=True)
        install(folder, anew=any(before.get(key) != after[key] for key in ("interpreter", "place")))
        stamp.write_text(json.dumps(after, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main(ROOT / sys.argv[1])
    except KeyboardInterrupt:
        print("interrupted; the same command starts over", file=sys.stderr)
        sys.exit(130)
