"""Whether the regression can be believed: fit, residuals, influence, analysis of variance.

All of it is by ordinary least squares, whose theory these measures belong to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.diagnostic import het_breuschpagan

from analysis import words
from analysis.fit.estimable import triangle_of
from analysis.fit.estimators import Fits
from analysis.fit.least_squares import Array, Fit, lack_of_fit
from analysis.fit.terms import columns_of
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study

# Shapiro and Wilk's p-value is calibrated up to here (Royston 1995); beyond, another test.
SHAPIRO_WILK_MOST = 5000
# As many points as a residual plot can show; more would make a table and figures of 100 MB.
INFLUENCE_MOST = 5000
# A model that explains so much more of these runs than it would of new ones follows these too
# closely.
FAR_MORE = 0.2
WELL_CONDITIONED = 30  # below (Belsley, Kuh & Welsch 1980)


@dataclass(frozen=True)
class Leverage:
    """What each run does to its own fit; all (n,)."""

    leverage: Array
    standardised_residual: Array  # internally studentised
    cooks_distance: Array
    prediction_error: Array  # residual of the fit without that run; nan where leverage is 1


def leverage(fit: Fit) -> Leverage:
    """Leverage, studentised residuals, Cook's distance (Cook 1977) and leave-one-out residuals."""
    diagonal = ((fit.design @ fit.inverse_root) ** 2).sum(axis=1)
    left = np.where(diagonal < 1 - 1e-10, 1 - diagonal, np.nan)
    standardised = fit.residuals / np.sqrt(fit.residual_variance * left)
    return Leverage(
        leverage=diagonal,
        standardised_residual=standardised,
        cooks_distance=standardised**2 * diagonal / left / fit.design.shape[1],
        prediction_error=fit.residuals / left,
    )


def influence(study: Study, settings: Settings, fits: Fits) -> pd.DataFrame:
    """One row a run and ordinary fit, with the runs named.

    Of a large table INFLUENCE_MOST runs a fit, evenly spaced by Cook's distance from the most to
    the least influential, and every run that counts as influential.
    """
    columns = [*settings.factor_names, "replicate"]
    tables = []
    for fit in _ordinary(fits):
        own = leverage(fit)
        table = study.runs.loc[fit.rows, columns].assign(
            fitted=fit.fitted,
            residual=fit.residuals,
            standardised_residual=own.standardised_residual,
            leverage=own.leverage,
            cooks_distance=own.cooks_distance,
            influential=own.cooks_distance > influential_from(fit),
        )
        if len(table) > INFLUENCE_MOST:
            order = np.argsort(-table["cooks_distance"].to_numpy(), kind="stable")
            shown = table["influential"].to_numpy().copy()
            shown[order[np.linspace(0, len(order) - 1, INFLUENCE_MOST).astype(int)]] = True
            table = table[shown]
        table.insert(0, "metric", fit.metric)
        table.insert(1, "framing", fit.framing)
        table.insert(2, "run", _names(table, settings))
        tables.append(table)
    return pd.concat(tables) if tables else pd.DataFrame()


def notes(fits: Fits) -> list[Note]:
    """What ``influence`` leaves out."""
    most = max((len(fit.rows) for fit in _ordinary(fits)), default=0)
    if most <= INFLUENCE_MOST:
        return []
    return [
        Note(
            "influence",
            f"Of up to {most:,} runs a regression the table and the residual figures show "
            f"{INFLUENCE_MOST:,}, evenly spaced from the most to the least influential.",
        )
    ]


def influential_from(fit: Fit) -> float:
    """Cook's own bar: leaving the run out moves the estimates out of their 50 % region."""
    count, columns = fit.design.shape
    return float(stats.f.median(columns, count - columns))


def analysis_of_variance(fit: Fit, runs: pd.DataFrame) -> pd.DataFrame:
    """Sequential sums of squares by kind of term, as ``rsm`` for R prints them.

    Each kind is tested against the residual, lack of fit against pure error.
    """
    kind_of = {term.name: term.kind for term in fit.model.terms}
    kinds = [
        "intercept",
        *(block.name for block in fit.model.blocking for _ in block.columns),
        *(kind_of[term] for _, term in fit.model.columns),
    ]
    blocks = [block.name for block in fit.model.blocking]
    order = ["intercept", *blocks, "FO", "TWI", "PQ", "higher"]
    sequence = sorted(range(len(kinds)), key=lambda column: order.index(kinds[column]))
    triangle = triangle_of(np.column_stack([fit.design[:, sequence], fit.response]))
    explained = pd.Series(triangle[:-1, -1] ** 2, [kinds[at] for at in sequence])
    rows = [
        (kind, len(explained.loc[[kind]]), explained.loc[[kind]].sum())
        for kind in order[1:]
        if kind in explained
    ]
    test = lack_of_fit(fit, runs)
    residual_df = int(fit.residual_df)
    rows += [
        ("residual", residual_df, residual_df * fit.residual_variance),
        ("lack_of_fit", test.df, test.sum_of_squares),
        ("pure_error", test.pure_error_df, test.pure_error),
    ]
    table = pd.DataFrame(rows, columns=["source", "df", "sum_of_squares"])
    table["mean_square"] = table["sum_of_squares"] / table["df"].where(table["df"] > 0)
    tested = ~table["source"].isin(["residual", "lack_of_fit", "pure_error"])
    table["f_statistic"] = (table["mean_square"] / fit.residual_variance).where(tested)
    table["p_value"] = stats.f.sf(table["f_statistic"], table["df"], residual_df)
    own = table["source"] == "lack_of_fit"
    table.loc[own, "f_statistic"] = test.f_statistic
    table.loc[own, "p_value"] = test.p_value
    table.insert(0, "metric", fit.metric)
    table.insert(1, "framing", fit.framing)
    return table


def anova(study: Study, fits: Fits) -> pd.DataFrame:
    """The analysis of variance of every ordinary fit."""
    tables = [analysis_of_variance(fit, study.runs) for fit in _ordinary(fits)]
    return pd.concat(tables) if tables else pd.DataFrame()


def diagnostics(study: Study, settings: Settings, fits: Fits) -> pd.DataFrame:
    """One row a diagnostic of every ordinary fit, with a plain sentence on what it means."""
    rows = []
    for fit in _ordinary(fits):
        own = leverage(fit)
        most = study.runs.loc[fit.rows[[np.argmax(np.nan_to_num(own.cooks_distance))]]]
        found = [
            *_explained(fit, own),
            _lack_of_fit(fit, study, settings.alpha),
            *_residuals(fit, settings.alpha),
            _influence(fit, own, _names(most, settings)[0]),
            *_design(fit),
        ]
        mixed = fits.get((fit.metric, fit.framing, "split_plot"))
        if mixed is not None:
            found += _within_blocks(mixed)
            if mixed.parameter_covariance is not None:
                found.append(_correlation(mixed))
        rows += [(fit.metric, fit.framing, *row) for row in found]
    return pd.DataFrame(
        rows,
        columns=["metric", "framing", "diagnostic", "value", "statistic", "p_value", "sentence"],
    )


Row = tuple[str, float, float, float, str]  # diagnostic, value, statistic, p_value, sentence
NONE = float("nan")


def _names(runs: pd.DataFrame, settings: Settings) -> list[str]:
    return [words.run(row, settings.factors) for row in runs.to_dict("records")]


def _ordinary(fits: Fits) -> list[Fit]:
    return [fit for (_, _, estimator), fit in fits.items() if estimator == "ols"]


def _explained(fit: Fit, own: Leverage) -> list[Row]:
    count, columns = fit.design.shape
    residual = float(fit.residuals @ fit.residuals)
    total = float(((fit.response - fit.response.mean()) ** 2).sum())
    r_squared = 1 - residual / total
    adjusted = 1 - (residual / (count - columns)) / (total / (count - 1))
    press = float((own.prediction_error**2).sum())
    predicted = 1 - press / total
    if np.isnan(press):
        predicts = "Some run alone determines a term, so the model cannot be tried on new runs."
    elif r_squared - predicted > FAR_MORE:
        share = f"{predicted:.0%}" if predicted > 0 else "none"
        predicts = (
            f"It would explain {share} of the variation in new runs, far less than in "
            "these: it follows these runs too closely."
        )
    else:
        predicts = f"It would explain about {max(predicted, 0):.0%} of the variation in new runs."
    spread = np.sqrt(fit.residual_variance)
    return [
        ("runs", count, NONE, NONE, f"{count:,} runs and {columns} terms entered the regression."),
        (
            "r_squared",
            r_squared,
            NONE,
            NONE,
            f"The model explains {r_squared:.0%} of the variation between runs.",
        ),
        (
            "adjusted_r_squared",
            adjusted,
            NONE,
            NONE,
            f"Allowing for its number of terms, {max(adjusted, 0):.0%}.",
        ),
        ("predicted_r_squared", predicted, NONE, NONE, predicts),
        (
            "press",
            press,
            NONE,
            NONE,
            "Sum of squared errors in predicting each run from all the others.",
        ),
        (
            "sigma",
            spread,
            NONE,
            NONE,
            f"Runs scatter around the model with a standard deviation of {spread:.3g}.",
        ),
    ]


def _within_blocks(fit: Fit) -> list[Row]:
    """How much of what the blocks leave the terms explain, by least squares.

    fit: the split-plot fit, whose design (n, p) has every block, that of the replicates too. What
    the blocks explain is no merit of the factors, and what they leave unexplained in a model
    without them no fault.
    """
    blocks, _ = np.linalg.qr(fit.design[:, ~fit.of_terms])
    left = fit.response - blocks @ (blocks.T @ fit.response)
    residuals = fit.response - fit.basis @ (fit.basis.T @ fit.response)
    remaining = 1 - (fit.basis**2).sum(axis=1)
    errors = residuals / np.where(remaining > 1e-10, remaining, np.nan)
    share, predicted = (float(1 - each @ each / (left @ left)) for each in (residuals, errors))
    if np.isnan(predicted):
        predicts = "Some run alone determines a term, so the model cannot be tried on new runs."
    else:
        predicts = f"In new runs they would explain about {max(predicted, 0):.0%} of it."
    return [
        (
            "r_squared_within_blocks",
            share,
            NONE,
            NONE,
            f"The factors explain {share:.0%} of the variation that blocks leave.",
        ),
        ("predicted_r_squared_within_blocks", predicted, NONE, NONE, predicts),
    ]


def _lack_of_fit(fit: Fit, study: Study, alpha: float) -> Row:
    test = lack_of_fit(fit, study.runs)
    if np.isnan(test.f_statistic):
        sentence = (
            "Lack of fit cannot be tested: it needs cells run more than once, and more cells "
            "than terms."
        )
    elif test.p_value < alpha:
        sentence = (
            "The cells deviate from the model more than repeated runs of a cell do from each "
            "other: its shape is too simple somewhere."
        )
    else:
        sentence = (
            "The cells deviate from the model no more than repeated runs of a cell do from each "
            "other: nothing speaks against its shape."
        )
    return ("lack_of_fit", NONE, test.f_statistic, test.p_value, sentence)


def _residuals(fit: Fit, alpha: float) -> list[Row]:
    residuals = fit.residuals
    if len(residuals) <= SHAPIRO_WILK_MOST:
        name, (statistic, p_value) = "shapiro_wilk", stats.shapiro(residuals)
    else:
        name, (statistic, p_value) = "dagostino_pearson", stats.normaltest(residuals)
    normal = (
        "The residuals are not normally distributed; small p-values close to the limit deserve "
        "doubt."
        if p_value < alpha
        else "Nothing speaks against normally distributed residuals."
    )
    # Koenker's studentised form, on the model's own terms, as lmtest::bptest for R
    lagrange, spread_p, _, _ = het_breuschpagan(residuals, fit.design)
    even = (
        "The scatter is uneven over the design, so ordinary standard errors are off; take terms "
        "with care on which the cluster-robust ones come to another conclusion."
        if spread_p < alpha
        else "The scatter is about as large everywhere in the design."
    )
    return [
        (name, NONE, float(statistic), float(p_value), normal),
        ("breusch_pagan", NONE, float(lagrange), float(spread_p), even),
    ]


def _influence(fit: Fit, own: Leverage, most: str) -> Row:
    distance = own.cooks_distance
    if np.isnan(distance).all():
        return ("largest_cooks_distance", NONE, NONE, NONE, "No run's influence can be estimated.")
    influential = int((distance > influential_from(fit)).sum())
    if influential:
        sentence = (
            f"{influential} run{'s' * (influential > 1)} alone would change the estimates "
            f"markedly; the most influential is {most}."
        )
    else:
        sentence = f"No single run decides the estimates; the most influential is {most}."
    return ("largest_cooks_distance", float(np.nanmax(distance)), NONE, NONE, sentence)


def _design(fit: Fit) -> list[Row]:
    centred = fit.design - fit.design.mean(axis=0)
    unscaled = (fit.inverse_root**2).sum(axis=1)
    columns = columns_of(fit.model.terms, fit.model.codings)  # after the intercept and blocks
    inflation = (unscaled * (centred**2).sum(axis=0))[-len(columns) :]
    at = int(np.argmax(inflation))
    # columns scaled to unit length, not centred
    condition = float(np.linalg.cond(fit.design / np.linalg.norm(fit.design, axis=0)))
    recentred = " Measured from the baseline rather than the middle, terms overlap by construction."
    term = words.sentence_case(words.term(columns[at].parts))
    overlap = (
        f"{term} is the term least separate from the others: its variance is "
        f"{inflation[at]:.3g} times what it would be in an orthogonal design."
    )
    return [
        (
            "largest_variance_inflation",
            float(inflation[at]),
            NONE,
            NONE,
            overlap + recentred * (fit.framing == "relative"),
        ),
        (
            "condition_number",
            condition,
            NONE,
            NONE,
            f"Below {WELL_CONDITIONED} the terms can be told apart without numerical trouble."
            if condition < WELL_CONDITIONED
            else f"Above {WELL_CONDITIONED} some terms are hard to tell apart; their estimates "
            "move together." + recentred * (fit.framing == "relative"),
        ),
    ]


def _correlation(fit: Fit) -> Row:
    """The intraclass correlation of runs of one trajectory, from the split-plot fit."""
    share = fit.trajectory_variance / (fit.trajectory_variance + fit.residual_variance)
    if share == 0:
        sentence = (
            "The variance between trajectories is estimated as zero (a singular fit): runs of one "
            "trajectory are no more alike than any others."
        )
    else:
        sentence = (
            f"{share:.0%} of the scatter is common to all runs of a trajectory, which ordinary "
            "least squares ignores and the split-plot model allows for."
        )
    return ("trajectory_correlation", float(share), NONE, NONE, sentence)
