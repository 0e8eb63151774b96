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


def runs_of(texts, same=True):
    """Two runs of two trajectories for each replicate's texts, all right on the even texts, or the
    second run on the odd ones."""
    models, rows = {}, []
    for replicate, own in enumerate(texts):
        for number in range(2):
            even = (own % 2 == 0) == (same or number == 0)
            name = f"{replicate}/{number}"
            logits = np.c_[~even, even].astype(np.float32)
            models[name] = Predictions(logits, np.ones(len(own), int), own)
            rows.append({"replicate": replicate, "trajectory": name, "predictions": name})
    return pd.DataFrame(rows), models


@pytest.mark.parametrize("shared", [0, 50, 100])
def test_as_much_is_the_studys_as_replicates_share_texts(shared):
    texts = [np.arange(100), np.arange(100) + 100 - shared]
    found = evaluation.evaluation_variance(*runs_of(texts), "accuracy")
    alone = 0.25 / 100  # of a proportion of one half
    assert found.study == pytest.approx(alone * shared / 100)
    assert found.replicate == pytest.approx(alone - found.study)
    assert (found.trajectory, found.run) == pytest.approx((0, 0))
    assert found.total == pytest.approx(alone)
    divided = found.divided_by(4)
    assert (divided.study, divided.replicate) == (found.study / 4, found.replicate / 4)


def test_runs_that_err_on_other_texts_have_less_than_nothing_in_common():
    found = evaluation.evaluation_variance(*runs_of([np.arange(100)], same=False), "accuracy")
    assert found.study == 0 and found.replicate == pytest.approx(-0.25 / 100)
    # each trajectory has one run, so that what a run adds to its trajectory cannot be told apart
    assert found.trajectory == 0 and found.run == pytest.approx(2 * 0.25 / 100)


def test_replicates_whose_runs_have_other_texts_say_nothing():
    runs, models = runs_of([np.arange(100), np.arange(100)])
    models["1/1"] = models["1/1"].take(np.arange(99))
    found = evaluation.evaluation_variance(runs, models, "accuracy")
    assert found == evaluation.evaluation_variance(runs[:2], models, "accuracy")
    assert found.study == 0
    assert evaluation.evaluation_variance(runs[2:], models, "accuracy") is None
    assert evaluation.evaluation_variance(runs.drop(columns="predictions"), {}, "accuracy") is None


def test_runs_of_one_trajectory_share_nothing_beyond_it():
    runs, models = runs_of([np.arange(100)])
    found = evaluation.evaluation_variance(runs.assign(trajectory="one"), models, "accuracy")
    assert found.study == found.replicate == 0
    assert found.trajectory == pytest.approx(0.25 / 100)
    assert found.run == pytest.approx(0)
