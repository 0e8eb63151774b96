"""Makes the embedded baseline out of its encoder, and evaluates a baseline as it is."""

from collections.abc import Callable
from pathlib import Path

from finetuning import runtime
from finetuning.cells import write_results
from finetuning.checkpoints import load_classifier, save_classifier
from finetuning.dataset import Examples
from finetuning.evaluation import compile_predictor, measure, predict_logits
from finetuning.hyperparameters import Hyperparameters
from finetuning.trainer import finetune


def finetune_encoder(
    checkpoint: Path,
    examples: Examples,
    hyperparameters: Hyperparameters,
    seeds: dict[str, int],
    say: Callable[[str], None] = print,
) -> None:
    """Fine-tunes a checkpoint folder's encoder with a new head and writes the result into it."""
    for trained in finetune(checkpoint, examples, hyperparameters, seeds, new_head=True):
        say(f"epoch {trained.epoch}: training loss {trained.history[-1]['training_loss']:.4f}")
    save_classifier(trained.classifier, checkpoint / "model.safetensors")


def evaluate_baseline(checkpoint: Path, examples: Examples, folder: Path, threads: int) -> None:
    """Evaluates a checkpoint without fine-tuning it and writes metrics and predictions."""
    predictor = compile_predictor(load_classifier(checkpoint))
    logits = predict_logits(predictor, examples)
    results = {
        "metrics": measure(logits, examples.labels),
        "evaluation_examples": len(examples),
        **runtime.provenance(threads),
    }
    write_results(folder, results, logits, examples)
