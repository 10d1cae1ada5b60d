"""From a person's file of points to laws: what is fitted to each curve, and how that reads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from harness.curve_file import CurveFile, Observation
from harness.fit import fit_curve, fit_surface
from harness.laws.exponents import BestSize, Comparison, Curve, are_together, best_size, compare_exponents, knee_size
from harness.laws.next_run import Candidate, rank_runs
from harness.laws.points import Point, curve_of, flags
from harness.laws.surface_cells import GridCell, table
from registry.errors import GuidesError, InvalidData, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXPONENTS: Final = ("exponent", "data_exponent", "size_exponent", "width_exponent", "depth_exponent")
REFUSED: Final = ("error rises", "error does not fall")  # how flags begin that no law can be fitted to
FEW_SEEDS: Final = 3
WORTH: Final = 0.1  # an interval that narrows by less is not worth a run
NEXT: Final = (1.0, 2.0, 4.0)  # runs worth making: sizes up to so many times the largest


@final
@dataclass(frozen=True)
class Fitted:
    """The law of one curve of a file, and why it may not be trusted.

    Attributes:
        name: The curve's; "" for the only one.
        law: As a record holds it.
        flags: What speaks against it.
        points: What was fitted.
    """

    name: str
    law: dict[str, Any]
    flags: tuple[str, ...]
    points: tuple[Point | GridCell, ...]

    def description(self) -> list[str]:
        """Say what the law is, in lines."""
        law = self.law
        parts: dict[str, float] = defaultdict(float)
        for form in law["forms"]:
            parts[form["form"]] += form["weight"]
        shares = ", ".join(f"{share:.0%} {name}" for name, share in sorted(parts.items(), key=lambda part: -part[1]))
        held = law["backtest_error"]
        tested = (
            "too few points to hold any out"
            if held is None
            else f"its largest points, held out, were missed by {held:.1%} on average"
        )
        out = [f"law: {_count(len(law['forms']))} ({shares}); {tested}", _exponents(law)]
        for key, words in (
            ("irreducible_error", "irreducible error"),
            ("width_floor", f"error at n {law['valid_range'][law['variables'][0]][1]:,.0f} however large the network"),
        ):
            if law[key] is not None:
                out.append(f"{words}: {_bounds(law[key])}")
        regions = law["regions"] if len(law["variables"]) == 1 else None
        for key, words in (
            ("small_data_end", "small data end"),
            ("irreducible_start", "the irreducible region begins"),
        ):
            if regions is None:
                continue
            found = regions[key]
            out.append(f"{words}: {'unseen' if found is None else _bounds(found, size=True)}")
        return out

    def sizes(self, asked: Mapping[str, float]) -> dict[str, float]:
        """Return the size that is answered for: what was asked, and else the largest measured.

        Raises:
            UsageError: If the law knows nothing of such a size.
        """
        names = self.law["variables"][1:]
        for name in asked:
            if name not in names:
                known = f"it is in {' and '.join(self.law['variables'])}"
                raise UsageError(f"the law of these points knows nothing of {name}: {known}")
        return {name: asked.get(name, self.law["valid_range"][name][1]) for name in names}

    def best_params(self) -> tuple[BestSize, str] | None:
        """Return the best params for each n_train, and how they were found; None where the file says no params.

        Where larger networks do worse, that is the size of least error; else, of a law that falls with params, the
        smallest within a tenth of the error of any size.
        """
        if self.law["variables"] != ["n_train", "params"]:
            return None
        cells = [point for point in self.points if isinstance(point, GridCell)]
        try:
            return best_size(cells), "least error"
        except InvalidData:
            pass
        try:
            return knee_size(self.law), "within a tenth of any size"
        except InvalidData:
            return None

    def best_params_unseen(self) -> str | None:
        """Say why there is no best size; None where there is one, or the file says no params."""
        if self.law["variables"] != ["n_train", "params"] or self.best_params() is not None:
            return None
        cells = [point for point in self.points if isinstance(point, GridCell)]
        last = [cell for cell in cells if cell.n_train == max(each.n_train for each in cells)]
        sizes = [cell.params or 0.0 for cell in sorted(last, key=lambda cell: fmean(cell.errors))]
        if are_together([(cell.n_train, cell.params) for cell in cells if cell.params]):
            return "best size: not determined, n_train and params rise together; measure several params at one n_train"
        side = "smaller" if sizes[0] == min(sizes) < max(sizes) else "larger"
        return f"best size: unseen, {side} networks would have to be measured"

    def measure_next(self, at: float, sizes: Mapping[str, float]) -> str | None:
        """Say which run would narrow the interval at a size most per flop, by a tenth at least; None where none would.

        Candidates are each size measured and 2 and 4 x the largest, 1 or 3 runs each; a run costs what it sees.
        """
        law = self.law
        variable = law["variables"][0]
        ask = {variable: at, **sizes}
        largest = law["valid_range"][variable][1]
        values = sorted({*(_size(point) for point in self.points), *(largest * times for times in NEXT)})
        candidates = []
        for value in values:
            for run in _sizes_of(self.points, sizes):
                work = value * run.get("params", run.get("width", 1.0) ** 2 * run.get("depth", 1.0))
                candidates += [Candidate({variable: value, **run}, seeds, seeds * work) for seeds in (1, FEW_SEEDS)]
        try:
            ranked = rank_runs(law, candidates, ask)
        except GuidesError:
            return None
        best = next((gain for gain in ranked if 1 - _left(gain) >= WORTH), None)
        if best is None:
            return None
        where = ", ".join(f"{name} {value:,.0f}" for name, value in best.candidate.at.items())
        runs = f"{best.candidate.seeds} run{'s' if best.candidate.seeds > 1 else ''}"
        return f"measure next: {where}, {runs}: the interval at {at:,.0f} would shrink by {1 - _left(best):.0%}"

    def draw(self, axes: Axes, colour: str, reach: float, sizes: Mapping[str, float]) -> None:
        """Draw the law at a size over the points of the size nearest to it, at least to ``reach``."""
        from harness import drawing

        def distance(point: Any) -> float:
            return sum(abs(math.log(getattr(point, name) / value)) for name, value in sizes.items())

        nearest = min(map(distance, self.points))
        chosen = [point for point in self.points if distance(point) <= nearest + 1e-9]
        marks = [
            drawing.Mark(_size(point), fmean(point.errors), _sd(point.errors), not point.capped) for point in chosen
        ]
        drawing.draw_law(axes, self.law, marks, name=self.name, colour=colour, sizes=sizes, reach=reach)


def fit(file: CurveFile, name: str, *, chance: float | None = None) -> Fitted:
    """Fit one curve of a file: a surface where it says params or shapes, else a curve.

    Raises:
        InvalidData: If its points carry no law, rise, do not fall, or come twice without a seed to tell them apart.
    """
    try:
        fitted = _fit(file, name, chance)
    except InvalidData as refusal:
        if len(file.curves) == 1:
            raise
        raise InvalidData(f"curve {name}: {refusal.message}", refusal.hint) from refusal
    if file.result != "loss" and fitted.law["chance"] is None:
        fitted.law["chance"] = 1.0  # no fraction is above it
    return fitted


def _fit(file: CurveFile, name: str, chance: float | None) -> Fitted:
    rows, shapes = file.curves[name], file.shapes(name)
    _refuse_nothing(file, rows)
    sizes = ["params"] if "params" in shapes else [size for size in ("width", "depth") if size in shapes]
    if sizes and file.variable == "n_train":
        cells = [
            GridCell(
                n_train=same[0].size, errors=tuple(row.error for row in same), params=same[0].params,
                width=same[0].width, depth=same[0].depth, stderr=same[0].stderr if len(same) == 1 else None,
                n_items=_totals(same),
            )
            for same in _grouped(rows, sizes)
        ]  # fmt: skip
        return _surface(name, cells, ("n_train", *sizes), chance)
    if sizes:
        raise InvalidData(
            f"points in steps differ in {' and '.join(sizes)}, and no law has both",
            "name each size in a column 'curve', and leave the sizes out",
        )
    points = []
    for same in _grouped(rows, []):
        stderr = same[0].stderr if len(same) == 1 else None
        points.append(Point(same[0].size, tuple(row.error for row in same), stderr, _totals(same)))
    curve = curve_of(points)
    _refuse_chance([point.mean for point in curve.points], curve.noise, chance)
    against = flags(curve, chance=chance)
    for flag in against:
        if flag.startswith(REFUSED):
            raise InvalidData(flag, "double descent, too few steps or too few seeds: fit the falling part alone")
    law = fit_curve(points, variable=file.variable, chance=chance)
    return Fitted(name, law, tuple(against), tuple(points))


def _surface(name: str, cells: Sequence[GridCell], variables: tuple[str, ...], chance: float | None) -> Fitted:
    found = table(cells, variables)
    means, against = np.exp(found.log_error), []
    _refuse_chance(means.tolist(), found.noise, chance)
    if chance is not None and (means > chance * (1 + 2 * found.noise)).any():
        against.append(f"error {means.max():.4g} lies above chance, {chance:.4g}")
    sized = [(cell.n_train, cell.params) for cell in cells if cell.params]
    if sized and are_together(sized):
        against.append("n_train and params rise together: which of them lowers the error cannot be told")
    law = fit_surface(cells, variables=variables, chance=chance)
    law.pop("members")
    return Fitted(name, law, tuple(against), tuple(cells))


def _refuse_chance(means: Sequence[float], noise: Sequence[float] | np.ndarray, chance: float | None) -> None:
    """Refuse a chance that most points lie above, by more than twice their noise."""
    if chance is None:
        return
    above = sum(mean > chance * (1 + 2 * sd) for mean, sd in zip(means, noise, strict=True))
    if 2 * above > len(means):
        raise InvalidData(
            f"{above} of {len(means)} points lie above --chance {chance:.4g}; the largest error is {max(means):.4g}",
            "give the error of guessing, or leave --chance out",
        )


def _refuse_nothing(file: CurveFile, rows: Sequence[Observation]) -> None:
    """Refuse a point without any error that was not counted, in words of a file's columns."""
    most: dict[tuple[float, float | None, float | None, float | None], float] = defaultdict(float)
    for row in rows:
        place = (row.size, row.params, row.width, row.depth)
        most[place] = max(most[place], row.error if row.total is None else math.inf)
    for (size, *_), error in most.items():
        if error == 0:
            if file.result == "loss":
                hint = "leave the point out, or give the loss to more digits"
            else:
                hint = "use columns wrong and total: 0 is then fitted as a count"
            raise InvalidData(f"{file.result} is {file.error(0.0):g} at n {size:,.12g}: no power law gets there", hint)


def _totals(rows: Sequence[Observation]) -> tuple[int, ...] | None:
    """Return what each run was counted on; None where runs were not counted."""
    totals = tuple(row.total for row in rows if row.total is not None)
    return totals if len(totals) == len(rows) else None


def shared_exponent(fitted: Sequence[Fitted]) -> Comparison | None:
    """Compare the exponents of all curves of a file (Hestness et al. 2017); None where they cannot be."""
    curves = {one.name: _log_curve(one) for one in fitted if all(isinstance(point, Point) for point in one.points)}
    try:
        return compare_exponents(curves)
    except InvalidData:
        return None


def exponent_lines(compared: Comparison) -> list[str]:
    """Say what came of the question, and how far each curve's exponent lies from the others'."""
    shared = compared.shared
    verdict = "the curves differ in exponent" if compared.told_apart else "exponents of the curves are not told apart"
    out = [f"{verdict}: {shared.value:.3f} (90 %: {shared.low:.3f} to {shared.high:.3f}) if they share one"]
    for name, own in compared.free.items():
        less = compared.difference[name]
        ends = f"90 %: {less.low:+.3f} to {less.high:+.3f}"
        out.append(f"  {name}: {own.value:.3f} on its own, {less.value:+.3f} against the others ({ends})")
    return out


def _log_curve(one: Fitted) -> Curve:
    found = curve_of([point for point in one.points if isinstance(point, Point)])
    return Curve(found.n, np.exp(found.log_error), found.noise)


def _grouped(rows: Sequence[Observation], sizes: Sequence[str]) -> list[list[Observation]]:
    """Put the runs of one point together.

    Raises:
        InvalidData: If a point comes twice and rows have no seeds, or a seed comes twice.
    """
    groups: dict[tuple[float | None, ...], list[Observation]] = defaultdict(list)
    for row in rows:
        groups[(row.size, *(getattr(row, size) for size in sizes))].append(row)
    for same in groups.values():
        if len(same) == 1:
            continue
        at = f"n {same[0].size:,.12g}" + "".join(f", {size} {getattr(same[0], size):,.12g}" for size in sizes)
        seeds = [row.seed for row in same]
        if None in seeds:
            raise InvalidData(f"{at} comes {len(same)} times", "say which run is which in a column 'seed'")
        if len(set(seeds)) < len(seeds):
            raise InvalidData(f"{at} comes twice with one seed", "each run needs a seed of its own, or is left out")
    return [groups[key] for key in sorted(groups, key=lambda key: tuple(part or 0.0 for part in key))]


def _count(n_fits: int) -> str:
    return f"log-average of {n_fits} fits" if n_fits > 1 else "one fit"


def _exponents(law: dict[str, Any]) -> str:
    """Return the range of the members' exponents, by what they are in."""
    variables = law["variables"]
    found: dict[str, list[float]] = defaultdict(list)
    for form in law["forms"]:
        for key, value in form["parameters"].items():
            if key in EXPONENTS:
                size = variables[1] if key == "size_exponent" else key.removesuffix("_exponent")
                found[variables[0] if key in ("exponent", "data_exponent") else size].append(value)
    parts = []
    for name, values in found.items():
        low, high = min(values), max(values)
        ends = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g} by fit"
        parts.append(f"in {name} {ends}")
    return f"exponent {'; '.join(parts)}"


def _bounds(found: dict[str, float | None], *, size: bool = False) -> str:
    ends = (found["value"], found["low"], found["high"])
    shown = [None if end is None else f"{end:,.0f}" if size else f"{end:.4g}" for end in ends]
    return f"{shown[0]} (90 % sure: {shown[1] or 'open'} to {shown[2] or 'open'})"


def _size(point: Point | GridCell) -> float:
    return point.n if isinstance(point, Point) else point.n_train


def _sizes_of(points: Sequence[Point | GridCell], names: Iterable[str]) -> list[dict[str, float]]:
    """Return every size that was measured, by name; one without names for a curve."""
    names = list(names)
    found = {tuple(float(getattr(point, name)) for name in names) for point in points}
    return [dict(zip(names, values, strict=True)) for values in sorted(found)]


def _left(gain: Any) -> float:
    return float(gain.half_width / (gain.half_width + gain.shrinks))


def _sd(errors: Sequence[float]) -> float | None:
    return float(np.std(errors, ddof=1)) if len(errors) > 1 else None
