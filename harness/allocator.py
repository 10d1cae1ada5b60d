"""Ask the C library to keep freed memory for the next tensor instead of handing it back to the system."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
KEPT_BYTES: Final = 1 << 28
LARGEST_BYTES: Final = 1 << 25  # more is refused


def keep_freed_memory() -> None:
    """Let freed tensors of up to 32 MB be reused as they are; only glibc, elsewhere nothing happens.

    By default each step gives its larger tensors back and gets them anew, page by page, zeroed by the system.

    Source:
        mallopt(3).
    """
    # measured: cnn of 8 channels on 16x16, 16 members: 14,000 page faults a step, without them 1.5 x as fast
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, LARGEST_BYTES)
