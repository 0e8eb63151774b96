"""Is a metric the same at all levels of a factor, to within a margin?

That nothing was found does not show that there is nothing. Two one-sided tests (Schuirmann 1987,
J. Pharmacokinet. Biopharm. 15, 657-680) show that a difference is smaller than a margin that the
config gives. All levels are equivalent if every pair of them is: an intersection-union test, whose
p-value is the largest of the pairs' and needs no correction (Berger 1982, Technometrics 24,
295-300). q-values control the false discovery rate over the factors of a metric.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from scipy import stats

from analysis.questions.power import POWER
from analysis.runs.settings import Settings

COLUMNS = [
    *("metric", "factor", "margin", "level", "other_level", "difference", "std_error", "df"),
    *("p_value", "q_value", "equivalent", "provable_margin"),
]


def equivalence(differences: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """One row a factor of each metric with a margin (``analysis.equivalence``).

    differences: the table of that name; those on average over the settings that were run are
    compared. level, other_level and difference are the pair that decides. equivalent: q < alpha.
    provable_margin: the margin for which another study of this design would find the levels
    equivalent with probability POWER if there were no difference at all (after Phillips 1990,
    J. Pharmacokinet. Biopharm. 18, 137-144, by the pair with the largest standard error, with
    alpha / factors for q).
    """
    tables = [
        pd.DataFrame(list(_of_metric(differences, metric, margin, settings)), columns=COLUMNS)
        for metric, margin in settings.equivalence.items()
    ]
    for table in tables:
        if len(table):
            table["q_value"] = stats.false_discovery_control(table["p_value"].to_numpy(float))
            table["equivalent"] = table["q_value"] < settings.alpha
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _of_metric(
    differences: pd.DataFrame, metric: str, margin: float, settings: Settings
) -> Iterator[dict[str, Any]]:
    rows = differences[
        (differences["metric"] == metric)
        & (differences["comparison"] == "average")
        & differences["difference"].notna()
        & (differences["std_error"] > 0)
    ]
    factors = rows["factor"].nunique()
    for factor, pairs in rows.groupby("factor", sort=False):
        room = (margin - pairs["difference"].abs()) / pairs["std_error"]
        p_values = pd.Series(stats.t.sf(room, pairs["df"]), pairs.index)
        decides = pairs.loc[p_values.idxmax()]
        widest = pairs.loc[pairs["std_error"].idxmax()]
        quantiles = stats.t.isf([settings.alpha / factors, (1 - POWER) / 2], widest["df"])
        yield {
            "metric": metric,
            "factor": factor,
            "margin": margin,
            **decides[["level", "other_level", "difference", "std_error", "df"]],
            "p_value": p_values.max(),
            "provable_margin": widest["std_error"] * quantiles.sum(),
        }
