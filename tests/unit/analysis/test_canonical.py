"""Stationary points against R's rsm and of surfaces whose shape is known."""

import numpy as np
import pandas as pd
import pytest
import reference
from made import SHAPES, made_fit

from analysis.fit.least_squares import ordinary_least_squares
from analysis.questions import canonical, effects


@pytest.mark.parametrize("model", ["block", "noblock"])
def test_chemreact_stationary_point_and_eigenvalues(model):
    study, chosen = reference.chemreact(), reference.settings(reference.CHEMREACT_CONFIG)
    fit = ordinary_least_squares(
        study, chosen, "Yield", "absolute", replicate_block=model == "block"
    )
    answer = reference.answers("chemreact")[model]
    point = canonical.stationary(fit)
    assert point["coded"].to_numpy() == pytest.approx(answer["xs"], abs=1e-9)
    assert point["natural"].to_numpy() == pytest.approx(
        [85 + 5 * answer["xs"][0], 175 + 5 * answer["xs"][1]], abs=1e-8
    )
    assert canonical.eigenvalues(fit)["eigenvalue"].to_numpy() == pytest.approx(
        answer["eig"], abs=1e-9
    )
    assert set(point["nature"]) == {"maximum"} and point["inside"].all()
    # rsm's canonical path starts there; its height is that of the fitted surface
    assert point["predicted"][0] == pytest.approx(
        fit.predict(pd.DataFrame({"Time": [point["natural"][0]], "Temp": [point["natural"][1]]}))[
            0
        ][0]
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_nature_of_a_known_surface(shape):
    response, at = SHAPES[shape]
    point = canonical.stationary(made_fit(response)[0])
    assert set(point["nature"]) == {shape}
    assert point["coded"].to_numpy() == pytest.approx(at, abs=1e-9)
    assert point["natural"].to_numpy() == pytest.approx(3 + 2 * np.array(at), abs=1e-9)


def test_a_stationary_point_outside_the_region_is_said_to_be_outside():
    point = canonical.stationary(made_fit(lambda a, b: -((a - 3) ** 2) - b**2)[0])
    assert not point["inside"].any()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"degree": 1}, "no second-order terms"),
        ({"degree": 3}, "beyond the second order"),
        ({"formula": "a + b + a^2"}, None),
    ],
)
def test_why_there_is_no_canonical_analysis(more, reason):
    fit, _, chosen = made_fit(lambda a, b: a - a**2 + 0.5 * b, noise=0.1, **more)
    said = canonical.notes(fit)
    if reason is None:
        assert list(canonical.stationary(fit)["factor"]) == ["a"]
        assert "b without a second-order term" in said[0].sentence
    else:
        assert canonical.stationary(fit).empty
        assert reason in said[0].sentence
    assert len(effects.effects(fit, chosen)) == 2 * effects.CURVE_POINTS


def test_a_ridge_has_no_stationary_point():
    fit, _, _ = made_fit(lambda a, b: -((a + b) ** 2))
    assert canonical.stationary(fit).empty
    assert "ridge" in canonical.notes(fit)[0].sentence
    assert canonical.eigenvalues(fit)["eigenvalue"].to_numpy() == pytest.approx([0, -2], abs=1e-9)
