"""Functional ANOVA against the brute-force decomposition over all cells of a factorial."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeRegressor

from analysis.questions import functional_anova
from analysis.questions.functional_anova import forest_shares, tree_shares

LEVELS = [np.array([-1.0, 0.0, 1.0]), np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 8.0])]
CELLS = np.array(list(product(*LEVELS)))


def by_brute_force(tree):
    table = tree.predict(CELLS).reshape([len(level) for level in LEVELS])
    total, mean = table.var(), table.mean()
    axes = range(table.ndim)
    single = [table.mean(axis=tuple(a for a in axes if a != i)).var() for i in axes]
    double = []
    for i, j in combinations(axes, 2):
        marginal = table.mean(axis=tuple(a for a in axes if a not in (i, j)))
        double.append(((marginal - mean) ** 2).mean() - single[i] - single[j])
    return np.array(single + double) / total


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), leaves=st.integers(2, 24))
def test_shares_of_a_tree_equal_the_decomposition_of_its_predictions(seed, leaves):
    response = np.random.default_rng(seed).normal(size=len(CELLS))
    tree = DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(CELLS, response)
    assert tree_shares(tree, LEVELS) == pytest.approx(by_brute_force(tree), abs=1e-9)


def test_a_constant_response_has_no_shares():
    weights = np.ones((3, len(CELLS)))
    assert not forest_shares(CELLS, np.ones(len(CELLS)), weights, seed=0).any()


def test_forest_finds_the_factor_and_the_pair_that_act():
    rng = np.random.default_rng(1)
    values = np.repeat(CELLS, 3, axis=0)
    response = values[:, 0] + 2 * values[:, 0] * (values[:, 2] - 6.5) / 1.5
    response = response + rng.normal(0, 0.05, len(values))
    weights = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=40)
    shares = forest_shares(values, response, weights, seed=0).mean(axis=0)
    # variance of x is 2/3, of x times a sign of size 2 four times that: 1/5 and 4/5
    assert shares[[0, 4]] == pytest.approx([0.2, 0.8], abs=0.05)
    assert shares[[1, 2, 3, 5]].max() < 0.05


def test_of_many_values_evenly_spread_ones_stand_for_a_factor(monkeypatch):
    many = np.arange(31.0)
    values = np.array(list(product(many, [0.0, 1.0])))
    # a tree that only splits off the smallest: 1 of 31 values, or of the 4 that stand for them
    response = np.where(values[:, 0] == 0, 1.0, 0.0) + values[:, 1]
    weights = np.ones((1, len(values)))
    for most, share in ((31, 1 / 31), (30, 1 / 30), (4, 1 / 4)):
        monkeypatch.setattr(functional_anova, "MOST_LEVELS", most)
        ((first, second, _),) = forest_shares(values, response, weights, seed=0)
        assert first / second == pytest.approx(share * (1 - share) / 0.25)
