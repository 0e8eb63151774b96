"""What an estimate also has in it, by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.fit import aliases as module
from analysis.fit.aliases import Alias, aliases, further_terms
from analysis.fit.coding import Coding
from analysis.fit.model import Block, Model
from analysis.runs.formula import Term
from analysis.variables import Factor

A, B, KIND = Factor("a"), Factor("b"), Factor("kind", "categorical")
MAIN = tuple(Term(((name, 1),)) for name in ("a", "b"))


def test_further_terms_are_products_of_two_and_three_and_squares_of_numbers():
    found = further_terms((A, B, KIND), MAIN)
    assert [term.name for term in found] == [*("a:b", "a:kind", "b:kind", "a:b:kind", "a^2", "b^2")]
    squared = Term((("a", 2),))
    assert squared not in further_terms((A, B), (*MAIN, squared))


def test_shares_of_further_terms_are_told_from_the_least_on(monkeypatch):
    """b is 0 or 1, so that b² is b itself and a times b half of a; a² is in the intercept alone."""
    runs = pd.DataFrame({"a": [-1.0, 1, -1, 1], "b": [0.0, 0, 1, 1], "site": [*"xyxy"]})
    runs = pd.concat([runs, runs.assign(site=[*"yxyx"])], ignore_index=True)
    codings = tuple(Coding(factor, (-1.0, 0.0, 1.0), 0.0, 1.0) for factor in (A, B))
    model = Model(codings, MAIN, (Block("site", ("x", "y")),))
    further = further_terms((A, B), MAIN)
    found = aliases(model, runs, further)
    assert [(each.column, each.alias) for each in found] == [("a", "a:b"), ("b", "b^2")]
    assert [each.share for each in found] == pytest.approx([0.5, 1])
    monkeypatch.setattr(module, "LEAST", found[0].share)
    assert aliases(model, runs, further) == found
    monkeypatch.setattr(module, "LEAST", np.nextafter(found[0].share, 1))
    assert aliases(model, runs, further) == found[1:]
    negative = aliases(model, runs.assign(b=-runs["b"]), further)
    assert negative[-1] == Alias("b", "b^2", pytest.approx(-1))
