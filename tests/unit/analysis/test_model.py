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
