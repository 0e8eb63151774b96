"""Sentences generated from the tables, so that the report cannot say what the tables do not.

For each metric they ask in this order: does anything matter (all terms tested together), which
factor (its terms tested together, q over the factors), how much (the largest difference between
levels, with a simultaneous interval), which setting. Single coefficients conclude nothing.
"""

from __future__ import annotations

import pandas as pd

from analysis.findings.augmentation import about_augmentation
from analysis.findings.baseline import about_baseline, against_baseline
from analysis.findings.confounding import about_confounding
from analysis.findings.effects import about_effects
from analysis.findings.equivalence import about_equivalence
from analysis.findings.finding import COLUMNS, Finding, Tables
from analysis.findings.model_fit import about_model_fit
from analysis.findings.recommendation import about_recommendation
from analysis.findings.robustness import about_robustness
from analysis.findings.runs import about_runs
from analysis.findings.summary import about_summary
from analysis.findings.surface import about_surface
from analysis.findings.tradeoffs import about_conflicts, about_prices
from analysis.findings.variability import about_variability
from analysis.runs.settings import Settings
from analysis.runs.study import Study


def find(tables: Tables, study: Study, settings: Settings) -> pd.DataFrame:
    """All findings, in the report's order, with the columns of `Finding`."""
    found: list[Finding] = [*about_runs(study, settings)]
    found += about_recommendation(tables, settings)
    for metric in settings.metrics:
        found += about_summary(tables, study, settings, metric)
    found += about_model_fit(tables, settings)
    found += about_confounding(tables, study, settings)
    found += against_baseline(tables, settings)
    for metric in settings.metrics:
        found += about_baseline(tables, settings, metric)
    for metric in settings.metrics:
        found += about_effects(tables, study, settings, metric)
    for metric in settings.metrics:
        found += about_surface(tables, settings, metric)
    found += about_augmentation(tables, study, settings)
    found += about_equivalence(tables, settings)
    found += about_conflicts(tables, settings)
    found += about_prices(tables, settings)
    found += about_variability(tables, settings)
    found += about_robustness(tables, study, settings)
    return pd.DataFrame(found, columns=COLUMNS)
