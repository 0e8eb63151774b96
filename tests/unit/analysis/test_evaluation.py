"""The variance that comes from the choice of evaluation texts."""

import numpy as np
import pandas as pd
import pytest

from analysis.questions import evaluation
from analysis.runs.predictions import Predictions
from tests.simulation import texts


def test_what_replicates_share_is_not_taken_from_their_component():
    """Replicates evaluated on the same texts do not differ by them."""
    assert abs(texts.replicate_component("all", 5, studies=20)) < 0.02
    assert abs(texts.replicate_component("part", 5, studies=60)) < 0.25


def test_evaluation_variance_is_that_of_new_evaluation_sets():
    """Six runs, two a trajectory, right or wrong by example difficulty shared to known degrees:
    the estimates from one evaluation set are the covariances over many."""
    trajectory = np.array([0, 0, 1, 1, 2, 2])

    def correct(rng, n):
        latent = 1.0 * rng.normal(size=(1, n)) + 0.7 * rng.normal(size=(3, n))[trajectory]
        return latent + 0.5 * rng.normal(size=(6, n)) < 0.8

    rng = np.random.default_rng(0)
    n = 500
    covariance = np.cov(np.array([correct(rng, n).mean(axis=1) for _ in range(3000)]).T)
    names = [f"run{i}" for i in range(6)]
    right = correct(rng, 20_000)
    models = {
        name: Predictions(
            np.c_[~row, row].astype(np.float32), np.ones(20_000, int), np.arange(20_000)
        )
        for name, row in zip(names, right, strict=True)
    }
    runs = pd.DataFrame({"replicate": 0, "trajectory": trajectory, "predictions": names})
    found = evaluation.evaluation_variance(runs, models, "accuracy")
    scale = 20_000 / n
    same = covariance[[0, 2, 4], [1, 3, 5]].mean()
    shared = covariance[np.ix_([0, 1], [2, 3, 4, 5])].mean()
    assert (found.study + found.replicate) * scale == pytest.approx(shared, rel=0.1)
    assert found.trajectory * scale == pytest.approx(same - shared, rel=0.1)
    assert found.run * scale == pytest.approx(np.diag(covariance).mean() - same, rel=0.1)
    assert found.total * scale == pytest.approx(np.diag(covariance).mean(), rel=0.1)
    assert evaluation.evaluation_variance(runs, models, "ece") is None
