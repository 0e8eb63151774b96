"""The whole grid of a study against Keras Tuner's GridSearch over the same cells.

    python -m tests.benchmarks.grid_vs_keras_tuner results/reviews --out grid_vs_keras_tuner.json

Ours is as in grid_vs_pytorch. Theirs is keras_tuner_loop.py, one process with all cores.
"""

from tests.benchmarks.grid_comparison import arguments, compare


def refuse(hyperparameters: dict) -> str | None:
    if hyperparameters["schedule"] != "constant" or hyperparameters["warmup"]:
        return "a learning rate that is not constant"
    if hyperparameters["frozen_layers"]:
        return "frozen layers"
    if hyperparameters["early_stopping"]:
        return "early stopping"
    return None


if __name__ == "__main__":
    compare("grid_vs_keras_tuner", "Keras Tuner", "keras_tuner_loop", refuse, arguments(__doc__))
