"""Short commands never look for garbage; every other does."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("command", "looks"),
    [
        ("lookup", False),
        ("data-needed", False),
        ("predict", False),
        ("tradeoff", False),
        ("list", True),
        ("index", True),
    ],
)
def test_only_short_commands_leave_garbage_alone(command: str, looks: bool) -> None:
    probe = (
        "import atexit, gc; from registry.cli import main; "
        f"atexit.register(lambda: print(gc.isenabled())); main(['{command}', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.split()[-1] == str(looks)


def test_calling_it_from_python_changes_nothing_there() -> None:
    probe = "import gc; from registry.cli import run; run(['lookup', '--help']); print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.split()[-1] == "True"
