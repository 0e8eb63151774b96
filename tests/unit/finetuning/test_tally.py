import json

import numpy as np
import pytest

from finetuning import tally
from finetuning.tally import Count, Tally, read_count, tally_path


def test_what_a_job_has_done_is_beside_its_log_as_long_as_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(tally, "EVERY", 0)
    log = tmp_path / "cells" / "replicate=0.log"
    with Tally(log) as kept:
        assert read_count(tally_path(log)) == Count()
        kept.trained(steps=3, examples=24, tokens=200)
        predict = kept.counting(lambda tokens, mask: tokens.sum())
        assert predict(np.ones((32, 5)), np.ones((32, 5))) == 160
        assert read_count(tally_path(log)) == Count(3, 24, 200, 32)
        assert json.loads(tally_path(log).read_text())["steps"] == 3
    with pytest.raises(FileNotFoundError):
        read_count(tally_path(log))


def test_a_tally_is_written_every_few_seconds_only(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(tally.time, "monotonic", lambda: now)
    with Tally(tmp_path / "run.log") as kept:
        kept.trained(1, 8, 50)
        assert read_count(kept.path) == Count()
        now = tally.EVERY
        kept.trained(2, 16, 100)
        assert read_count(kept.path) == Count(2, 16, 100)
