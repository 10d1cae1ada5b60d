"""The next byte of Python source: SymPy 1.14.0, with its docstrings and comments."""

from __future__ import annotations

from typing import final

from harness.corpora.alphabet import N_SYMBOLS
from harness.corpora.source import SYMPY
from harness.corpora.windows import LENGTH, windows
from harness.datasets.base import Dataset, Splits

N_VAL = N_TEST = 500


@final
class BytesSympy(Dataset):
    """Windows of 64 bytes and, at each place, the byte that follows: 193,000 / 500 / 500, split by file.

    97 symbols: a line break, the 95 printable characters of ASCII, and one for the other bytes, 3 of 10,000.
    """

    name = "bytes-sympy-1-14"
    task = "lang-model"
    source = "SymPy 1.14.0, https://pypi.org/project/sympy/1.14.0/, Meurer et al. 2017, doi:10.7717/peerj-cs.103"
    licence = "BSD-3-Clause"
    group = "file"
    input_shape = (LENGTH, N_SYMBOLS)
    n_classes = N_SYMBOLS
    symbols = True
    per_position = True

    def load(self) -> Splits:
        """Cut the installed files into windows.

        Raises:
            MissingDependency: If SymPy is not installed.
            InvalidData: If it is another version.
        """
        parts = SYMPY.parts()
        return Splits(
            windows(parts.train.values()), windows(parts.val.values(), N_VAL), windows(parts.test.values(), N_TEST)
        )


PLUGIN = BytesSympy()
