"""Every table of the analysis, in one list that says what it holds and how it is computed.

A new table is a question (a module of ``questions/``) and an entry of ``TABLES``; docs/tables.md
explains every column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import findings, words
from analysis.evidence import Evidence
from analysis.fit import estimators
from analysis.questions import (
    aliases,
    best,
    calibration,
    canonical,
    cells,
    comparisons,
    confounding,
    diagnostics,
    differences,
    effects,
    equivalence,
    importance,
    joint,
    optimum,
    power,
    stability,
    steepest_path,
    tradeoff,
    variance,
)
from analysis.questions.bounds import NOTHING, Bounded, beyond, bounded, in_own_units
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study
from common import files

Tables = dict[str, pd.DataFrame]

BEYOND_BOUNDS = (
    "The fitted surface goes beyond the values that the metric can have; such fitted values are "
    "left out, and intervals end at the metric's bounds."
)


@dataclass(frozen=True)
class Table:
    """caption: the sentence beneath it in the HTML report; compute: its rows from the evidence;
    bounded: which of its columns hold values of a metric; on_scale: whether these are computed on
    the scale of the fits."""

    name: str
    caption: str
    compute: Callable[[Evidence], pd.DataFrame]
    bounded: Bounded = NOTHING
    on_scale: bool = False


def _stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    tables = list(tables)
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables[:1], ignore_index=True) if tables else pd.DataFrame()


TABLES: tuple[Table, ...] = (
    # first what most figures show: they are drawn while the others are computed
    Table(
        "cells",
        "Mean of each metric in each cell and its difference to the baseline, with intervals.",
        lambda given: cells.cells(given.study, given.settings),
        Bounded((), (("mean_low", "mean_high"),), (), (("ci_low", "ci_high"),)),
    ),
    Table(
        "coefficients",
        "Every coefficient in both framings by the three estimators, with its interval, p-value "
        "and q-value.",
        lambda given: estimators.coefficients(given.fits, given.settings),
    ),
    Table(
        "joint",
        "Whether anything matters, and which factor, pair or block: tests of all their terms.",
        lambda given: joint.joint(given.joint_tests),
    ),
    Table(
        "influence",
        "Residual, leverage and Cook's distance of the runs in each fit.",
        lambda given: diagnostics.influence(given.study, given.settings, given.fits),
    ),
    Table(
        "effects",
        "The fitted mean along each factor, with intervals and simultaneous bands.",
        lambda given: _stacked(effects.effects(fit, given.settings) for fit in given.mixed),
        Bounded(("estimate",), (("ci_low", "ci_high"), ("band_low", "band_high"))),
        on_scale=True,
    ),
    Table(
        "interactions",
        "The fitted mean along each factor at levels of each other factor.",
        lambda given: _stacked(effects.interactions(fit, given.settings) for fit in given.mixed),
        Bounded(("estimate",), (("ci_low", "ci_high"),)),
        on_scale=True,
    ),
    Table(
        "surfaces",
        "The fitted mean over a grid of each pair of numeric factors.",
        lambda given: _stacked(effects.surfaces(fit) for fit in given.main.values()),
        Bounded(("estimate",)),
        on_scale=True,
    ),
    Table(
        "stationary",
        "Where each fitted surface is level, and whether that is a maximum, a minimum or a saddle.",
        lambda given: _stacked(canonical.stationary(fit) for fit in given.main.values()),
        Bounded(("predicted",)),
        on_scale=True,
    ),
    Table(
        "optimum",
        "The best fitted setting where the model knows something, with simultaneous intervals.",
        lambda given: _stacked(
            optimum.optimum(fit, given.study, given.settings) for fit in given.main.values()
        ),
        Bounded(("predicted",), (("ci_low", "ci_high"),)),
        on_scale=True,
    ),
    Table(
        "importance",
        "Share of the explained variation by factor and pair, by two methods.",
        lambda given: _stacked(
            importance.importance(fit, given.study, given.settings) for fit in given.main.values()
        ),
    ),
    Table(
        "differences",
        "How much each factor matters: the fitted means at its levels against each other.",
        lambda given: _stacked(
            differences.differences(fit, given.study, given.settings) for fit in given.main.values()
        ),
        Bounded(differences=("difference",), difference_intervals=(("ci_low", "ci_high"),)),
    ),
    Table(
        "confounding",
        "How closely the factors, and factors and blocks, varied together.",
        lambda given: confounding.confounding(given.study, given.settings),
    ),
    Table(
        "aliases",
        "What estimates also have in them of squares and products that the model is without.",
        lambda given: _stacked(
            aliases.aliases_of(fit, given.study, given.settings) for fit in given.main.values()
        ),
    ),
    Table(
        "anova",
        "Sequential sums of squares of each least-squares fit, with the test of lack of fit.",
        lambda given: diagnostics.anova(given.study, given.fits),
    ),
    Table(
        "diagnostics",
        "Checks of each least-squares fit, with a sentence on what they mean.",
        lambda given: diagnostics.diagnostics(given.study, given.settings, given.fits),
    ),
    Table(
        "stability",
        "Which factors matter without one run, trajectory or block, and in other analyses.",
        lambda given: stability.stability(given.fits, given.models[0], given.study, given.settings),
    ),
    Table(
        "models",
        "Polynomials of degree 1, 2 and 3 compared by AICc.",
        lambda given: given.models[0],
    ),
    Table(
        "eigenvalues",
        "Curvature and direction of the canonical axes of each fitted surface.",
        lambda given: _stacked(canonical.eigenvalues(fit) for fit in given.main.values()),
    ),
    Table(
        "steepest",
        "The path from the centre along which each metric gets better fastest.",
        lambda given: _stacked(
            steepest_path.steepest(fit, given.settings) for fit in given.main.values()
        ),
        Bounded(("predicted",)),
        on_scale=True,
    ),
    Table(
        "best",
        "Which settings could be the best in each metric, and which one is recommended.",
        lambda given: best.best(given.compared_with_best, given.recommendation),
    ),
    Table(
        "recommendation",
        "The recommended setting and what to expect of it in each metric.",
        lambda given: best.expected(given.recommendation, given.settings),
    ),
    Table(
        "pareto",
        "Cells and fitted points, and whether they are on the Pareto front.",
        lambda given: tradeoff.pareto(given.candidates, given.settings),
    ),
    Table(
        "conflicts",
        "For each term and pair of metrics, whether it helps one and hurts the other.",
        lambda given: tradeoff.conflicts(
            given.tables["coefficients"].query(
                "framing == 'absolute' and estimator == 'split_plot'"
            ),
            given.settings,
        ),
    ),
    Table(
        "desirability",
        "How desirable each cell and fitted point is over all metrics, best first.",
        lambda given: tradeoff.desirability(given.candidates, given.settings),
    ),
    Table(
        "prices",
        "What each metric gives up at the point that is best for another.",
        lambda given: tradeoff.prices(given.main, given.study, given.settings),
        Bounded(("value_there", "value_best"), (), ("price",), (("ci_low", "ci_high"),)),
    ),
    Table(
        "variance",
        "The variance of each metric by where it comes from.",
        lambda given: _stacked(
            variance.variance(fit, given.study, given.predictions, given.settings)
            for fit in given.main.values()
        ),
    ),
    Table(
        "comparisons",
        "Each cell against the baseline on the same evaluation texts: exact test and "
        "paired bootstrap interval, corrected over the cells.",
        lambda given: comparisons.comparisons(given.study.runs, given.predictions, given.settings),
    ),
    Table(
        "power",
        f"The smallest difference of each factor that this design would have found "
        f"{words.times(power.POWER)}, and the replicates that a given effect needs.",
        lambda given: _stacked(
            power.power(fit, given.tables["joint"], given.settings) for fit in given.main.values()
        ),
        Bounded(differences=("observed_difference",)),
    ),
    Table(
        "equivalence",
        "Whether a metric is the same at all levels of a factor, to within the margin asked for.",
        lambda given: equivalence.equivalence(given.tables["differences"], given.settings),
        Bounded(differences=("difference",)),
    ),
    Table(
        "reliability",
        "Confidence against accuracy in ten bins, for each cell and the baseline.",
        lambda given: calibration.reliability(given.study.runs, given.predictions, given.settings),
    ),
    Table(
        "notes",
        "What could not be estimated, or not as asked, and why.",
        lambda given: _merged(_notes(given)),
    ),
    Table(
        "findings",
        "The sentences of the report, made from the other tables.",
        lambda given: findings.find(given.tables, given.study, given.settings),
    ),
    Table(
        "captions",
        "What each of these tables holds.",
        lambda given: _captions(),
    ),
)


def _captions() -> pd.DataFrame:
    listed = sorted((table.name, table.caption) for table in TABLES)
    return pd.DataFrame(listed, columns=["table", "caption"])


def compute(
    study: Study, settings: Settings, after_each: Callable[[Tables], None] = lambda tables: None
) -> Tables:
    """All tables by name; each may read those before it in the list.

    after_each: called with those that are there, whenever there is another.
    """
    evidence = Evidence(study, settings)
    for table in TABLES:
        computed = table.compute(evidence)
        if table.on_scale:
            computed = in_own_units(computed, table.bounded, settings)
        possible = bounded(computed, table.bounded, settings)
        evidence.beyond_bounds |= set(beyond(computed, possible, table.bounded))
        evidence.tables[table.name] = possible
        after_each(evidence.tables)
    return evidence.tables


def _notes(given: Evidence) -> list[Note]:
    """What could not be told, or not as asked, in the order in which it came up."""
    notes = [*given.study.notes, *given.fit_notes, *given.models[1]]
    notes += joint.notes(given.joint_tests) + stability.notes(given.fits)
    notes += diagnostics.notes(given.fits)
    for metric, fit in given.main.items():
        notes += canonical.notes(fit) + steepest_path.notes(fit)
        notes += variance.notes(fit, given.study, given.predictions)
        if metric in given.beyond_bounds:
            notes.append(Note("bounds", BEYOND_BOUNDS, metric))
    return notes


def _merged(notes: Iterable[Note]) -> pd.DataFrame:
    """One row a topic and sentence; one that holds for several metrics names them all."""
    of_metrics: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        metrics = of_metrics.setdefault((note.topic, note.sentence), [])
        if note.metric and note.metric not in metrics:
            metrics.append(note.metric)
    rows = []
    for (topic, sentence), metrics in of_metrics.items():
        names = words.sentence_case(words.listed([words.name(metric) for metric in metrics]))
        rows.append((topic, f"{names}: {sentence}" if names else sentence))
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
