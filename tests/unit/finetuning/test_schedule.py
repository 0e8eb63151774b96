from dataclasses import replace

import pytest

from common.hyperparameters import Hyperparameters
from finetuning.schedule import Patience, learning_rate_at


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


def test_cosine_falls_to_nothing_after_the_last_step():
    # half a cosine over four steps: (1 + cos(0, 45, 90, 135 degrees)) / 2
    half = [1.0, 0.853553390593, 0.5, 0.146446609407]
    assert rates(1, "cosine", 0.0) == pytest.approx([0.8 * h for h in half])
    assert rates(2, "cosine", 1.0) == pytest.approx([0.2, 0.4, 0.6, 0.8, *(0.8 * h for h in half)])


def test_a_reduction_multiplies_the_learning_rate():
    values = Hyperparameters(0.8, 8, 3, 0.0, 0.0, 0.0, 0, "reduce_on_plateau", plateau_factor=0.5)
    reduced = [learning_rate_at(7, 4, values, reductions) for reductions in (0, 1, 2)]
    assert reduced == pytest.approx([0.8, 0.4, 0.2])


def test_patience_counts_epochs_without_a_better_loss():
    patience = Patience()
    told = [patience.tell(loss) for loss in (0.9, 0.7, 0.7, 0.8, 0.6, 0.61)]
    assert told == [True, True, False, False, True, False]
    assert (patience.best, patience.waited) == (0.6, 1)


def test_only_early_stopping_and_plateaus_need_validation():
    base = Hyperparameters(0.8, 8, 3, 0.0, 0.0, 0.0, 0, "cosine")
    assert not base.validates
    assert replace(base, early_stopping=1).validates
    assert replace(base, schedule="reduce_on_plateau").validates
