"""A tiny DistilBERT checkpoint and a few dozen labelled sentences, made on the spot.

Both have the layout of the real thing (a Hugging Face directory; a CSV with text, label and
group), so production code reads them unchanged, in milliseconds and without torch.
"""

import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NOUNS = ("acting", "camera", "cast", "dialogue", "ending", "music", "pace", "plot", "script")
# One row of tell-tale words per class: what a classifier can learn from the sentences.
TELLING = (
    ("awful", "boring", "clumsy", "dull", "tired", "weak"),
    ("brilliant", "charming", "fresh", "lovely", "moving", "witty"),
    ("average", "common", "fair", "plain", "usual", "usable"),
)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
VOCABULARY = (
    *SPECIAL,
    *LETTERS,
    *(f"##{letter}" for letter in LETTERS),
    *"!,.'-",
    *("and", "film", "in", "is", "of", "on", "the", "this", "with"),
    *NOUNS,
    *itertools.chain.from_iterable(TELLING),
)


# What the default study asks the Hub for, and IMDB's card as far as it is read.
CHECKPOINT = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
DATASET = "stanfordnlp/imdb"
CHECKPOINT_CARD = b"---\nlicense: apache-2.0\n---\n# A card\n"
DATASET_CARD = b"""---
license:
- other
pretty_name: IMDB
dataset_info:
  config_name: plain_text
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
configs:
- config_name: plain_text
  data_files:
  - split: train
    path: plain_text/train-*
  - split: test
    path: plain_text/test-*
  - split: unsupervised
    path: plain_text/unsupervised-*
  default: true
---
# IMDB
"""

# Of a tiny study, what does not say how large its sets are.
SETS = {"validation_examples": 0, "least_of_a_class": 1, "contradictions": "drop"}
# The hyperparameters of a tiny study that do not vary.
FIXED = {
    "weight_decay": 0.01,
    "dropout": 0.1,
    "warmup": 0.0,
    "frozen_layers": 0,
    "schedule": "constant",
    "plateau_factor": 0.5,
    "plateau_patience": 1,
    "early_stopping": 0,
}
# How its jobs run.
RUNTIME = {"threads": 1, "precision": "float32", "gpus": 0}


def write_tiny_distilbert(
    directory: Path,
    labels: Sequence[str] = ("NEGATIVE", "POSITIVE"),
    layers: int = 2,
    dim: int = 32,
    heads: int = 4,
    vocabulary: Sequence[str] = VOCABULARY,
    positions: int = 64,
    seed: int = 0,
) -> Path:
    """A randomly initialised DistilBERT sequence classifier, in Hugging Face's layout."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)

    def weight(*shape):
        return draw.normal(0, 0.1, shape).astype(np.float32)

    def zeros(size):
        return np.zeros(size, np.float32)

    tensors = {
        "distilbert.embeddings.word_embeddings.weight": weight(len(vocabulary), dim),
        "distilbert.embeddings.position_embeddings.weight": weight(positions, dim),
        "distilbert.embeddings.LayerNorm.weight": np.ones(dim, np.float32),
        "distilbert.embeddings.LayerNorm.bias": zeros(dim),
        "pre_classifier.weight": weight(dim, dim),
        "pre_classifier.bias": zeros(dim),
        "classifier.weight": weight(len(labels), dim),
        "classifier.bias": zeros(len(labels)),
    }
    for layer in range(layers):
        block = f"distilbert.transformer.layer.{layer}"
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            tensors[f"{block}.attention.{name}.weight"] = weight(dim, dim)
            tensors[f"{block}.attention.{name}.bias"] = zeros(dim)
        tensors[f"{block}.ffn.lin1.weight"] = weight(4 * dim, dim)
        tensors[f"{block}.ffn.lin1.bias"] = zeros(4 * dim)
        tensors[f"{block}.ffn.lin2.weight"] = weight(dim, 4 * dim)
        tensors[f"{block}.ffn.lin2.bias"] = zeros(dim)
        for norm in ("sa_layer_norm", "output_layer_norm"):
            tensors[f"{block}.{norm}.weight"] = np.ones(dim, np.float32)
            tensors[f"{block}.{norm}.bias"] = zeros(dim)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})

    _write_json(
        directory / "config.json",
        {
            "architectures": ["DistilBertForSequenceClassification"],
            "model_type": "distilbert",
            "activation": "gelu",
            "attention_dropout": 0.1,
            "dim": dim,
            "dropout": 0.1,
            "hidden_dim": 4 * dim,
            "id2label": {str(index): name for index, name in enumerate(labels)},
            "initializer_range": 0.02,
            "label2id": {name: index for index, name in enumerate(labels)},
            "max_position_embeddings": positions,
            "n_heads": heads,
            "n_layers": layers,
            "pad_token_id": 0,
            "qa_dropout": 0.1,
            "seq_classif_dropout": 0.2,
            "sinusoidal_pos_embds": False,
            "tie_weights_": True,
            "vocab_size": len(vocabulary),
        },
    )
    _write_tokenizer(directory, vocabulary, positions)
    return directory


def write_tiny_sentences(
    path: Path,
    labels: Sequence[str] = ("negative", "positive"),
    films: int = 12,
    sentences_per_film: int = 8,
    seed: int = 0,
) -> Path:
    """A CSV of different sentences with columns text, label and film; every film has each label."""
    draw = np.random.default_rng(seed)
    combinations = {
        label: list(itertools.product(NOUNS, itertools.permutations(TELLING[label], 2)))
        for label in range(len(labels))
    }
    for options in combinations.values():
        draw.shuffle(options)
    rows = []
    for film in range(films):
        for number in range(sentences_per_film):
            label = number % len(labels)
            noun, (first, second) = combinations[label].pop()
            text = f"the {noun} of this film is {first} and {second}"
            rows.append((text, labels[label], f"film {film}"))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=["text", "label", "film"]).to_csv(path, index=False)
    return path


def hub_checkpoint(directory: Path) -> dict[str, bytes]:
    """The files of a checkpoint's repository on the Hub: path to content."""
    files = {path.name: path.read_bytes() for path in sorted(directory.iterdir())}
    return {"README.md": CHECKPOINT_CARD} | files


def hub_dataset(sentences: pd.DataFrame) -> dict[str, bytes]:
    """The files of a data set's repository with IMDB's layout: path to content.

    Half of the sentences are for training, half for testing. Columns text and label (0 or 1); the
    unsupervised texts have the label -1, as in IMDB.
    """
    rows = sentences.assign(label=sentences["label"].isin(["positive", 1]).astype(int))
    rows = rows[["text", "label"]]
    half = len(rows) // 2
    unlabelled = pd.DataFrame({"text": ["a film", "the film"], "label": [-1, -1]})
    splits = {"train": rows[:half], "test": rows[half:], "unsupervised": unlabelled}
    return {"README.md": DATASET_CARD} | {
        f"plain_text/{split}-00000-of-00001.parquet": parquet(part)
        for split, part in splits.items()
    }


def parquet(rows: pd.DataFrame) -> bytes:
    """A table as the content of a Parquet file."""
    content = io.BytesIO()
    rows.to_parquet(content, index=False)
    return content.getvalue()


def study_config(checkpoint: str, dataset: str, source: str = "auto", **hub: object) -> dict:
    """A study's configuration but for its name and analysis, for the tiny files."""
    settings = {
        "checkpoint": checkpoint,
        "checkpoint_revision": "main",
        "dataset": dataset,
        "dataset_revision": "main",
        "dataset_configuration": None,
        "training_split": "train",
        "evaluation_split": None,
        "text_column": "text",
        "label_column": "label",
        "group_column": None,
        "padded_lengths": [16, 40],
        "baseline": {"learning_rate": 1e-5, "batch_size": 32, "epochs": 3},
    }
    return {
        "seed": 1,
        "source": source,
        "hub": settings | hub,
        "embedded": {
            "baseline_films": 0.4,
            "baseline_examples": None,
            "padded_lengths": [16, 40],
            "threads": 1,
            "baseline": {"learning_rate": 5e-5, "batch_size": 32, "epochs": 1},
        },
        "data": {**SETS, "training_examples": 24, "evaluation_examples": 16},
        "replicates": 2,
        "factors": {
            "learning_rate": {"levels": [0.001, 0.003], "scale": "log10"},
            "batch_size": {"levels": [4, 8], "scale": "log2"},
            "epochs": {"levels": [1, 2, 3], "scale": "linear"},
        },
        "training": {
            **FIXED,
            **RUNTIME,
            "memory_mb": 2000,
            "save_state_seconds": 120,
            "runtime_minutes": 30,
        },
    }


def whole_config() -> dict:
    """A whole configuration for the tiny checkpoint and sentences: 24 cells of 8 trajectories."""
    config = study_config("./checkpoint", "sentences.csv", "hub", group_column="film")
    fixed = {name: value for name, value in config["training"].items() if name in FIXED}
    points = {"better": "higher", "unit": "points"}
    terms = "learning_rate batch_size epochs learning_rate:batch_size learning_rate:epochs"
    return config | {
        "study": "tiny",
        "data": {**SETS, "training_examples": 128, "evaluation_examples": 48},
        "embedded": {
            **config["embedded"],
            "baseline": {**config["embedded"]["baseline"], **fixed},
        },
        "share_epochs": True,
        "analysis": {
            "metrics": {
                "accuracy": points,
                "f1": points,
                "loss": {"better": "lower", "unit": "nats"},
            },
            "formula": " + ".join([*terms.split(), "batch_size:epochs", "epochs^2"]),
            "alpha": 0.05,
            "bootstrap": 200,
        },
    }


def _write_tokenizer(directory: Path, vocabulary: Sequence[str], positions: int) -> None:
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    _write_json(
        directory / "tokenizer_config.json",
        {
            "do_lower_case": True,
            "model_max_length": positions,
            "tokenizer_class": "DistilBertTokenizer",
            **{
                f"{kind}_token": f"[{kind.upper()}]"
                for kind in ("pad", "unk", "cls", "sep", "mask")
            },
        },
    )


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
