"""Makes the embedded baseline out of its encoder, and evaluates a baseline as it is."""

from collections.abc import Callable
from pathlib import Path

from common.hyperparameters import Hyperparameters
from common.metrics import measure
from finetuning.cells import write_results
from finetuning.checkpoints import load_classifier, save_classifier
from finetuning.dataset import Examples
from finetuning.evaluation import compile_predictor, predict_logits
from finetuning.tally import Tally
from finetuning.trainer import Run


def finetune_encoder(
    checkpoint: Path,
    examples: Examples,
    hyperparameters: Hyperparameters,
    seeds: dict[str, int],
    tally: Tally,
    say: Callable[[str], None] = print,
) -> None:
    """Fine-tunes a checkpoint folder's encoder with a new head and writes the result into it."""
    run = Run(checkpoint, [examples], hyperparameters, seeds, new_head=True)

    def after_step() -> None:
        tally.trained(len(run.progress.history), run.examples_trained, run.progress.tokens)

    for epoch in run.epochs(after_step):
        say(f"epoch {epoch}: training loss {run.progress.history[-1]['training_loss']:.4f}")
    save_classifier(run.classifier, checkpoint / "model.safetensors")


def evaluate_baseline(
    checkpoint: Path, examples: Examples, folder: Path, provenance: dict, tally: Tally
) -> None:
    """Evaluates a checkpoint without fine-tuning it and writes metrics and predictions."""
    predictor = tally.counting(compile_predictor(load_classifier(checkpoint)))
    logits = predict_logits(predictor, examples)
    results = {
        "metrics": measure(logits, examples.labels),
        "evaluation_examples": len(examples),
        **provenance,
    }
    write_results(folder, results, logits, examples)
