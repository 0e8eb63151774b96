"""Trains one trajectory and delivers its cells."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from finetuning import runtime
from finetuning.cells import Stopwatch, write_history, write_results
from finetuning.dataset import Split
from finetuning.evaluation import compile_predictor, measure, predict_logits
from finetuning.hyperparameters import Hyperparameters
from finetuning.trainer import Diverged, finetune


def deliver_cells(
    checkpoint: Path,
    split: Split,
    hyperparameters: Hyperparameters,
    folders: dict[int, Path],
    seeds: dict[str, int],
    threads: int,
    say: Callable[[str], None] = print,
) -> None:
    """Fine-tunes the checkpoint and writes a cell's files after each of the epochs asked for.

    folders: epochs to the folder of the cell trained that long. A run that diverges delivers the
    cells it did not reach with the status "diverged". say: is told a line an epoch.
    """
    stopwatch = Stopwatch()
    waiting = dict(folders)
    predictor = None

    def deliver(epochs: int, outcome: dict, logits: np.ndarray, history: list[dict]) -> None:
        folder = waiting.pop(epochs)
        results = {
            **outcome,
            "hyperparameters": asdict(replace(hyperparameters, epochs=epochs)),
            "training_examples": len(split.training),
            "evaluation_examples": len(split.evaluation),
            "steps": len(history),
            "seeds": seeds,
            **runtime.provenance(threads),
        }
        write_history(folder, history)
        write_results(folder, results, logits, split.evaluation)

    try:
        for trained in finetune(checkpoint, split.training, hyperparameters, seeds):
            stopwatch.pause()
            epoch, history = trained.epoch, trained.history
            line = f"epoch {epoch}: training loss {history[-1]['training_loss']:.4f}"
            if epoch in waiting:
                folder = waiting[epoch]
                predictor = predictor or compile_predictor(trained.classifier)
                logits = predict_logits(predictor, split.evaluation)
                if not np.isfinite(logits).all():
                    raise Diverged(len(history), history)
                metrics = measure(logits, split.evaluation.labels)
                outcome = {
                    "status": "ok",
                    "metrics": metrics,
                    "tokens": trained.tokens,
                    "padding_share": round(1 - trained.tokens / trained.padded, 4),
                }
                deliver(epoch, outcome, logits, history)
                stopwatch.write(folder, trained.tokens)
                line += f", evaluation loss {metrics['loss']:.4f}"
                line += f", accuracy {metrics['accuracy']:.4f}"
            say(line)
            stopwatch.resume()
    except Diverged as divergence:
        stopwatch.pause()
        say(f"{divergence}: this and longer cells are recorded as diverged")
        classes = len(np.unique(split.evaluation.labels))
        for epochs in sorted(waiting):
            outcome = {"status": "diverged", "diverged_at_step": divergence.step}
            folder = waiting[epochs]
            deliver(epochs, outcome, np.zeros((0, classes), np.float32), divergence.history)
            stopwatch.write(folder, 0)
