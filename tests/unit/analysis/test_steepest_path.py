"""The path of steepest ascent against R's rsm and along known slopes."""

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made import made_fit

from analysis.fit.least_squares import ordinary_least_squares
from analysis.questions import canonical, steepest_path


def test_chemreact_steepest_ascent():
    """The path is rsm's table to its last digit, at the distances that rsm's root search reaches.

    rsm finds the multiplier of each point with `uniroot`, whose default tolerance leaves the point
    up to 0.00096 beside the distance asked for (at 4), and prints three decimals. Repeating that
    search gives the distances at which its points really lie; there ours must be the same.
    """
    study, chosen = reference.chemreact(), reference.settings(reference.CHEMREACT_CONFIG)
    fit = ordinary_least_squares(study, chosen, "Yield", "absolute")
    answer = pd.DataFrame(reference.answers("chemreact")["steepest"])
    reached = distances_of_rsm(canonical.second_order(fit), answer["dist"].to_numpy())
    assert np.abs(reached - answer["dist"]).max() < 1e-3
    path = steepest_path.steepest(fit, chosen, reached)
    printed = path[["Time_coded", "Temp_coded"]].round(3)
    assert printed.to_numpy() == pytest.approx(answer[["x1", "x2"]].to_numpy(), abs=1e-9)
    # natural units and heights are rsm's own functions of the coordinates it printed
    natural = printed.to_numpy() * 5 + [85, 175]
    assert natural == pytest.approx(answer[["Time", "Temp"]].to_numpy(), abs=1e-9)
    height = fit.predict(answer[["Time", "Temp"]])[0]
    assert height.round(3) == pytest.approx(answer["yhat"].to_numpy(), abs=1e-9)
    # and asked for a distance, ours is exactly there
    exact = steepest_path.steepest(fit, chosen, answer["dist"].to_numpy())
    assert np.hypot(exact["Time_coded"], exact["Temp_coded"]).to_numpy() == pytest.approx(
        answer["dist"].to_numpy(), abs=1e-9
    )


def distances_of_rsm(second, distances):
    """How far from the centre the points of `rsm::steepest` lie when asked for these distances."""
    identity = np.eye(len(second.b))
    top = np.linalg.eigvalsh(second.B)[-1]

    def radius(multiplier):
        return np.linalg.norm(np.linalg.solve(multiplier * identity - second.B, second.b) / 2)

    nearest = distances[distances > 0].min()
    assert radius(top + 5) < nearest  # else rsm would widen the interval
    reached = [
        radius(uniroot(lambda m, d=d: radius(m) - d, top + 0.001, top + 5)) if d > 0 else 0.0
        for d in distances
    ]
    return np.array(reached)


def uniroot(function, a, b):
    """Brent's root finder step by step as R's `uniroot` takes them (Brent 1973, chapter 4).

    scipy.optimize.brentq takes others, which at this tolerance end elsewhere.
    """
    tolerance = np.finfo(float).eps ** 0.25
    fa, fb = function(a), function(b)
    c, fc = a, fa
    while True:
        before = b - a
        if abs(fc) < abs(fb):  # b is the best so far, c on the other side of the root
            a, b, c, fa, fb, fc = b, c, b, fb, fc, fb
        close = 2 * np.finfo(float).eps * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= close or fb == 0:
            return b
        if abs(before) >= close and abs(fa) > abs(fb):
            if a == c:  # two points: the secant
                p, q = (c - b) * fb / fa, 1 - fb / fa
            else:  # three: the inverse parabola
                r, s, t = fa / fc, fb / fc, fb / fa
                p = t * ((c - b) * r * (r - s) - (b - a) * (s - 1))
                q = (r - 1) * (s - 1) * (t - 1)
            p, q = (p, -q) if p > 0 else (-p, q)
            if p < 0.75 * (c - b) * q - abs(close * q) / 2 and p < abs(before * q / 2):
                step = p / q
        if abs(step) < close:
            step = np.copysign(close, step)
        a, fa = b, fb
        b += step
        fb = function(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa


def test_without_a_slope_there_is_no_path_and_it_is_said():
    fit, _, chosen = made_fit(lambda a, b: a**2 + b**2, formula="a^2 + b^2")
    assert steepest_path.steepest(fit, chosen).empty
    assert "no slope at the centre" in steepest_path.notes(fit)[0].sentence


def test_a_factor_without_a_slope_stays_at_the_centre_of_the_path():
    fit, _, chosen = made_fit(lambda a, b: 2 * a + b**2, formula="a")
    path = steepest_path.steepest(fit, chosen, np.array([0.5, 1]))
    assert path["b_coded"].tolist() == [0, 0] and path["a_coded"].tolist() == [0.5, 1]


def test_steepest_of_a_first_order_model_is_the_gradient():
    fit, _, chosen = made_fit(lambda a, b: 3 * a - 4 * b, degree=1)
    path = steepest_path.steepest(fit, chosen, np.array([0, 1, 2]))
    assert path[["a_coded", "b_coded"]].to_numpy() == pytest.approx(
        np.array([[0, 0], [0.6, -0.8], [1.2, -1.6]]), abs=1e-9
    )
    assert list(path["inside"]) == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), factors=st.integers(1, 4))
@example(seed=117, factors=1)  # a slope of 4e-5 beside a curvature of 0.9
def test_no_point_at_the_same_distance_is_better_than_the_steepest_path(seed, factors):
    rng = np.random.default_rng(seed)
    b, matrix = rng.normal(size=factors), rng.normal(size=(factors, factors))
    matrix = (matrix + matrix.T) / 2
    distances = np.array([0.3, 1.0, 2.5])
    path = steepest_path.steepest_path(b, matrix, distances)
    assert np.linalg.norm(path, axis=1) == pytest.approx(distances, rel=1e-6)
    height = path @ b + np.einsum("ki,ij,kj->k", path, matrix, path)
    other = rng.normal(size=(500, factors))
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    for distance, best in zip(distances, height, strict=True):
        point = distance * other
        heights = point @ b + np.einsum("ki,ij,kj->k", point, matrix, point)
        assert heights.max() <= best + 1e-7


def test_steepest_path_without_slope_along_the_sharpest_rise_still_takes_it():
    path = steepest_path.steepest_path(np.array([0.1, 0.0]), np.diag([-1.0, 2.0]), np.array([1.0]))[
        0
    ]
    assert path[0] == pytest.approx(0.1 / 6)  # (mu - B)^-1 b / 2 at mu = 2
    assert abs(path[1]) == pytest.approx(np.sqrt(1 - path[0] ** 2))
