"""The Keras classifier computes the logits of PyTorch transformers, from the same files.

Needs PyTorch, which the project does without: ``make parity``.
"""

import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the comparison needs PyTorch: make parity")

TOLERANCE = 1e-5

FULL_SIZE = {
    "architectures": ["DistilBertForSequenceClassification"],
    "model_type": "distilbert",
    "vocab_size": 30522,
    "dim": 768,
    "hidden_dim": 3072,
    "n_layers": 6,
    "n_heads": 12,
    "max_position_embeddings": 512,
    "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
    "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
}


@pytest.fixture(scope="module", autouse=True)
def runtime():
    from finetuning import runtime

    runtime.start(threads=2)


@pytest.fixture(scope="module")
def full_size(tmp_path_factory):
    """A randomly initialised DistilBERT of 66 million parameters, written by transformers."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    torch.manual_seed(0)
    model = DistilBertForSequenceClassification(DistilBertConfig(**FULL_SIZE))
    for parameter in model.parameters():  # biases and norms that a swap would not leave equal
        parameter.data += 0.02 * torch.randn_like(parameter)
    assert sum(parameter.numel() for parameter in model.parameters()) > 66e6
    directory = tmp_path_factory.mktemp("full")
    model.save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def embedded_baseline(tmp_path_factory):
    """The embedded encoder, fine-tuned for a few steps with a new head by production code."""
    from common.hyperparameters import Hyperparameters
    from finetuning.baseline import finetune_encoder
    from finetuning.dataset import Examples
    from finetuning.sources import embedded
    from finetuning.tally import Tally

    directory = tmp_path_factory.mktemp("embedded")
    embedded.write_encoder(directory)
    tokens, mask = batch()
    lengths = mask.sum(axis=1)
    examples = Examples(
        tokens[mask == 1],
        np.concatenate([[0], np.cumsum(lengths)]),
        (np.arange(len(tokens)) % 2).astype(np.int32),
        np.arange(len(tokens), dtype=np.int32),
        np.array([48], np.int32),
    )
    hyperparameters = Hyperparameters(1e-4, 8, 1, 0.01, 0.1, 0.0, 0, "constant")
    with Tally(directory / "baseline.log") as tally:
        finetune_encoder(directory, examples, hyperparameters, {"order": 1, "dropout": 2}, tally)
    return directory


def batch(vocabulary=30522):
    """Sixteen texts of random tokens and different lengths, padded."""
    random = np.random.default_rng(0)
    lengths = random.integers(4, 48, size=(16, 1))
    mask = (np.arange(48) < lengths).astype(np.int32)
    return random.integers(1000, vocabulary, size=(16, 48)).astype(np.int32) * mask, mask


def keras_logits(directory):
    from finetuning.checkpoints import load_classifier
    from finetuning.evaluation import compile_predictor

    (logits,) = compile_predictor(load_classifier(directory))(*batch())
    return logits.numpy()


def torch_logits(directory):
    from transformers import DistilBertForSequenceClassification

    model, loading = DistilBertForSequenceClassification.from_pretrained(
        directory, output_loading_info=True
    )
    assert not loading["missing_keys"] and not loading["unexpected_keys"]
    tokens, mask = (torch.from_numpy(array).long() for array in batch())
    with torch.no_grad():
        return model.eval()(input_ids=tokens, attention_mask=mask).logits.numpy()


@pytest.mark.network
@pytest.mark.parametrize("checkpoint", ["full_size", "embedded_baseline"])
def test_logits_agree_and_survive_a_round_trip(checkpoint, request, tmp_path, capsys):
    from finetuning.checkpoints import load_classifier, save_classifier

    directory = request.getfixturevalue(checkpoint)
    ours, theirs = keras_logits(directory), torch_logits(directory)
    assert np.ptp(theirs) > 0.1  # the texts are told apart
    assert np.abs(ours - theirs).max() < TOLERANCE

    shutil.copy(directory / "config.json", tmp_path)
    save_classifier(load_classifier(directory), tmp_path / "model.safetensors")
    again = torch_logits(tmp_path)
    assert np.abs(again - theirs).max() == 0
    with capsys.disabled():
        print(f"\n{checkpoint}: largest difference in logits {np.abs(ours - theirs).max():.1e}")
