"""The type of the next Python token from the types of the 8 before it: code of SymPy 1.14.0."""

from __future__ import annotations

from typing import Final, final

from harness.corpora.next_token import BEFORE, RARE, next_token
from harness.corpora.source import SYMPY
from harness.corpora.tokens import KEYWORDS, KINDS, OPERATORS
from harness.datasets.base import Dataset, Splits

# Below 100 in train; `test_corpora_data` counts them again.
RARER: Final = {
    "async", "await", "finally", "global", "nonlocal", "with", ";", "<<", ">>", "^", "~", ":=", "/=", "//=", "%=",
    "**=", "@=", "&=", "|=", "^=", "<<=", ">>=",
}  # fmt: skip
TYPES: Final = (RARE, *(name for name in KINDS + KEYWORDS + OPERATORS if name not in RARER))
N_VAL = N_TEST = 20_000


@final
class NextTokenSympy(Dataset):
    """Symbols, 8 an example; 67 types, as frequent as they are: 1,700,000 / 20,000 / 20,000, split by file.

    Eight types often repeat, so that many rows of test stand in train as well: what is kept apart is files.
    """

    name = "next-token-sympy-1-14"
    task = "tabular-cls"
    source = "SymPy 1.14.0, https://pypi.org/project/sympy/1.14.0/, Meurer et al. 2017, doi:10.7717/peerj-cs.103"
    licence = "BSD-3-Clause"
    group = "file"
    input_shape = (BEFORE, len(TYPES))
    n_classes = len(TYPES)
    symbols = True

    def load(self) -> Splits:
        """Take the installed files apart.

        Raises:
            MissingDependency: If SymPy is not installed.
            InvalidData: If it is another version.
        """
        parts = SYMPY.parts()
        return Splits(
            next_token(parts.train.values(), TYPES),
            next_token(parts.val.values(), TYPES, N_VAL),
            next_token(parts.test.values(), TYPES, N_TEST),
        )


PLUGIN = NextTokenSympy()
