import os
import subprocess
import sys

from tests.workflow.conftest import PROJECT


def test_a_gpu_that_is_not_there_is_refused():
    """In a process of its own, as TensorFlow is set up once."""
    start = "from finetuning import runtime; runtime.start(1, gpus=1)"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "workflow")]),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", start], env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "UserError: training.gpus: a GPU was asked for, but TensorFlow finds none" in last
