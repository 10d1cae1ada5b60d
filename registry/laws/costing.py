"""Count what training takes and costs: flops from params, examples seen from the steps of a law's cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from registry.laws.sources import Source

DENSE_FLOPS: Final = 2.0  # a forward pass is a multiply-add a parameter in a dense network


class Prices(NamedTuple):
    """What an example and a training flop cost, in any one currency."""

    example: float = 0.0
    flop: float = 0.0


class Costing(NamedTuple):
    """How training is counted for one law: 3 x flops x examples seen.

    Args:
        flops_per_param: Forward flops of an example, a parameter.
        measured: Whether that is the record's own; else 2, a multiply-add a parameter, as in a dense network.
        log_seen: Log of the examples that a run sees with one example in the training set.
        slope: Examples seen grow as n_train to this power.
        fitted: Whether these two are those of the law's cells; else each example is seen once.
        sides: Resolution of the record's networks, and that of the law's cells, where flops were taken from one to the
            other; None: they were not.
    """

    flops_per_param: float
    measured: bool
    log_seen: float
    slope: float
    fitted: bool
    sides: tuple[int, int] | None = None

    def seen(self, n_train: float) -> float:
        """Return how many examples a run on so many sees."""
        return math.exp(self.log_seen + self.slope * math.log(n_train))

    def train_flops(self, n_train: float, params: float) -> float:
        """Return the flops of one training run."""
        return 3 * self.flops_per_param * params * self.seen(n_train)

    def price(self, prices: Prices | None, n_train: float, params: float) -> float:
        """Return what a mix costs; without prices its train flops."""
        flops = self.train_flops(n_train, params)
        return flops if prices is None else prices.example * n_train + prices.flop * flops


def costing(source: Source) -> Costing:
    """Return how training is counted for a law: by the steps of its cells, least squares in logs."""
    found = _by_steps(source)
    sides = _sides(source)
    if sides is None:
        return found
    side, wanted = sides
    # Parameters of a convolution are used once a pixel, others once. measured: 3 widths of cnn at 8 x 8 instead of
    # 16 x 16 take 0.255 to 0.260 x the flops.
    scaled = max(found.flops_per_param * (wanted / side) ** 2, min(found.flops_per_param, DENSE_FLOPS))
    return found._replace(flops_per_param=scaled, sides=sides)


def _sides(source: Source) -> tuple[int, int] | None:
    """Return the resolution of the record's networks and that of the law's cells, where both are one and differ."""
    cells = source.cells.shape.get("resolution", ())
    if source.flops_per_param is None or len(cells) != 1:
        return None
    select = "SELECT DISTINCT resolution FROM points WHERE record = ? AND flops > 0"
    sides = [side for (side,) in source.opened.rows(select, (source.record,))]
    return (sides[0], cells[0]) if len(sides) == 1 and sides[0] not in (None, cells[0]) else None


def _by_steps(source: Source) -> Costing:
    per_param = source.flops_per_param or DENSE_FLOPS
    cells = [(math.log(n), math.log(steps)) for n, steps in source.facts.get("cells", ()) if n > 0 and steps > 0]
    if source.batch_size is None or not cells:
        return Costing(per_param, source.flops_per_param is not None, 0.0, 1.0, fitted=False)
    mean_n, mean_steps = (math.fsum(each) / len(cells) for each in zip(*cells, strict=True))
    spread = math.fsum((n - mean_n) ** 2 for n, _ in cells)
    slope = math.fsum((n - mean_n) * (steps - mean_steps) for n, steps in cells) / spread if spread > 0 else 0.0
    slope = max(slope, 0.0)  # assumption: more examples never train for fewer steps
    log_seen = mean_steps - slope * mean_n + math.log(source.batch_size)
    return Costing(per_param, source.flops_per_param is not None, log_seen, slope, fitted=True)


def prices(example: float | None, flop: float | None) -> Prices | None:
    """Return prices where one is given, the other then 0; None where none is."""
    return None if example is None and flop is None else Prices(example or 0.0, flop or 0.0)
