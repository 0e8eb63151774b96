"""Two one-sided tests of the levels of a factor, and what is said of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from analysis.findings.equivalence import about_equivalence
from analysis.questions.equivalence import COLUMNS, equivalence
from analysis.runs.settings import Settings
from common.errors import UserError
from tests.simulation import margins


def settings_of(**margins):
    metrics = {name: {"better": "higher", "unit": "points"} for name in ("accuracy", "f1")}
    factors = {"synonyms": {}, "deletion": {}}
    return Settings.from_config(
        {"factors": factors, "analysis": {"metrics": metrics, "equivalence": margins}}
    )


def pair(difference, std_error, df=10.0, factor="synonyms", level=0.0, other=0.1, **more):
    row = {"metric": "accuracy", "factor": factor, "comparison": "average"}
    row |= {"level": level, "other_level": other, "difference": difference}
    return row | {"std_error": std_error, "df": df} | more


def test_a_pair_is_tested_as_statsmodels_does():
    draw = np.random.default_rng(3)
    one, other = draw.normal(0.80, 0.01, 8), draw.normal(0.802, 0.01, 8)
    std_error = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 8)
    table = pd.DataFrame([pair(other.mean() - one.mean(), std_error, 14.0)])
    found = equivalence(table, settings_of(accuracy=0.015))
    assert found["p_value"][0] == pytest.approx(ttost_ind(one, other, -0.015, 0.015)[0])


def test_the_pair_that_is_hardest_to_tell_decides_and_q_is_over_factors():
    table = pd.DataFrame(
        [
            pair(0.001, 0.002),
            pair(-0.004, 0.002, other=0.3),
            pair(0.0, 0.002, factor="deletion"),
            pair(0.05, 0.002, comparison="largest"),
            pair(0.05, 0.002, metric="f1"),
        ]
    )
    found = equivalence(table, settings_of(accuracy=0.01)).set_index("factor")
    p_values = stats.t.sf([3, 5], 10)
    assert found.loc["synonyms", "other_level"] == 0.3
    assert found["p_value"].to_numpy() == pytest.approx(p_values)
    assert found["q_value"].to_numpy() == pytest.approx([p_values[0], 2 * p_values[1]])
    assert found["equivalent"].all()
    assert not equivalence(table, settings_of(accuracy=0.004))["equivalent"][0]


def test_no_margin_or_nothing_compared_gives_an_empty_table():
    table = pd.DataFrame([pair(np.nan, 0.1), pair(0.1, 0.0)])
    for settings in (settings_of(), settings_of(accuracy=0.01)):
        found = equivalence(table, settings)
        assert list(found) == COLUMNS
        assert found.empty


def test_the_provable_margin_is_shown_four_times_in_five():
    """20,000 studies without any difference; 0.8 to within five standard errors and the rounding
    of the approximation, which takes the two tests for one.
    """
    df, std_error = 12.0, 0.01
    found = equivalence(pd.DataFrame([pair(0.0, std_error, df)]), settings_of(accuracy=0.02))
    margin = found["provable_margin"][0]
    draw = np.random.default_rng(1)
    differences = std_error * draw.normal(size=20_000)
    estimated = std_error * np.sqrt(draw.chisquare(df, 20_000) / df)
    shown = (margin - abs(differences)) / estimated > stats.t.isf(0.05, df)
    assert shown.mean() == pytest.approx(0.8, abs=0.03)


def test_findings_say_what_is_shown_and_what_could_be():
    settings = settings_of(accuracy=0.01)
    table = pd.DataFrame([pair(0.001, 0.002), pair(0.008, 0.01, factor="deletion")])
    shown, other = about_equivalence({"equivalence": equivalence(table, settings)}, settings)
    assert shown.significant
    assert shown.sentence.startswith(
        "Accuracy is the same at all levels of synonyms to within 1.0 points, on average over the "
        "settings that were run (largest difference 0.10 points, p < 0.001"
    )
    assert not other.significant
    assert other.sentence.startswith("It is not shown that accuracy is the same at all levels of ")
    assert "4 times in 5 for a margin of 3." in other.sentence


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({"accuracy": 0}, "analysis.equivalence.accuracy: 0 is not above 0"),
        ({"accuracy": 2}, "analysis.equivalence.accuracy: 2 is not below 1"),
        ({"loss": 0.1}, "analysis.equivalence.*not one of analysis.metrics"),
    ],
)
def test_margins_that_cannot_be_are_refused(margins, message):
    with pytest.raises(UserError, match=message):
        settings_of(**margins)


def test_a_factor_is_equivalent_below_alpha_and_its_provable_margin_is_phillips():
    table = pd.DataFrame([pair(0.001, 0.002), pair(0.001, 0.001, 8.0, factor="deletion")])
    settings = settings_of(accuracy=0.005)
    found = equivalence(table, settings).set_index("factor")
    q_value = found.loc["synonyms", "q_value"]
    for alpha, shown in ((q_value, False), (np.nextafter(q_value, 1), True)):
        again = equivalence(table, replace(settings, alpha=alpha)).set_index("factor")
        assert again.loc["synonyms", "equivalent"] == shown
    for factor, std_error, df in (("synonyms", 0.002, 10), ("deletion", 0.001, 8)):
        margin = std_error * (stats.t.isf(0.05 / 2, df) + stats.t.isf(0.1, df))
        assert found.loc[factor, "provable_margin"] == pytest.approx(margin)


def test_a_difference_as_large_as_the_margin_is_not_called_equivalent_and_none_is():
    shares = margins.simulate(replicates=3, studies=8)
    assert shares["as large as the margin, called equivalent"] <= 0.25
    assert shares["no difference, called equivalent"] >= 0.5
