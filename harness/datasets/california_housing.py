"""Median house values of Californian block groups, census of 1990."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, final

from harness.own.fetched import FetchedTable

if TYPE_CHECKING:
    from harness.own.prepared import Prepared

FEATURES: Final = 8


@final
class CaliforniaHousing(FetchedTable):
    """20,640 block groups, 14,448 / 2,064 / 4,128; 8 features standardised by train, targets in 100,000 dollars.

    Values above 500,000 dollars were published as 500,001. Neighbouring block groups are alike and are not kept apart.
    """

    name = "california-housing"
    task = "tabular-reg"
    source = (
        "Pace & Barry 1997, Sparse Spatial Autoregressions, Statistics and Probability Letters 33:291-297 (StatLib), "
        "as scikit-learn distributes it"
    )
    licence = "NOASSERTION"
    group = None
    input_shape = (FEATURES,)
    n_classes = None

    def prepare(self) -> Prepared:
        """Let scikit-learn fetch the archive and compare its checksum; what it caches beside it is not kept."""
        from sklearn.datasets import fetch_california_housing  # takes a second to import

        from harness.own.columns import Numbers
        from harness.own.table import Table, prepare

        with TemporaryDirectory() as folder:  # a fresh one: nothing that was cached before, a pickle, is ever read
            found = fetch_california_housing(data_home=folder, n_retries=1)
        columns = [Numbers(name, found.data[:, i]) for i, name in enumerate(found.feature_names)]
        table = Table(self.name, len(found.target), [*columns, Numbers("value", found.target)])
        return prepare(table, self.task, "value")


PLUGIN = CaliforniaHousing()
