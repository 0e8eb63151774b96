"""How much finished runs vary, between training runs and within them."""

from pathlib import Path

import numpy as np

from analysis.fit.planned import Noise
from analysis.fit.split_plot import split_plot
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from common.errors import UserError
from finetuning.files import read_json


def measured_noise(given: str, settings: Settings, key: str) -> dict[str, Noise]:
    """By metric, the variances of the split-plot fit, in the metric's own unit squared.

    given: the path of results/STUDY, analysed as its own configuration says, or of a CSV of runs.
    Raises UserError that begins with the configuration's ``key`` where they cannot be analysed.
    """
    path = Path(given)
    try:
        if path.suffix == ".csv":
            study = read_study(path, settings)
        else:
            recorded = read_json(path / "provenance.json")["settings"]
            study = read_study(path / "runs.csv", Settings.from_config(recorded))
        fits = [
            split_plot(study, study.settings, metric.name, "absolute")
            for metric in settings.metrics
            if metric.name in study.terms
        ]
    except FileNotFoundError as error:
        raise UserError(f"{key}: {error.filename} is not there.") from None
    except UserError as error:
        raise UserError(f"{key}: {error}") from None
    found = {}
    for fit in fits:
        unit = float(fit.scale.slope(np.array(fit.fitted.mean()))) ** 2
        found[fit.metric] = Noise(fit.residual_variance * unit, fit.trajectory_variance * unit)
    return found
