"""Confidence against how often it is right."""

import numpy as np
import pytest
from predicted import SETTINGS, model

from analysis.questions import calibration
from analysis.runs.predictions import Predictions
from common.metrics import calibration_bins, measure


def test_reliability_by_hand():
    """Confidences .6 (right), .6 (wrong), .9 (right), .9 (right)."""
    probability = np.array([[0.4, 0.6], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9]])
    p = Predictions(np.log(probability), np.array([1, 0, 1, 1]), np.arange(4))
    table = calibration.reliability_bins([p])
    assert table["confidence"].to_numpy() == pytest.approx([0.6, 0.9])
    assert table["accuracy"].tolist() == [0.5, 1.0] and table["count"].tolist() == [2, 2]
    assert table["expected_calibration_error"].to_numpy() == pytest.approx([0.1, 0.1])


def test_reliability_of_a_calibrated_model_is_near_the_diagonal():
    rng = np.random.default_rng(0)
    p_one = rng.uniform(size=50_000)
    labels = (rng.uniform(size=50_000) < p_one).astype(int)
    p = Predictions(np.log(np.c_[1 - p_one, p_one]), labels, np.arange(50_000))
    table = calibration.reliability_bins([p])
    assert (table["accuracy"] - table["confidence"]).abs().max() < 0.02
    assert set(table["bin"]) == {6, 7, 8, 9, 10}
    sure = Predictions(3 * p.logits, p.labels, p.examples)
    assert calibration.reliability_bins([sure])["expected_calibration_error"][0] > 0.1


def test_reliability_table_has_cells_and_the_baseline(predicted_study):
    runs, predictions, _ = predicted_study
    table = calibration.reliability(runs, predictions, SETTINGS)
    counts = table.groupby(["model", "rate"], dropna=False)["count"].sum()
    assert counts.loc["cell", 1] == 800 and len(counts) == 4
    assert counts.loc["baseline"].to_numpy() == [800]


def test_a_confidence_on_the_edge_is_in_the_lower_bin():
    confidence = np.array([0.5, np.nextafter(0.5, 1), 0.6, 0.05, 1.0])
    assert calibration_bins(confidence).tolist() == [5, 6, 6, 1, 10]


def test_metrics_and_the_reliability_table_have_the_same_calibration_error():
    p = model(classes=4)
    measured = measure(p.logits, p.labels)["ece"]
    assert (calibration.reliability_bins([p])["expected_calibration_error"] == measured).all()
