import pytest
from predicted import model, written

from analysis.runs.predictions import read_predictions


@pytest.fixture
def predicted_study(tmp_path):
    """rate 1: the baseline itself; rate 2: better; rate 3: as good, but another model.

    Replicates have other texts."""
    models = {}
    for replicate in range(2):
        first = 400 * replicate
        baseline = model(seed=replicate, skill=1.0, first=first)
        same = {"labels": baseline.labels, "first": first}
        models[1, replicate] = (baseline, baseline)
        models[2, replicate] = (model(seed=10 + replicate, skill=3.0, **same), baseline)
        models[3, replicate] = (model(seed=20 + replicate, **same), baseline)
    runs = written(tmp_path, models)
    return runs, read_predictions(runs, tmp_path), models
