"""What every table is computed from: the study and what was fitted to it, each computed once."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from analysis.fit import estimators
from analysis.fit.estimators import Fits
from analysis.fit.least_squares import Fit
from analysis.questions import best, joint, models, tradeoff
from analysis.questions.best import Recommendation
from analysis.questions.joint import JointTest
from analysis.runs.predictions import Predictions, read_predictions
from analysis.runs.settings import Settings
from analysis.runs.study import Note, Study


class Evidence:
    """The study, the settings, and the fits and predictions made of them when asked for.

    ``tables`` are those computed so far, for the tables that are made from others;
    ``beyond_bounds`` the metrics of which they leave out fitted values that cannot exist.
    """

    def __init__(self, study: Study, settings: Settings) -> None:
        self.study, self.settings = study, settings
        self.tables: dict[str, pd.DataFrame] = {}
        self.beyond_bounds: set[str] = set()

    @cached_property
    def _fitted(self) -> tuple[Fits, list[Note]]:
        return estimators.fit_all(self.study, self.settings)

    @property
    def fits(self) -> Fits:
        """Every metric in every framing by every estimator."""
        return self._fitted[0]

    @property
    def fit_notes(self) -> list[Note]:
        return self._fitted[1]

    @cached_property
    def mixed(self) -> list[Fit]:
        """The split-plot fits of every metric and framing, from which conclusions are drawn."""
        return [fit for (_, _, estimator), fit in self.fits.items() if estimator == "split_plot"]

    @cached_property
    def main(self) -> dict[str, Fit]:
        """By metric, the split-plot fit of the metric itself."""
        return {fit.metric: fit for fit in self.mixed if fit.framing == "absolute"}

    @cached_property
    def joint_tests(self) -> list[JointTest]:
        return joint.joint_tests(self.fits)

    @cached_property
    def compared_with_best(self) -> pd.DataFrame:
        """Of every metric the settings that were run, compared with the best of them."""
        return best.comparisons_with_best(self.main, self.study, self.settings)

    @cached_property
    def recommendation(self) -> Recommendation | None:
        """The setting to use; None where settings could not be compared."""
        return best.recommendation(self.compared_with_best, self.main, self.study, self.settings)

    @cached_property
    def predictions(self) -> dict[str, Predictions]:
        return read_predictions(self.study.runs, self.study.folder)

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """The observed and fitted points among which one may choose."""
        return tradeoff.candidates(self.main, self.study, self.settings)

    @cached_property
    def models(self) -> tuple[pd.DataFrame, list[Note]]:
        return models.models(self.study, self.settings)
