"""Which Python keyword is hidden between 40 characters and 40 more: code of SymPy 1.14.0."""

from __future__ import annotations

from typing import Final, final

from harness.corpora.alphabet import N_SYMBOLS
from harness.corpora.cloze import REACH, cloze
from harness.corpora.source import SYMPY
from harness.datasets.base import Dataset, Splits

# Those with 500 examples or more in train; `test_corpora_data` counts them again.
KEYWORDS: Final = (
    "False", "None", "True", "and", "break", "class", "continue", "def", "elif", "else", "except", "for", "from",
    "if", "import", "in", "is", "lambda", "not", "or", "raise", "return", "try", "while",
)  # fmt: skip
N_VAL: Final = 4_000
N_TEST: Final = 10_000


@final
class ClozeSympy(Dataset):
    """Symbols, 80 an example; 24 keywords, as frequent as they are: 151,000 / 4,000 / 10,000, split by file.

    The 40 characters before the keyword, then the 40 after it. Keywords in strings and comments are not asked for.
    """

    name = "cloze-sympy-1-14"
    task = "text-cls"
    source = "SymPy 1.14.0, https://pypi.org/project/sympy/1.14.0/, Meurer et al. 2017, doi:10.7717/peerj-cs.103"
    licence = "BSD-3-Clause"
    group = "file"
    input_shape = (2 * REACH, N_SYMBOLS)
    n_classes = len(KEYWORDS)
    symbols = True

    def load(self) -> Splits:
        """Cut the examples out of the installed files.

        Raises:
            MissingDependency: If SymPy is not installed.
            InvalidData: If it is another version.
        """
        parts = SYMPY.parts()
        return Splits(
            cloze(parts.train.values(), KEYWORDS),
            cloze(parts.val.values(), KEYWORDS, N_VAL),
            cloze(parts.test.values(), KEYWORDS, N_TEST),
        )


PLUGIN = ClozeSympy()
