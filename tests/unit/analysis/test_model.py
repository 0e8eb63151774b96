"""The design matrix."""

import numpy as np
import pandas as pd
import pytest

from analysis.fit.coding import Coding
from analysis.fit.model import Block, Model
from analysis.runs.formula import Term
from analysis.variables import Factor


def test_a_model_matrix_has_the_average_replicate_where_none_is_given():
    epochs = Coding(Factor("epochs"), (1, 3), 2.0, 1.0)
    model = Model((epochs,), (Term((("epochs", 1),)),), (Block("replicate", (0, 1, 2)),))
    assert model.names == ("intercept", "replicate[1]", "replicate[2]", "epochs")
    points = pd.DataFrame({"epochs": [1, 3]})
    assert model.matrix(points) == pytest.approx(
        np.array([[1, 1 / 3, 1 / 3, -1], [1, 1 / 3, 1 / 3, 1]])
    )
    assert model.matrix(points, pd.DataFrame({"replicate": [0, 2]})).tolist() == [
        [1, 0, 0, -1],
        [1, 0, 1, 1],
    ]


def test_a_model_matrix_of_no_runs_has_its_columns():
    numeric, category = (
        Coding(Factor("a"), (1, 3), 2.0, 1.0),
        Coding(Factor("b", "categorical"), ("x", "y", "z")),
    )
    model = Model((numeric, category), (Term((("a", 1), ("b", 1))),))
    assert model.matrix(pd.DataFrame({"a": [], "b": []})).shape == (0, 3)


def test_columns_of_a_block_follow_the_intercept_and_the_blocks_before():
    blocks = (Block("site", ("u", "v", "w")), Block("year", (1, 2)), Block("replicate", (0, 1, 2)))
    epochs = Coding(Factor("epochs"), (1, 3), 2.0, 1.0)
    model = Model((epochs,), (Term((("epochs", 1),)),), blocks)
    found = {name: model.names[model.columns_of(name)] for name in ("site", "year", "replicate")}
    assert found == {
        "site": ("site[v]", "site[w]"),
        "year": ("year[2]",),
        "replicate": ("replicate[1]", "replicate[2]"),
    }
    assert model.names[model.columns_of("nothing")] == ()
    assert model.replicates == (0, 1, 2) and Model((epochs,), ()).replicates == ()
    points = pd.DataFrame({"epochs": [1, 3], "site": ["w", "u"], "year": [2, 1], "replicate": 2})
    assert model.matrix(points, points).tolist() == [
        [1, 0, 1, 1, 0, 1, -1],
        [1, 0, 0, 0, 0, 1, 1],
    ]


def test_products_of_powers_and_categories_have_a_column_each():
    numeric, category = (
        Coding(Factor("a"), (1, 3), 2.0, 0.5),
        Coding(Factor("b", "categorical"), ("x", "y", "z")),
    )
    model = Model((numeric, category), (Term((("a", 2), ("b", 1))),))
    found = model.matrix(pd.DataFrame({"a": [3, 3, 1], "b": [*"xyz"]}))
    assert found.tolist() == [[1, -4, -4], [1, 4, 0], [1, 0, 4]]


def test_a_factor_that_does_not_exist_is_zero_whatever_its_value():
    kind = Coding(Factor("kind", "categorical"), ("x", "y"))
    only = Coding(Factor("only", within=("kind", ("y",))), (1, 3), 2.0, 1.0)
    model = Model((kind, only), (Term((("only", 1),)),))
    points = pd.DataFrame({"kind": [*"xyy"], "only": [3, 3, 1]})
    assert model.matrix(points).tolist() == [[1, 0], [1, 1], [1, -1]]
