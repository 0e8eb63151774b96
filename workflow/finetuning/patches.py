"""What is changed in other libraries, each with its reason.

Written for TensorFlow 2.21, Keras 3.15 and KerasHub 0.32.
tests/unit/finetuning/test_patches.py fails where a patch no longer works, and where it is no longer
needed.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType

# What Keras and KerasHub import where they find it, and training does without: 2 s of a job.
NOT_NEEDED = (
    "huggingface_hub",
    "kagglehub",
    "matplotlib",
    "pandas",
    "scipy",
    "sklearn",
    "tensorflow_text",
)
# What KerasHub cannot be imported without, and the names it takes from it to make tokenizers.
TOKENIZER_NAMES = {
    "sentencepiece": ("SentencePieceProcessor",),
    "tokenizers": ("decoders", "models", "normalizers", "pre_tokenizers"),
}


@contextmanager
def packages_hidden() -> Iterator[None]:
    """Within it, imports find none of NOT_NEEDED, and stand-ins for the tokenizers.

    Afterwards all of them can be imported as ever.
    """
    hidden: dict[str, ModuleType | None] = dict.fromkeys(NOT_NEEDED)
    hidden |= {package: _stand_in(package, names) for package, names in TOKENIZER_NAMES.items()}
    found = {package: sys.modules.get(package) for package in hidden}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None: an import of it fails
    try:
        yield
    finally:
        for package, module in found.items():
            del sys.modules[package]
            if module:
                sys.modules[package] = module


def _stand_in(package: str, names: Iterable[str]) -> ModuleType:
    module = ModuleType(package)
    vars(module).update(dict.fromkeys(names))
    return module


def draw_dropout_by_threefry() -> None:
    """Sets the generator of dropout's random numbers.

    Keras leaves the choice to TensorFlow, which takes Philox. XLA makes that a seventh of a step on
    a CPU, and ThreeFry (Salmon et al. 2011) next to nothing.
    """
    import tensorflow as tf

    dropout = partial(tf.nn.experimental.stateless_dropout, rng_alg="threefry")
    tf.nn.experimental.stateless_dropout = dropout
