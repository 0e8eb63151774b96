"""Factors coded, and decoded."""

import numpy as np
import pytest
import reference

from analysis.fit.coding import Coding, codings, exist_together, levels_beside
from analysis.variables import Factor

FACTORS = reference.settings().factors


def test_the_absolute_framing_spans_the_design():
    study = reference.study()
    coded = codings(study.runs, reference.settings(), "absolute", {})
    assert coded[0].code([1e-5, 10**-4.5, 1e-4])[:, 0] == pytest.approx([-1, 0, 1], abs=1e-9)
    assert coded[1].code([8, 16, 32])[:, 0] == pytest.approx([-1, 0, 1])
    assert coded[1].middle == pytest.approx(16)


def test_the_relative_framing_is_zero_at_the_baseline():
    study = reference.study()
    coded = codings(study.runs, reference.settings(), "relative", study.baseline)
    assert coded[0].code([1e-5, 1e-4])[:, 0] == pytest.approx([0, 2])
    assert coded[1].code([8, 32])[:, 0] == pytest.approx([-2, 0])
    assert coded[2].code([1, 3])[:, 0] == pytest.approx([-2, 0])


def test_decoding_undoes_coding():
    for factor in FACTORS:
        coding = Coding(factor, (1, 2, 4), 0.3, 1.7)
        assert coding.decode(coding.code([1, 2, 4])[:, 0]) == pytest.approx([1, 2, 4])


def test_a_categorical_factor_has_sum_to_zero_contrasts():
    coding = Coding(Factor("schedule", "categorical"), ("constant", "cosine", "linear"))
    assert coding.columns == ("schedule[cosine]", "schedule[linear]")
    coded = coding.code(["constant", "cosine", "linear"])
    assert coded.tolist() == [[-1, -1], [1, 0], [0, 1]]
    assert coded.sum(axis=0).tolist() == [0, 0]


OPTIMIZER = Coding(Factor("optimizer", "categorical"), ("adam", "lion", "sgd"))
MOMENTUM = Coding(
    Factor("momentum", "linear", within=("optimizer", ("sgd",))), (0.5, 0.9), 0.7, 0.2
)
DECAY = Coding(
    Factor("decay", "linear", within=("optimizer", ("adam", "lion"))), (0.0, 1.0), 0.5, 0.5
)


def test_a_factor_that_does_not_exist_in_a_run_is_coded_0_and_no_other_is():
    assert MOMENTUM.code([0.5, np.nan, 0.9])[:, 0] == pytest.approx([-1, 0, 1])
    everywhere = Coding(Factor("momentum", "linear"), (0.5, 0.9), 0.7, 0.2)
    assert np.isnan(everywhere.code([0.5, np.nan])[:, 0]).tolist() == [False, True]


def test_factors_that_exist_beside_different_levels_do_not_exist_together():
    assert levels_beside(OPTIMIZER, []) == ("adam", "lion", "sgd")
    assert levels_beside(OPTIMIZER, [DECAY]) == ("adam", "lion")
    assert levels_beside(MOMENTUM, [DECAY]) == (0.5, 0.9)
    every = (OPTIMIZER, MOMENTUM, DECAY)
    assert exist_together(every, [OPTIMIZER, DECAY])
    assert not exist_together(every, [MOMENTUM, DECAY])


def test_the_middle_is_that_of_the_range_or_the_first_level():
    assert Coding(Factor("rate", "log10", range=(1e-5, 1e-3)), (1e-6, 1.0)).middle == 1e-4
    assert Coding(Factor("size"), (3, 1, 8)).middle == 4.5
    assert Coding(Factor("kind", "categorical"), ("x", "y")).middle == "x"
    assert Coding(Factor("size"), (3, 1, 8)).limits == (1, 8)
