"""Which estimates also have in them what other terms do, because of which runs were made."""

from __future__ import annotations

import pandas as pd

from analysis.fit.aliases import aliases, further_terms
from analysis.fit.least_squares import Fit
from analysis.runs.settings import Settings
from analysis.runs.study import Study

COLUMNS = ["metric", "term", "alias", "share"]


def aliases_of(fit: Fit, study: Study, settings: Settings) -> pd.DataFrame:
    """One row a coefficient of the fit and a term that its model is without.

    None where nobody assigned the settings: then `confounding` tells what varied together.
    """
    found = []
    if not settings.observational:
        further = further_terms(settings.factors, fit.model.terms)
        found = aliases(fit.model, study.runs.loc[fit.rows], further)
    rows = [(fit.metric, each.column, each.alias, each.share) for each in found]
    return pd.DataFrame(rows, columns=COLUMNS)
