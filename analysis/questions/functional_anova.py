"""Functional ANOVA of a regression forest: how much of what it predicts each factor explains.

Follows Hutter, Hoos & Leyton-Brown (2014), "An efficient approach for assessing hyperparameter
importance". Implementations exist, but `fanova` needs a C++ extension last released in 2020 and
Optuna's brings a database layer and gives no pairs; on scikit-learn's trees it is short. One
departure: the marginals are taken over the levels of the design, each counted equally, and not
over a continuous box; for a factorial design these are its cells.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import sklearn
from sklearn.tree import DecisionTreeRegressor

# A factor with more distinct values than this is represented by so many evenly spread ones.
MOST_LEVELS = 20


def tree_shares(tree: DecisionTreeRegressor, levels: list[np.ndarray]) -> np.ndarray:
    """Share of one tree's variance that is due to each factor and to each pair.

    tree: fitted on one column a factor. levels: per factor, the values it takes.
    Returns (factors + pairs,): factors in order, then pairs in `itertools.combinations` order.
    Shares sum to at most 1, the rest belongs to three factors or more; all 0 for a constant tree.
    """
    inside, values = _leaves(tree, levels)
    fractions = np.array([member.mean(axis=1) for member in inside])  # (factors, leaves)
    volume = fractions.prod(axis=0)
    mean = values @ volume
    total = values**2 @ volume - mean**2
    pairs = list(combinations(range(len(levels)), 2))
    if total <= 1e-12 * max(mean**2, 1e-300):
        return np.zeros(len(levels) + len(pairs))

    def marginal_weights(*factors: int) -> np.ndarray:
        rest = np.delete(fractions, factors, axis=0).prod(axis=0)
        return (values - mean) * rest

    single = [np.mean((marginal_weights(i) @ inside[i]) ** 2) for i in range(len(levels))]
    double = []
    for i, j in pairs:
        marginal = (inside[i].T * marginal_weights(i, j)) @ inside[j]
        double.append(np.mean(marginal**2) - single[i] - single[j])
    return np.clip(np.r_[single, double] / total, 0, None)


def _leaves(
    tree: DecisionTreeRegressor, levels: list[np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Per factor which levels lie in each leaf, (leaves, levels), and the leaves' values."""
    nodes = tree.tree_
    sizes = [len(level) for level in levels]
    ends = np.cumsum(sizes)
    of_factor = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    values, threshold = np.concatenate(levels), nodes.threshold[:, None]
    elsewhere = np.repeat(np.arange(len(levels)), sizes) != nodes.feature[:, None]
    below, above = elsewhere | (values <= threshold), elsewhere | (values > threshold)
    inside = np.ones((nodes.node_count, ends[-1]), dtype=bool)
    generation = np.zeros(1, dtype=int)  # the root, then its children, then theirs
    while len(generation):
        parents = generation[nodes.children_left[generation] >= 0]
        left, right = nodes.children_left[parents], nodes.children_right[parents]
        inside[left] = inside[parents] & below[parents]
        inside[right] = inside[parents] & above[parents]
        generation = np.concatenate([left, right])
    leaves = nodes.children_left < 0
    parts = [inside[leaves, columns].astype(float) for columns in of_factor]
    return parts, nodes.value[leaves, 0, 0]


def forest_shares(
    values: np.ndarray, response: np.ndarray, row_weights: np.ndarray, seed: int
) -> np.ndarray:
    """`tree_shares` of one tree per resample, (trees, factors + pairs).

    values: (rows, factors) numbers, categories as codes; response: (rows,);
    row_weights: (trees, rows), how often each resample drew each row.
    """
    levels = []
    for column in values.T:
        distinct = np.unique(column)
        if len(distinct) > MOST_LEVELS:
            spread = np.linspace(0, 1, MOST_LEVELS)
            distinct = np.quantile(distinct, spread, method="nearest")
        levels.append(distinct)

    # Runs of one cell cannot be split from each other: a tree on weighted cell means is the
    # same tree, sooner.
    cells, cell = np.unique(values, axis=0, return_inverse=True)
    indicator = np.zeros((len(values), len(cells)))
    indicator[np.arange(len(values)), cell] = 1
    weights, sums = row_weights @ indicator, (row_weights * response) @ indicator
    means = sums / np.maximum(weights, 1)

    shares = []
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for number, (weight, mean) in enumerate(zip(weights, means, strict=True)):
            drawn = weight > 0
            tree = DecisionTreeRegressor(random_state=seed + number)
            tree.fit(cells[drawn], mean[drawn], sample_weight=weight[drawn])
            shares.append(tree_shares(tree, levels))
    return np.array(shares)
