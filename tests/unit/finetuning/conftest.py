import sys

import pytest

from tests.tiny import write_tiny_distilbert


@pytest.fixture(scope="session")
def keras():
    """Keras on TensorFlow, set up as a job does."""
    if "tensorflow" not in sys.modules:
        from finetuning import runtime

        runtime.start(threads=1)
    import keras

    return keras


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    return write_tiny_distilbert(tmp_path_factory.mktemp("tiny") / "checkpoint")
