"""Metrics from sums over texts, and what each text weighs."""

import numpy as np
import pytest
from predicted import model, value
from sklearn import metrics as sklearn_metrics

from analysis.questions import metric_sums
from common.metrics import BY_NAME, SUMMED_METRICS


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_sums_are_scikit_learns(classes):
    p = model(classes=classes)
    probabilities = np.exp(p.log_probabilities)
    assert value(p, "accuracy") == sklearn_metrics.accuracy_score(p.labels, p.predicted)
    assert value(p, "loss") == pytest.approx(sklearn_metrics.log_loss(p.labels, probabilities))
    average = "binary" if classes == 2 else "macro"
    for metric, how in (("f1", average), ("f1_macro", "macro")):
        assert value(p, metric) == pytest.approx(
            sklearn_metrics.f1_score(p.labels, p.predicted, average=how)
        )


@pytest.mark.parametrize("metric", SUMMED_METRICS)
def test_influences_give_the_sampling_variance_of_the_bootstrap(metric):
    p = model(n=600)
    rng = np.random.default_rng(1)
    drawn = [value(p.take(rng.integers(0, 600, 600)), metric) for _ in range(1500)]
    each = metric_sums.influences(p, BY_NAME[metric])
    assert each.sum() == pytest.approx(0, abs=1e-6)
    assert np.sqrt(each @ each) / 600 == pytest.approx(np.std(drawn), rel=0.08)
