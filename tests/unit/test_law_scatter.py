"""How far draws scatter, said quickly: the same as draw by draw, and never believed near the ends of the doubles."""

from __future__ import annotations

import math
from typing import Any

import pytest

from registry.law import Law, predicted
from registry.laws import stored as stored_laws
from registry.laws.counting import is_far
from registry.laws.mixes import FAR_OUT, VAGUE, Unknown
from tests.laws import CURVES, SURFACES, stored


def by_draw(law: Law, x: tuple[float, ...]) -> float:
    centre = law.log_error(x)
    return math.sqrt(math.fsum((draw - centre) ** 2 for draw in law.log_draws(x)) / law.n_draws)


def away(law: Law, x: tuple[float, ...]) -> float:
    return math.sqrt(law.curve(x[1:]).spread(x[0]))


def places(law: Law) -> list[tuple[float, ...]]:
    sizes = [(high,) for _, high in law.ranges[1:]]
    return [(log_n, *(size for (size,) in sizes)) for log_n in (0.0, 3.0, 7.0, 14.0, 69.0)]


@pytest.mark.parametrize("form", [*CURVES, *SURFACES])
def test_scatter_is_that_of_the_draws(form: str) -> None:
    law = Law(stored(form))

    for x in places(law):
        assert away(law, x) == pytest.approx(by_draw(law, x), rel=1e-11, abs=1e-12)


def test_scatter_of_several_forms_is_that_of_all_draws() -> None:
    law = Law(stored(*CURVES))  # of two there is no quick way

    for x in places(law):
        assert away(law, x) == pytest.approx(by_draw(law, x), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("form", [*CURVES, *SURFACES])
@pytest.mark.parametrize("coefficient", [1e-300, 1e300])
@pytest.mark.parametrize("log_n", [0.0, 500.0, 1e6])
def test_near_the_ends_of_the_doubles_draws_are_asked_one_by_one(form: str, coefficient: float, log_n: float) -> None:
    values = stored(form)
    parameters = values["forms"][0]["parameters"]
    parameters[next(iter(parameters))] = coefficient
    for draw in values["draws"]:
        draw[1] *= coefficient
    law = Law(values)
    x = (log_n, *places(law)[0][1:])

    assert away(law, x) == pytest.approx(by_draw(law, x), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("form", [name for name in SURFACES if not name.endswith(("-shape", "-block"))])
def test_no_log_error_falls_faster_than_the_steepest(form: str) -> None:
    law = Law(stored(form))
    of_data, of_size = law.steepest()

    for log_n in (0.0, 4.0, 9.0):
        for log_size in (2.0, 5.0, 9.0):
            here, more, larger = (
                law.log_draws(x) for x in ((log_n, log_size), (log_n + 0.5, log_size), (log_n, log_size + 0.5))
            )
            assert all(0 <= a - b <= 0.5 * of_data + 1e-12 for a, b in zip(here, more, strict=True))
            assert all(0 <= a - b <= 0.5 * of_size + 1e-12 for a, b in zip(here, larger, strict=True))


class Mixes:
    """A source of mixes, with nothing but what is asked of it."""

    def __init__(self, law: dict[str, Any]) -> None:
        self.law, self.chance = Law(law), 0.9


@pytest.mark.parametrize("drift", [0.05, 0.4, 1.0])
@pytest.mark.parametrize("form", ["additive", "saturating-mean"])
def test_mixes_are_left_out_as_if_each_was_asked_for_its_interval(
    form: str, drift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = stored(form, chance=0.9)
    values["interval"] |= {"drift": drift}
    for i, draw in enumerate(values["draws"]):
        draw[2] *= math.exp(0.4 * math.sin(3 * i))  # the exponent of the data
    source, asked = Mixes(values), []
    spread = stored_laws.Curve.spread
    unknown = Unknown(source)  # type: ignore[arg-type]
    monkeypatch.setattr(stored_laws.Curve, "spread", lambda curve, n: asked.append(n) or spread(curve, n))
    mixes = [(n / 4, size / 4) for n in range(0, 56, 2) for size in range(4, 48, 3)]
    said = [unknown.why(x) for x in mixes]
    n_asked = len(asked)
    for x, reason in zip(mixes, said, strict=True):
        error = predicted(source.law, x)
        vague = error.value * 2 < 0.9 and error.high is not None and error.high >= 0.9
        inside = source.law.outside(x) == 0

        assert reason == (None if inside else FAR_OUT if is_far(source.law, x) else VAGUE if vague else None)

    assert n_asked < len(mixes) / 4
