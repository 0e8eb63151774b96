"""The other side of grid_vs_pytorch: every cell trained from the baseline by a plain PyTorch loop.

What a careful user writes with transformers: AdamW without decay of biases and layer norms (fused,
the default of transformers' Trainer), batches drawn at random and padded to their longest text,
evaluation without gradients. Run in a process of its own:

    python -m tests.benchmarks.pytorch_loop JOB.json

JOB.json names the checkpoint, the split of each replicate, the cells, the number of threads, and
the file that takes the logits of every cell.
"""

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
from transformers import DistilBertForSequenceClassification, get_scheduler

from finetuning.dataset import Examples, read_split

EVALUATED_AT_ONCE = 32
SCHEDULES = {
    "constant": "constant_with_warmup",
    "linear": "linear",
    "cosine": "cosine",
}


def load_model(checkpoint: Path, hyperparameters: dict) -> DistilBertForSequenceClassification:
    """The classifier of a checkpoint folder, with the dropout and frozen layers asked for."""
    dropout = hyperparameters["dropout"]
    model = DistilBertForSequenceClassification.from_pretrained(
        checkpoint, dropout=dropout, attention_dropout=dropout
    )
    if hyperparameters["frozen_layers"]:
        encoder = model.distilbert
        layers = encoder.transformer.layer[: hyperparameters["frozen_layers"]]
        for module in (encoder.embeddings, *layers):
            module.requires_grad_(False)
    return model


def make_optimizer(model: torch.nn.Module, hyperparameters: dict) -> torch.optim.AdamW:
    """AdamW whose weight decay leaves biases and layer norms alone."""
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    spared = [p for name, p in trained if name.endswith("bias") or "norm" in name.lower()]
    decayed = [p for name, p in trained if not any(p is other for other in spared)]
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": hyperparameters["weight_decay"]},
            {"params": spared, "weight_decay": 0.0},
        ],
        lr=hyperparameters["learning_rate"],
        eps=1e-8,
        fused=True,
    )


def collate(examples: list[tuple[torch.Tensor, int]]) -> dict[str, torch.Tensor]:
    """A batch padded to its longest text."""
    tokens = [tokens for tokens, _ in examples]
    return {
        "input_ids": pad_sequence(tokens, batch_first=True),
        "attention_mask": pad_sequence([torch.ones_like(t) for t in tokens], batch_first=True),
        "labels": torch.tensor([label for _, label in examples]),
    }


def as_list(examples: Examples) -> list[tuple[torch.Tensor, int]]:
    tokens = np.split(examples.tokens.astype(np.int64), examples.offsets[1:-1])
    return [(torch.from_numpy(t), int(y)) for t, y in zip(tokens, examples.labels, strict=True)]


def train(
    model: DistilBertForSequenceClassification,
    examples: list[tuple[torch.Tensor, int]],
    hyperparameters: dict,
) -> Iterator[tuple[int, int]]:
    """Trains a model for its epochs; yields each batch's tokens without and with padding."""
    loader = DataLoader(
        examples, batch_size=hyperparameters["batch_size"], shuffle=True, collate_fn=collate
    )
    optimizer = make_optimizer(model, hyperparameters)
    schedule = get_scheduler(
        SCHEDULES[hyperparameters["schedule"]],
        optimizer,
        num_warmup_steps=round(hyperparameters["warmup"] * len(loader)),
        num_training_steps=hyperparameters["epochs"] * len(loader),
    )
    model.train()
    for _ in range(hyperparameters["epochs"]):
        for batch in loader:
            model(**batch).loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            yield int(batch["attention_mask"].sum()), batch["input_ids"].numel()


@torch.inference_mode()
def evaluate(
    model: DistilBertForSequenceClassification, examples: list[tuple[torch.Tensor, int]]
) -> np.ndarray:
    """Logits (examples, classes), in the examples' order: not sorted by length."""
    model.eval()
    loader = DataLoader(examples, batch_size=EVALUATED_AT_ONCE, collate_fn=collate)
    logits = [
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        for batch in loader
    ]
    return torch.cat(logits).numpy()


def main(job: dict) -> None:
    torch.set_num_threads(job["threads"])
    loaded = {}  # by dropout and frozen layers: a model and its weights as they were loaded
    splits = {replicate: read_split(Path(path)) for replicate, path in job["splits"].items()}
    logits = {}
    tokens = padded = 0
    for number, cell in enumerate(job["cells"]):
        hyperparameters = cell["hyperparameters"]
        split = splits[str(cell["replicate"])]
        torch.manual_seed(cell["replicate"])
        kind = (hyperparameters["dropout"], hyperparameters["frozen_layers"])
        if kind not in loaded:
            model = load_model(Path(job["checkpoint"]), hyperparameters)
            loaded[kind] = model, copy.deepcopy(model.state_dict())
        model, weights = loaded[kind]
        model.load_state_dict(weights)
        for used, computed in train(model, as_list(split.training), hyperparameters):
            tokens += used
            padded += computed
        logits[str(number)] = evaluate(model, as_list(split.evaluation))
        print(f"{number + 1} of {len(job['cells'])} cells", flush=True)
    counted = {"trained": np.array([tokens, padded], np.int64)}
    save_file(logits | counted, job["out"])


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
