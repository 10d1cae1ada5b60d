"""What a text without labels is like: how many windows of how many symbols, and how well counting foretells them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, final

import numpy as np

from harness.baselines.base import capped
from harness.baselines.language import fit_n_gram, fit_unigram
from harness.datasets.base import Dataset
from harness.like.description import Description
from harness.like.descriptors import DIGITS
from harness.like.probes import MOST_VAL
from registry.errors import UsageError

MOST_SYMBOLS: Final = 2**22  # of train that are counted; measured: 0.06 bits above all 1.2e7 of SymPy's, docs/log.md


@final
@dataclass(frozen=True)
class Language(Description):
    """A language model's data in numbers.

    Attributes:
        task: Its task category.
        modality: ``text``.
        n_train: Windows to train on.
        length: Symbols of a window.
        n_symbols: Different symbols that occur in train.
        unigram_bits: Bits a symbol of validation takes by the shares of symbols in train.
        n_gram_bits: The same by what follows up to six symbols; how many was chosen on the windows it was asked.
        n_probed: Training windows that were counted.
        n_asked: Validation windows that were asked.
    """

    task: str
    modality: Literal["text"]
    n_train: int
    length: int
    n_symbols: int
    unigram_bits: float
    n_gram_bits: float
    n_probed: int
    n_asked: int

    @property
    def kind(self) -> str:
        """Texts, but not those that have a class."""
        return "texts without labels"

    @property
    def counts(self) -> tuple[str, ...]:
        """Windows, their length and their symbols."""
        return (f"{self.n_train:,} windows", f"{self.length:,} symbols each", f"{self.n_symbols:,} different symbols")

    @property
    def bits(self) -> dict[str, float]:
        """Bits a symbol by the name of the baseline."""
        return {"unigram": self.unigram_bits, "n-gram": self.n_gram_bits}

    def lines(self) -> list[str]:
        """Say it."""
        return [
            f"text without labels: {self.n_train:,} windows of {self.length:,} symbols to train on, "
            f"{self.n_symbols:,} different symbols in them",
            f"bits per byte by counting {self.n_probed:,} windows: unigram {self.unigram_bits:.3f}, "
            f"n-gram {self.n_gram_bits:.3f}",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, bits to six decimals."""
        return {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in asdict(self).items()}


def describe(data: Dataset) -> Language:
    """Describe a language model's data. Its test split is not read.

    At most 2^22 symbols of train are counted and at most 2,000 windows of validation asked; one seed draws both.

    Raises:
        UsageError: If an example has one class or one number: :func:`harness.like.descriptors.describe` is for those.
    """
    if not data.per_position:
        raise UsageError(f"{data.task} is no language model's task", "expected what follows at every position")
    whole, length = data.train(), data.input_shape[0]
    train, val = capped(whole, MOST_SYMBOLS // length), capped(data.val(), MOST_VAL)
    unigram, n_gram = (float(np.mean(fit(train, val).outcomes(val))) for fit in (fit_unigram, fit_n_gram))
    return Language(
        task=data.task,
        modality="text",
        n_train=len(whole),
        length=length,
        n_symbols=len(np.unique(whole.inputs)),
        unigram_bits=unigram,
        n_gram_bits=n_gram,
        n_probed=len(train),
        n_asked=len(val),
    )
