"""Stored predictions: read, or refused."""

import numpy as np
import pandas as pd
import pytest
from predicted import SETTINGS
from safetensors.numpy import save_file

from analysis.questions import calibration, comparisons, evaluation
from analysis.runs import predictions
from common.errors import UserError


def test_absent_files_are_left_out_and_broken_ones_refused(predicted_study, tmp_path):
    runs, _, _ = predicted_study
    (tmp_path / runs.loc[0, "predictions"]).unlink()
    found = predictions.read_predictions(runs, tmp_path)
    table = comparisons.comparisons(runs, found, SETTINGS)
    assert table.groupby("rate")["runs"].first().tolist() == [1, 2, 2]
    (tmp_path / runs.loc[1, "predictions"]).write_bytes(b"no")
    with pytest.raises(UserError, match=r"not a predictions file"):
        predictions.read_predictions(runs, tmp_path)
    bare = runs.drop(columns=["predictions", "baseline_predictions"])
    assert predictions.read_predictions(bare, tmp_path) == {}
    for table in (comparisons.comparisons, calibration.reliability):
        assert table(bare, {}, SETTINGS).empty
    assert evaluation.evaluation_variance(bare, {}, "accuracy") is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"logits": np.zeros(4, np.float32)}, "logits are not two columns"),
        ({"logits": np.full((4, 2), np.nan, np.float32)}, "finite"),
        ({"labels": np.array([0, 1, 2, 0])}, "a label has no column"),
        ({"labels": np.zeros(3, int)}, "not as many"),
        ({"examples": np.zeros(4)}, "not whole numbers"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(tmp_path, changed, told):
    arrays = {"logits": np.zeros((4, 2), np.float32), "labels": np.zeros(4, int)}
    arrays |= {"examples": np.arange(4)}
    runs = pd.DataFrame({"predictions": ["run.safetensors"]})
    save_file(arrays, tmp_path / "run.safetensors")
    assert len(predictions.read_predictions(runs, tmp_path)) == 1
    save_file(arrays | changed, tmp_path / "run.safetensors")
    with pytest.raises(UserError, match=told):
        predictions.read_predictions(runs, tmp_path)
