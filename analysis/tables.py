"""Every table of the analysis: computed in one list, written and read as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis import findings, words
from analysis.fit import estimators
from analysis.fit.resampling import bootstrap_all
from analysis.questions import (
    best,
    calibration,
    canonical,
    cells,
    comparisons,
    diagnostics,
    effects,
    importance,
    joint,
    optimum,
    power,
    robustness,
    steepest_path,
    tradeoff,
    variance,
)
from analysis.runs.predictions import read_predictions
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common import files

Tables = dict[str, pd.DataFrame]

# A sentence a table, as the HTML report shows it beneath; docs/tables.md explains every column.
CAPTIONS = {
    "anova": "Sequential sums of squares of each least-squares fit, with the test of lack of fit.",
    "best": "Which settings could be the best in each metric, and which one is recommended.",
    "captions": "What each of these tables holds.",
    "cells": "Mean of each metric in each cell and its difference to the baseline, with intervals.",
    "coefficients": "Every coefficient in both framings by the three estimators, with its "
    "interval, p-value and q-value.",
    "comparisons": "Each cell against the baseline on the same evaluation texts: exact McNemar "
    "test and paired bootstrap interval, corrected over the cells.",
    "conclusions": "What is concluded of each term under every variant of the analysis.",
    "conflicts": "For each term and pair of metrics, whether it helps one and hurts the other.",
    "desirability": "How desirable each cell and fitted point is over all metrics, best first.",
    "diagnostics": "Checks of each least-squares fit, with a sentence on what they mean.",
    "effects": "The fitted mean along each factor, with intervals and simultaneous bands.",
    "eigenvalues": "Curvature and direction of the canonical axes of each fitted surface.",
    "findings": "The sentences of the report, made from the other tables.",
    "importance": "Share of the explained variation by factor and pair, by two methods.",
    "influence": "Residual, leverage and Cook's distance of the runs in each fit.",
    "interactions": "The fitted mean along each factor at levels of each other factor.",
    "joint": "Whether anything matters, and which factor, pair or block: tests of all their terms.",
    "models": "Polynomials of degree 1, 2 and 3 compared by AICc.",
    "notes": "What could not be estimated, or not as asked, and why.",
    "optimum": "The best fitted point inside the studied region, with bootstrap intervals.",
    "pareto": "Cells and fitted points, and whether they are on the Pareto front.",
    "power": "The smallest effect of each term that this design would have found 4 times in 5, "
    "and the replicates that a given effect needs.",
    "prices": "What each metric gives up at the point that is best for another.",
    "reliability": "Confidence against accuracy in ten bins, for each cell and the baseline.",
    "stationary": "Where each fitted surface is level, and whether that is a maximum, a minimum "
    "or a saddle.",
    "steepest": "The path from the centre along which each metric gets better fastest.",
    "surfaces": "The fitted mean over a grid of each pair of numeric factors.",
    "variance": "The variance of each metric by where it comes from.",
}


def compute(study: Study, settings: Settings) -> Tables:
    """All tables by name. The regressions are fitted once and handed to what needs them."""
    fits, fit_notes = estimators.fit_all(study, settings)
    coefficients = estimators.coefficients(fits, settings)
    joint_tests = joint.joint_tests(fits)
    conclusions, conclusion_notes = robustness.conclusions(study, settings, fits)
    models, model_notes = robustness.models(study, settings)

    # conclusions are drawn from the split-plot fits; those of the metric itself are the main ones
    mixed = [fit for (_, _, estimator), fit in fits.items() if estimator == "split_plot"]
    main = {fit.metric: fit for fit in mixed if fit.framing == "absolute"}
    resampled = bootstrap_all(main, study, settings)
    stored = read_predictions(study.runs, study.folder)
    points = tradeoff.candidates(main, study, settings)

    compared = best.comparisons_with_best(main, study, settings)
    recommended = best.recommendation(compared, main, study, settings)

    notes = [*study.notes, *fit_notes, *conclusion_notes, *model_notes]
    notes += joint.notes(joint_tests)
    notes += diagnostics.notes(fits)
    for metric, fit in main.items():
        notes += canonical.notes(fit) + steepest_path.notes(fit)
        notes += variance.notes(fit, study, stored)
        notes += resampled[metric].notes

    tables = {
        "coefficients": coefficients,
        "joint": joint.joint(joint_tests),
        "anova": diagnostics.anova(study, fits),
        "diagnostics": diagnostics.diagnostics(study, settings, fits),
        "influence": diagnostics.influence(study, settings, fits),
        "conclusions": conclusions,
        "models": models,
        "effects": _stacked(effects.effects(fit, settings) for fit in mixed),
        "interactions": _stacked(effects.interactions(fit, settings) for fit in mixed),
        "surfaces": _stacked(effects.surfaces(fit) for fit in main.values()),
        "stationary": _stacked(canonical.stationary(fit) for fit in main.values()),
        "eigenvalues": _stacked(canonical.eigenvalues(fit) for fit in main.values()),
        "steepest": _stacked(steepest_path.steepest(fit, settings) for fit in main.values()),
        "optimum": _stacked(
            optimum.optimum(fit, resampled[metric], settings) for metric, fit in main.items()
        ),
        "best": best.best(compared, recommended),
        "cells": cells.cells(study, settings),
        "pareto": tradeoff.pareto(points, settings),
        "conflicts": tradeoff.conflicts(
            coefficients.query("framing == 'absolute' and estimator == 'split_plot'"), settings
        ),
        "desirability": tradeoff.desirability(points, settings),
        "prices": tradeoff.prices(main, resampled, settings),
        "variance": _stacked(
            variance.variance(fit, study, stored, settings) for fit in main.values()
        ),
        "importance": _stacked(
            importance.importance(fit, resampled[metric], study, settings)
            for metric, fit in main.items()
        ),
        "comparisons": comparisons.comparisons(study.runs, stored, settings),
        "power": _stacked(power.power(fit, settings) for fit in main.values()),
        "reliability": calibration.reliability(study.runs, stored, settings),
        "notes": _notes(notes, settings),
    }
    tables["findings"] = findings.find(tables, study, settings)
    tables["captions"] = pd.DataFrame(CAPTIONS.items(), columns=["table", "caption"])
    return tables


def _stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    tables = list(tables)
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables[:1], ignore_index=True) if tables else pd.DataFrame()


def _notes(notes: list[tuple[str, str]], settings: Settings) -> pd.DataFrame:
    """Notes that say the same of several metrics ("loss: …") become one."""
    of_metrics: dict[tuple[str, str], list[str]] = {}
    for topic, sentence in notes:
        metric, _, rest = sentence.partition(": ")
        if metric not in settings.metric_names:
            metric, rest = "", sentence
        metrics = of_metrics.setdefault((topic, rest), [])
        if metric not in metrics:
            metrics.append(metric)
    rows = []
    for (topic, rest), metrics in of_metrics.items():
        names = words.sentence_case(words.listed([words.name(metric) for metric in metrics]))
        rows.append((topic, f"{names}: {rest}" if names else rest))
    return pd.DataFrame(rows, columns=["topic", "sentence"])


def write(tables: Tables, folder: str | Path) -> None:
    """One CSV a table. A file appears whole or not at all; equal tables give equal bytes."""
    for name, table in tables.items():
        with files.replacing(Path(folder) / f"{name}.csv") as unfinished:
            table.to_csv(unfinished, index=False, lineterminator="\n")


def read_tables(folder: str | Path) -> Tables:
    """The tables that ``write`` wrote, by name; one with nothing to tell has no columns."""
    tables = {}
    for path in sorted(Path(folder).glob("*.csv")):
        try:
            tables[path.stem] = pd.read_csv(path, keep_default_na=False, na_values=[""])
        except pd.errors.EmptyDataError:
            tables[path.stem] = pd.DataFrame()
    return tables
