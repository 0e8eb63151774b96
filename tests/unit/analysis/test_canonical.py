"""Stationary points against R's rsm and of surfaces whose shape is known."""

import numpy as np
import pandas as pd
import pytest
import reference
from made import SHAPES, made_fit, made_mixed

from analysis.fit.least_squares import ordinary_least_squares
from analysis.questions import canonical, effects, steepest_path


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


def steeper_in_y(a, kind):
    """A slope of 0.3 in a in kinds x and z, of 0.9 in y."""
    return a * (0.3 + 0.6 * (kind == "y")) + 2.0 * (kind == "z") - a**2


def test_categories_are_averaged_in_the_surface_of_the_numeric_factors():
    fit, _, chosen = made_mixed(steeper_in_y, noise=1e-6, formula="a + kind + a:kind + a^2")
    point = canonical.stationary(fit)
    assert list(point["factor"]) == ["a"]
    assert point["coded"].tolist() == pytest.approx([0.25], abs=1e-5)  # of the slope's mean, 0.5
    assert point["predicted"].tolist() == pytest.approx([2 / 3 + 0.0625], abs=1e-5)
    assert "kind without a second-order term" in canonical.notes(fit)[0].sentence
    assert canonical.eigenvalues(fit)["eigenvalue"].tolist() == pytest.approx([-1], abs=1e-5)
    path = steepest_path.steepest(fit, chosen, np.array([0, 0.2]))
    assert path["a_coded"].tolist() == pytest.approx([0, 0.2])
    assert path["predicted"].tolist() == pytest.approx([2 / 3, 2 / 3 + 0.06], abs=1e-5)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_whether_a_surface_has_a_centre_does_not_depend_on_the_metrics_unit(size):
    response, at = SHAPES["saddle"]
    point = canonical.stationary(made_fit(lambda a, b: size * response(a, b))[0])
    assert point["coded"].to_numpy() == pytest.approx(at, abs=1e-6)
    fit, _, _ = made_fit(lambda a, b: -size * (a + b) ** 2)
    assert canonical.stationary(fit).empty


def test_beyond_the_second_order_there_are_no_eigenvalues():
    fit, _, _ = made_fit(lambda a, b: a - a**2 + 0.5 * b, noise=0.1, degree=3)
    assert canonical.eigenvalues(fit).empty


def test_limits_of_the_region_are_inside_it():
    fit, _, _ = made_fit(lambda a, b: a - a**2 - b**2)
    codings = canonical.second_order(fit).codings
    points = np.array([[1, -1], [1 + 1e-6, 0], [0, -1 - 1e-6], [0.5, 0.5]])
    assert canonical.inside_region(codings, points).tolist() == [True, False, False, True]


def test_axes_point_to_where_their_largest_component_is_positive():
    matrix = np.array([[-1.0, 0.8, 0], [0.8, -1.0, 0.1], [0, 0.1, 2.0]])
    values, vectors = canonical.canonical_axes(matrix)
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)
    assert (vectors[np.abs(vectors).argmax(axis=0), range(3)] > 0).all()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((-1, -2), "maximum"),
        ((1, 2), "minimum"),
        ((1, -2), "saddle"),
        ((0, -1), "saddle"),  # a ridge that neither rises nor falls
        ((1, 0), "saddle"),
    ],
)
def test_the_signs_of_all_curvatures_tell_the_nature(values, kind):
    assert canonical.nature(np.array(values)) == kind


def test_a_surface_has_a_centre_from_a_share_of_its_curvature_on():
    b = np.array([2.0, 4.0])
    assert canonical.stationary_point(b, np.diag([1.0, -2.0])).tolist() == [-1, 1]
    assert canonical.stationary_point(b, np.diag([1.0, canonical.SINGULAR])) is None
    assert canonical.stationary_point(b, np.diag([1.0, 2 * canonical.SINGULAR])) is not None
    assert canonical.stationary_point(b, np.zeros((2, 2))) is None
    assert canonical.stationary_point(np.zeros(0), np.zeros((0, 0))) is None
