"""Trajectories on which estimates rest alone."""

import numpy as np
import pytest

from analysis.fit.estimable import triangle_of
from analysis.fit.leverage import sole_sources


def sources(design, clusters):
    design = np.array(design, dtype=float)
    return sole_sources(design, np.linalg.inv(triangle_of(design)), np.array(clusters))


EVEN = [[1, -1, 0], [1, 1, 0], [1, -1, 0], [1, 1, 0]]


def test_a_column_that_one_trajectory_alone_has_is_its():
    (source,) = sources([*EVEN, [1, 0, 2], [1, 0, 2]], [0, 1, 2, 3, 4, 4])
    assert source.cluster == 4
    assert source.touched.tolist() == [False, False, True]
    assert source.weights.shape == (3, 1)
    # a direction of length 1 of the scaled column, that is 0 in all other runs
    assert np.abs(source.weights[:, 0]) == pytest.approx([0, 0, 1])


def test_a_direction_may_be_of_several_coefficients():
    """The last run alone tells the sum of slope and curve: neither can be had without it."""
    design = [[1, 0, 0], [1, 1, 1], [1, 0, 0], [1, 1, 1], [1, 2, 4]]
    (source,) = sources(design, range(5))
    assert source.cluster == 4 and source.touched.tolist() == [False, True, True]
    slope, curve = source.weights[1:, 0] / np.linalg.norm(design, axis=0)[1:]
    assert slope == pytest.approx(-curve)  # x² - x is 0 in all runs but the last


def test_what_another_trajectory_knows_a_little_of_rests_on_none():
    assert sources([*EVEN, [1, 0, 2], [1, 0, 0.01]], range(6)) == ()
    assert [each.cluster for each in sources([*EVEN, [1, 0, 2], [1, 0, 1e-5]], range(6))] == [4]


def test_a_trajectory_may_know_two_directions():
    design = [[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]]
    (source,) = sources(design, [0, 1, 2, 2, 2])
    assert source.cluster == 2 and source.weights.shape == (3, 2)
    assert source.touched.tolist() == [False, True, True]
