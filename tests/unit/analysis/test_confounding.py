"""Factors that varied together, with correlations known by hand."""

import numpy as np
import pandas as pd
import pytest
import reference

from analysis.preparation import study_of
from analysis.questions import confounding as module
from analysis.questions.confounding import confounding


def confounded(table, **kinds):
    factors = {name: {"scale": kinds.get(name, "linear")} for name in table if name != "site"}
    analysis = {"metrics": {"loss": {"better": "lower"}}, "formula": " + ".join(factors)}
    analysis |= {"blocks": ["site"] if "site" in table else []}
    settings = reference.settings({"factors": factors, "analysis": analysis})
    table = pd.concat([table] * 4, ignore_index=True)
    loss = np.random.default_rng(0).normal(size=len(table))
    study = study_of(table.assign(loss=loss), settings)
    return confounding(study, study.settings).set_index(["first", "second"])


def test_two_numbers_have_pearsons_correlation_whatever_its_sign():
    table = pd.DataFrame({"a": [1.0, 2, 3, 4, 6], "b": [2.0, 1, -3, 0, -5], "c": [1.0, 1, 2, 0, 1]})
    found = confounded(table)["correlation"]
    expected = table.corr().abs()
    assert list(found.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    for first, second in found.index:
        assert found[first, second] == pytest.approx(expected.loc[first, second])


def test_a_number_and_a_category_or_block_have_the_correlation_ratio():
    """Of a with the means 1.5 and 4.5 of its kinds: 9 of a sum of squares of 10."""
    table = pd.DataFrame({"a": [1.0, 2, 4, 5], "kind": [*"xxyy"], "site": [*"uvvu"]})
    found = confounded(table, kind="categorical")["correlation"]
    assert found["a", "kind"] == pytest.approx(np.sqrt(0.9))
    assert found["a", "site"] == pytest.approx(0, abs=1e-7)
    assert found["kind", "site"] == pytest.approx(0, abs=1e-7)
    assert len(found) == 3


def test_two_categories_have_the_generalised_correlation_of_fox_and_monette():
    """Of each kind 4 runs are in its own place and 2 in either other one, so that both canonical
    correlations are (4 - 2) / 8."""
    counts = {(at, to): 4 if at == to else 2 for at in range(3) for to in range(3)}
    rows = [("xyz"[at], "uvw"[to]) for (at, to), count in counts.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["kind", "place"])
    found = confounded(table, kind="categorical", place="categorical")["correlation"]
    assert found.item() == pytest.approx(0.25)


def test_from_a_limit_on_factors_are_said_to_vary_together(monkeypatch):
    table = pd.DataFrame({"a": [1.0, 2, 3, 4, 6], "b": [2.0, 1, -3, 0, -5]})
    correlation = confounded(table)["correlation"].item()
    for limit, together in ((correlation, True), (np.nextafter(correlation, 1), False)):
        monkeypatch.setattr(module, "TOGETHER", limit)
        assert confounded(table)["together"].item() == together
