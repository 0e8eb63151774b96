import pytest

from finetuning.hyperparameters import Hyperparameters, learning_rate_at


def rates(epochs, schedule, warmup, steps_per_epoch=4):
    values = Hyperparameters(
        learning_rate=0.8,
        batch_size=8,
        epochs=epochs,
        weight_decay=0.0,
        dropout=0.0,
        warmup=warmup,
        frozen_layers=0,
        schedule=schedule,
    )
    return [learning_rate_at(step, steps_per_epoch, values) for step in range(epochs * 4)]


def test_constant():
    assert rates(2, "constant", 0.0) == [0.8] * 8


def test_warm_up_rises_over_its_share_of_an_epoch():
    assert rates(2, "constant", 1.0) == pytest.approx([0.2, 0.4, 0.6, 0.8] + [0.8] * 4)
    assert rates(1, "constant", 0.5) == pytest.approx([0.4, 0.8, 0.8, 0.8])


def test_linear_falls_to_nothing_after_the_last_step():
    assert rates(1, "linear", 0.0) == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert rates(2, "linear", 1.0) == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.6, 0.4, 0.2])


def test_the_start_of_a_constant_run_does_not_depend_on_its_length():
    assert rates(3, "constant", 0.5)[:4] == rates(1, "constant", 0.5)
    assert rates(3, "linear", 0.5)[:4] != rates(1, "linear", 0.5)
