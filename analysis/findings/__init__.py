"""Sentences generated from the tables, so that the report cannot say what the tables do not.

Conclusions are drawn from the split-plot estimator in the absolute framing; where it is missing,
from the next best, and that is said. A term is called significant only if its q-value is below
alpha and its interval excludes zero. What is not significant is 'no detectable effect', with the
size the design could have seen.
"""

from __future__ import annotations

import pandas as pd

from analysis.findings.baseline import about_baseline
from analysis.findings.effects import about_effects
from analysis.findings.finding import COLUMNS, Finding, Tables
from analysis.findings.robustness import about_robustness
from analysis.findings.runs import about_runs
from analysis.findings.surface import about_surface
from analysis.findings.tradeoffs import about_conflicts, about_prices
from analysis.findings.variability import about_variability
from analysis.runs.settings import Settings
from analysis.runs.study import Study


def find(tables: Tables, study: Study, settings: Settings) -> pd.DataFrame:
    """All findings, in the report's order: section, metric, kind, significant, sentence."""
    found: list[Finding] = [*about_runs(study, settings)]
    for metric in settings.metrics:
        found += about_baseline(tables, study, settings, metric)
    for metric in settings.metrics:
        found += about_effects(tables, study, settings, metric)
    for metric in settings.metrics:
        found += about_surface(tables, settings, metric)
    found += about_conflicts(tables, study, settings)
    found += about_prices(tables, settings)
    found += about_variability(tables, settings)
    found += about_robustness(tables, study, settings)
    return pd.DataFrame(found, columns=COLUMNS)
