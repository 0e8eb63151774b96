"""How TensorFlow runs in a job: threads, determinism, compiled programs kept between processes.

``start`` comes before the first import of tensorflow or keras. The number of threads changes the
last bits of every result, so it comes from the configuration and never from ``--cores``.
"""

import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from common.errors import UserError
from finetuning import patches

ENGINE = 2  # raised by every change after which the same run gives other numbers
PACKAGES = ("tensorflow", "keras", "keras-hub", "numpy", "safetensors")
CACHE_OPTION = "--tf_xla_persistent_cache_directory="


def start(threads: int, precision: str = "float32", gpus: int = 0) -> None:
    """Sets up TensorFlow for this process.

    precision: Keras's name of what is computed in, "float32" or "mixed_bfloat16" (weights stay
    float32). gpus: 0 uses none though the machine may have some.
    Raises RuntimeError if tensorflow was imported before, UserError if there is no GPU as asked.
    """
    if "tensorflow" in sys.modules:
        raise RuntimeError("runtime.start() has to come before the first import of tensorflow")
    cache = _cache_directory(threads, precision, gpus)
    cache.mkdir(parents=True, exist_ok=True)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_XLA_FLAGS"] = CACHE_OPTION + str(cache)
    os.environ["OMP_NUM_THREADS"] = str(threads)

    with patches.packages_hidden():
        import keras
        import keras_hub  # noqa: F401
        import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    visible = tf.config.list_physical_devices("GPU")[:gpus]
    if len(visible) < gpus:
        raise UserError(
            "training.gpus: a GPU was asked for, but TensorFlow finds none here. It needs NVIDIA's "
            "driver and requirements-gpu.lock (make study GPU=1); docs/gpu.md says more. Or write "
            "gpus: 0."
        )
    tf.config.set_visible_devices(visible, "GPU")
    for gpu in visible:
        tf.config.experimental.set_memory_growth(gpu, True)
    keras.config.set_dtype_policy(precision)
    patches.draw_dropout_by_threefry()


def provenance(threads: int, precision: str = "float32", gpus: int = 0) -> dict:
    """What the bits of a result depend on besides its configuration and data."""
    return {
        "engine": ENGINE,
        "threads": threads,
        "precision": precision,
        "gpus": gpus,
        "versions": {package: version(package) for package in PACKAGES},
        "instruction_set": instruction_set(),
    }


def instruction_set() -> str:
    """The vector instruction sets that compilers choose between, e.g. "avx avx2 avx512f fma"."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    kept = {f for f in flags.split() if f.startswith(("avx", "fma", "amx", "asimd", "sve"))}
    return " ".join(sorted(kept)) or platform.machine()


def programs_directory() -> Path:
    """Where this process keeps its compiled programs. Raises RuntimeError before `start`."""
    options = os.environ.get("TF_XLA_FLAGS", "")
    if not options.startswith(CACHE_OPTION):
        raise RuntimeError("runtime.start() has to come first")
    return Path(options.removeprefix(CACHE_OPTION))


def user_cache() -> Path:
    """The folder of what is kept between studies."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "hyperparameter-tradeoffs"


def _cache_directory(threads: int, precision: str, gpus: int) -> Path:
    """Programs compiled for other versions or another processor are never read."""
    key = hashlib.sha256(repr(provenance(threads, precision, gpus)).encode()).hexdigest()[:16]
    return user_cache() / f"xla-{key}"
