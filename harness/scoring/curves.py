"""Score laws of single curves: ours, M4's and BNSL's error over what each curve held out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from harness.laws.curve import fit_curve
from harness.laws.intervals import doubt
from harness.laws.points import curve_of, flags, points_of
from harness.scoring.baselines import fit_bnsl, fit_m4
from harness.scoring.read import HeldOut, holds_curves, read_baselines, read_curves
from harness.scoring.row import Row
from registry.errors import InvalidData

RESAMPLES: Final = 2000
STRAYED: Final = 0.05  # of a baseline from the value its authors' code gave, relative
WORST: Final = 10.0  # log error that stands for a prediction that is no number
LEAST: Final = 1e-5  # log error below which nobody is better
JUDGED: Final = 10  # curves; a domain with fewer is printed, not judged


class Score(NamedTuple):
    """How one method did on one curve; the interval's columns are None where the method has none."""

    rmse: float
    seconds: float
    cover80: float | None = None
    cover90: float | None = None
    half: Float64[np.ndarray, " later"] | None = None
    missed: Float64[np.ndarray, " later"] | None = None


def rows(data: Path, say: Callable[[str], None]) -> Iterator[Row]:
    """Score every file of curves in a folder, by domain and pooled.

    Args:
        data: The folder. Files ``*.csv`` and ``*.csv.gz`` with the columns of curves are taken.
        say: Takes each line of what is no row: curves that were refused or flagged, baselines that strayed.
    """
    for path in files(data, say):
        yield from score_file(path, say)


def files(data: Path, say: Callable[[str], None]) -> list[Path]:
    """Return the files of a folder that have the columns of curves; one that cannot be read is said and left out."""
    found = []
    for path in sorted(path for path in data.iterdir() if path.name.endswith((".csv", ".csv.gz"))):
        try:
            if holds_curves(path):
                found.append(path)
        except InvalidData as error:
            say(f"refused: {error.message}")
    return found


def score_file(path: Path, say: Callable[[str], None]) -> Iterator[Row]:
    """Score one file of curves; a curve with a cell that cannot be read is said and left out."""
    known: dict[str, dict[str, float]] = {}
    try:
        known = read_baselines(path)
    except InvalidData as error:
        say(f"published values refused: {error.message}")
    held = [curve for curve in read_curves(path, say) if _can_be_fitted(curve, say)]
    for horizon in dict.fromkeys(curve.horizon for curve in held):
        curves = [curve for curve in held if curve.horizon == horizon]
        say(f"{curves[0].dataset}: {len(curves)} curves, {horizon:g} x")
        scores = {"ours": [_ours(curve) for curve in curves], "m4": _m4(curves), "bnsl": _bnsl(curves)}
        for method in ("m4", "bnsl"):
            scores[method] = _as_published(method, curves, scores[method], known, say)
        domains = list(dict.fromkeys(curve.domain for curve in curves))
        for domain in [*domains, "all"] if len(domains) > 1 else domains:
            chosen = [at for at, curve in enumerate(curves) if domain in (curve.domain, "all")]
            of_domain = {method: [each[at] for at in chosen] for method, each in scores.items()}
            say(_coverage(curves[0].dataset, domain, horizon, of_domain["ours"]))
            for method in of_domain:
                yield summarise(curves[0].dataset, domain, method, horizon, of_domain)


def summarise(dataset: str, domain: str, method: str, horizon: float, scores: dict[str, list[Score]]) -> Row:
    """Return the row of one method from every method's scores on the same curves."""
    own = scores[method]
    rmse = {name: np.maximum([score.rmse for score in each], LEAST) for name, each in scores.items()}
    logs = np.log(rmse[method] / rmse["m4"])
    generator = np.random.default_rng(0)
    resampled = generator.choice(logs, size=(RESAMPLES, len(logs))).mean(axis=1)
    low, high = np.exp(np.percentile(resampled, (2.5, 97.5)))
    return Row(
        dataset=dataset,
        domain=domain,
        method=method,
        horizon=horizon,
        n_curves=len(own),
        mean_rmse=float(rmse[method].mean()),
        gm_ratio_m4=float(np.exp(logs.mean())),
        gm_ratio_m4_low=float(low),
        gm_ratio_m4_high=float(high),
        gm_ratio_bnsl=float(np.exp(np.mean(np.log(rmse[method] / rmse["bnsl"])))),
        win_rate_m4=float(np.mean(rmse[method] < rmse["m4"])),
        cover80=_mean([score.cover80 for score in own]),
        cover90=_mean([score.cover90 for score in own]),
        half_width_ratio=_half_width_ratio(own),
        seconds_per_curve=float(np.mean([score.seconds for score in own])),
    )


def _coverage(dataset: str, domain: str, horizon: float, scores: Sequence[Score]) -> str:
    """Say how often our intervals held what came, with the 2.5 % and 97.5 % points of the bootstrap over curves."""
    told = []
    for level, shares in ((80, [score.cover80 for score in scores]), (90, [score.cover90 for score in scores])):
        known = np.array([share for share in shares if share is not None])
        drawn = np.random.default_rng(0).choice(known, size=(RESAMPLES, len(known))).mean(axis=1)
        low, high = np.percentile(drawn, (2.5, 97.5))
        told.append(f"{level} % interval holds {known.mean():.2f} ({low:.2f} to {high:.2f})")
    return (
        f"{dataset} {domain} {horizon:g} x: our " + ", ".join(told) + f" of the points held out, {len(scores)} curves"
    )


def _can_be_fitted(curve: HeldOut, say: Callable[[str], None]) -> bool:
    name = f"{curve.dataset} {curve.domain} {curve.name} {curve.horizon:g} x"
    if not (curve.later_error > 0).all():
        say(f"{name}: an error of 0 is held out and has no logarithm; left out")
        return False
    if not (curve.later_n >= 1).all():
        say(f"{name}: an n below 1 is held out; left out")
        return False
    try:
        points = points_of(curve.n.tolist(), curve.error.tolist(), _listed(curve.stderr))
        for reason in flags(curve_of(points), chance=curve.chance):
            say(f"{name}: flagged: {reason}")
    except InvalidData as error:
        say(f"{name}: refused: {error.message}")
        return False
    return True


def _ours(curve: HeldOut) -> Score:
    started = time.process_time()
    points = points_of(curve.n.tolist(), curve.error.tolist(), _listed(curve.stderr))
    found = doubt(fit_curve(points, chance=curve.chance), curve.later_n)
    seconds = time.process_time() - started
    missed = np.abs(found.value - np.log(curve.later_error))
    return Score(
        rmse=float(np.sqrt(np.mean(missed**2))),
        seconds=seconds,
        cover80=float(np.mean(missed <= found.half80)),
        cover90=float(np.mean(missed <= found.half90)),
        half=found.half90,
        missed=missed,
    )


def _m4(curves: Sequence[HeldOut]) -> list[Score]:
    started = time.process_time()
    fits = fit_m4(
        [(curve.n, curve.error) for curve in curves],
        [curve.err_0 for curve in curves],
        [curve.chance for curve in curves],
    )
    predicted = [fitted.error(curve.later_n) for fitted, curve in zip(fits, curves, strict=True)]
    seconds = (time.process_time() - started) / len(curves)
    return [Score(_rmse(error, curve.later_error), seconds) for error, curve in zip(predicted, curves, strict=True)]


def _bnsl(curves: Sequence[HeldOut]) -> list[Score]:
    scores = []
    for curve in curves:
        started = time.process_time()
        predicted = fit_bnsl(curve.n, curve.error).error(curve.later_n)
        scores.append(Score(_rmse(predicted, curve.later_error), time.process_time() - started))
    return scores


def _as_published(
    method: str,
    curves: Sequence[HeldOut],
    scores: list[Score],
    known: dict[str, dict[str, float]],
    say: Callable[[str], None],
) -> list[Score]:
    """Return the scores with the published value of every curve on which ours strays from it."""
    strayed = [
        at
        for at, (curve, score) in enumerate(zip(curves, scores, strict=True))
        if curve.name in known and abs(score.rmse / known[curve.name][method] - 1) > STRAYED
    ]
    if known:
        listed = sum(curve.name in known for curve in curves)
        say(
            f"{method}: {listed - len(strayed)} of {listed} curves within {STRAYED:.0%} of the published value"
            + (f"; the other {len(strayed)} are scored by the published value" if strayed else "")
        )
    return [
        score._replace(rmse=known[curves[at].name][method]) if at in strayed else score
        for at, score in enumerate(scores)
    ]


def _half_width_ratio(scores: Sequence[Score]) -> float | None:
    """Return the median half-width over the median error; each curve weighs the same, however many its points."""
    kept = [(score.half, score.missed) for score in scores if score.half is not None and score.missed is not None]
    if not kept:
        return None
    weight = np.concatenate([np.full(len(half), 1 / len(half)) for half, _ in kept])
    half, missed = (np.concatenate(each) for each in zip(*kept, strict=True))
    return _weighted_median(half, weight) / max(_weighted_median(missed, weight), LEAST)


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return float(np.mean(known)) if known else None


def _weighted_median(values: Float64[np.ndarray, " n"], weight: Float64[np.ndarray, " n"]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _rmse(predicted: Float64[np.ndarray, " later"], actual: Float64[np.ndarray, " later"]) -> float:
    with np.errstate(all="ignore"):
        value = float(np.sqrt(np.mean((np.log(predicted) - np.log(actual)) ** 2)))
    return value if value < WORST else WORST


def _listed(values: Float64[np.ndarray, " points"] | None) -> list[float] | None:
    return None if values is None else values.tolist()
