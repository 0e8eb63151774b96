"""Every metric against scikit-learn's, and known cases."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from common.metrics import measure


@pytest.mark.parametrize("classes", [2, 3])
def test_metrics_agree_with_scikit_learn(classes):
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, 300)
    logits = (random.normal(size=(300, classes)) + 1.5 * np.eye(classes)[labels]).astype("f4")
    probabilities = np.exp(logits.astype(float))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = logits.argmax(axis=1)
    found = measure(logits, labels)
    macro = f1_score(labels, predicted, average="macro")
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert found["f1_macro"] == pytest.approx(macro)
    assert found["f1"] == pytest.approx(f1_score(labels, predicted) if classes == 2 else macro)
    assert found["loss"] == pytest.approx(log_loss(labels, probabilities))


def test_a_class_that_is_nowhere_does_not_lower_macro_f1():
    labels = np.array([0, 1, 0, 1])
    perfect = 5 * np.eye(3)[labels]
    assert measure(perfect, labels)["f1"] == measure(perfect, labels)["f1_macro"] == 1
    once = 5 * np.eye(3)[[0, 1, 2, 1]]
    expected = f1_score(labels, [0, 1, 2, 1], average="macro")
    assert measure(once, labels)["f1"] == pytest.approx(expected)
    one_class = 5 * np.eye(2)[[0, 0]]
    assert measure(one_class, np.array([0, 0]))["f1_macro"] == 1


def test_calibration_error_of_known_predictions():
    # ten predictions of confidence 0.85, six of them right
    logits = np.tile([0.0, np.log(0.85 / 0.15)], (10, 1))
    labels = np.array([1] * 6 + [0] * 4)
    assert measure(logits, labels)["ece"] == pytest.approx(0.25)
