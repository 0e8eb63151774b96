"""Each patch of another library works, and without it there would be what it is for."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from finetuning.patches import NOT_NEEDED, TOKENIZER_NAMES

DROPOUT = """
import numpy as np, tensorflow as tf, keras

@tf.function(jit_compile=True)
def draw(ones):
    drawn = {
        name: tf.random.stateless_uniform(ones.shape, [3, 0], alg=name)
        for name in ("philox", "threefry")
    }
    return keras.random.dropout(ones, 0.1, seed=3), drawn

dropped, drawn = draw(tf.ones((100, 1000)))
dropout = [name for name in drawn if np.array_equal(dropped == 0, drawn[name] < 0.1)]
"""
UNPATCHED = f"""
import json, sys
import keras, keras_hub
imported = [name for name in json.loads(sys.argv[1]) if name in sys.modules]
{DROPOUT}
print(json.dumps([imported, dropout]))
"""
HIDDEN = """
import json, sys
from finetuning import runtime
runtime.start(threads=1)
imported = [name for name in json.loads(sys.argv[1]) if name in sys.modules]
import pandas, sklearn, tokenizers.models  # are still to be had
print(json.dumps(imported))
"""
HIDDEN_PACKAGES = sorted([*NOT_NEEDED, *TOKENIZER_NAMES])


def printed(program):
    environment = os.environ | {
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", program, json.dumps(HIDDEN_PACKAGES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def unpatched():
    """What is imported, and dropout's generator, without the patches."""
    return printed(UNPATCHED)


def test_what_is_hidden_is_not_imported_and_can_be_later():
    assert printed(HIDDEN) == []


def test_what_is_hidden_would_be_imported(unpatched):
    assert unpatched[0] == HIDDEN_PACKAGES


def test_dropout_would_draw_its_numbers_by_philox(unpatched):
    assert unpatched[1] == ["philox"]


def test_dropout_draws_its_numbers_by_threefry(keras):
    import tensorflow as tf

    ones = tf.ones((100, 1000))

    @tf.function(jit_compile=True)
    def draw():
        uniform = tf.random.stateless_uniform(ones.shape, [3, 0], alg="threefry")
        return keras.random.dropout(ones, 0.1, seed=3), uniform

    dropped, uniform = draw()
    np.testing.assert_array_equal(dropped, np.where(uniform < 0.1, 0, np.float32(1 / 0.9)))
    assert np.mean(dropped == 0) == pytest.approx(0.1, abs=0.004)  # 4 standard errors
