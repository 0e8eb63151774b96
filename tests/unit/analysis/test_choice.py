"""The largest model that runs can estimate, where the config asks for none."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from made import made_study

from analysis.fit import choice as module
from analysis.fit.choice import largest_model
from analysis.fit.coding import codings_over
from analysis.fit.model import Block, Model
from analysis.variables import Factor


def chosen(runs, names="ab", blocks=(), **scales):
    """Names of the terms, and of those left out with the reason."""
    table = pd.DataFrame(runs, columns=[*names, *blocks])
    factors = [Factor(name, scales.get(name, "linear")) for name in names]
    base = Model(
        codings_over(table, factors, "absolute", {}),
        (),
        tuple(Block(name, tuple(table[name].unique())) for name in blocks),
    )
    found = largest_model(base, factors, table)
    terms = [term.name for term in found.terms]
    return terms, {(each.term.name, each.reason) for each in found.left_out}


THREE = [*product((1, 2, 3), (1, 2, 3))]


def test_of_enough_runs_it_is_the_whole_second_order():
    assert chosen(THREE) == (["a", "b", "a:b", "a^2", "b^2"], set())
    kinds = [*product((1, 2, 3), "xyz")] * 2
    assert chosen(kinds, b="categorical") == (["a", "b", "a:b", "a^2"], set())


def test_two_levels_allow_no_square():
    terms, left_out = chosen([*product((1, 2, 3), (1, 3))] * 2)
    assert terms == ["a", "b", "a:b", "a^2"] and left_out == {("b^2", "levels")}


def test_what_is_a_combination_of_the_terms_before_is_left_out():
    cross = [(1, 2), (2, 1), (2, 2), (2, 3), (3, 2)] * 2
    terms, left_out = chosen(cross)
    assert terms == ["a", "b", "a^2", "b^2"] and left_out == {("a:b", "aliased")}


@pytest.mark.parametrize(
    ("runs", "terms", "left_out"),
    [
        # a run more than coefficients: those of all terms are 6, those without squares 4
        (7, ["a", "b", "a:b", "a^2", "b^2"], set()),
        (6, ["a", "b", "a:b"], {("a^2", "runs"), ("b^2", "runs")}),
        (5, ["a", "b", "a:b"], {("a^2", "runs"), ("b^2", "runs")}),
        (4, ["a", "b"], {("a:b", "runs"), ("a^2", "levels"), ("b^2", "runs")}),
    ],
)
def test_of_few_runs_products_stay_before_squares(runs, terms, left_out):
    spread = [(1, 1), (3, 3), (1, 3), (3, 1.5), (2, 2), (2, 1), (1, 2)]
    assert chosen(spread[:runs]) == (terms, left_out)


def test_squares_stay_where_there_are_more_products():
    """Of four factors six products take 11 coefficients, four squares 9."""
    runs = np.random.default_rng(2).integers(1, 4, (10, 4))
    terms, left_out = chosen(runs, "abcd")
    assert terms == ["a", "b", "c", "d", "a^2", "b^2", "c^2", "d^2"]
    assert {reason for _, reason in left_out} == {"runs"} and len(left_out) == 6


def test_a_block_takes_coefficients_too():
    runs = [(*run, at % 2) for at, run in enumerate(THREE[:7])]
    terms, left_out = chosen(runs, blocks=("site",))
    assert "a^2" not in terms and ("a^2", "runs") in left_out


def test_a_model_of_very_many_columns_is_asked_for_by_nobody(monkeypatch):
    monkeypatch.setattr(module, "MOST_COLUMNS", 6)
    assert len(chosen(THREE)[0]) == 5  # six columns with the intercept
    monkeypatch.setattr(module, "MOST_COLUMNS", 5)
    terms, left_out = chosen(THREE)
    assert terms == ["a", "b", "a:b"] and left_out == {("a^2", "runs"), ("b^2", "runs")}


def test_a_metric_that_its_model_explains_exactly_is_determined():
    study, _ = made_study(lambda a, b: a - 2 * b, replicates=1)
    assert study.determined == {"y"}
