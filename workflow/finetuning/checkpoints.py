"""A Hugging Face DistilBERT directory to KerasHub's text classifier, and back.

The names are those of transformers' ``DistilBertForSequenceClassification``. KerasHub can load the
encoder of such a directory but neither its head nor write one, so the correspondence is written
here once, for both directions.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from keras_hub.models import DistilBertBackbone, DistilBertTextClassifier
from safetensors.numpy import load_file, save

from common.errors import UserError
from finetuning.files import replace_atomically


def read_configuration(directory: Path) -> dict:
    """The ``config.json`` of a checkpoint directory."""
    return json.loads((directory / "config.json").read_text())


def build_classifier(configuration: dict, dropout: float) -> DistilBertTextClassifier:
    """A classifier of the shape that a ``config.json`` describes, randomly initialised.

    dropout is the rate inside the encoder (hidden states and attention); the head keeps the rate
    of its configuration (``seq_classif_dropout``).
    """
    backbone = DistilBertBackbone(
        vocabulary_size=configuration["vocab_size"],
        num_layers=configuration["n_layers"],
        num_heads=configuration["n_heads"],
        hidden_dim=configuration["dim"],
        intermediate_dim=configuration["hidden_dim"],
        max_sequence_length=configuration["max_position_embeddings"],
        dropout=dropout,
    )
    return DistilBertTextClassifier(
        backbone,
        num_classes=len(configuration["id2label"]),
        dropout=configuration.get("seq_classif_dropout", 0.2),
    )


def load_classifier(
    directory: Path, dropout: float = 0.0, new_head: bool = False
) -> DistilBertTextClassifier:
    """The classifier of a checkpoint directory, with its weights.

    new_head leaves the classification head as initialised and loads the encoder only.
    Raises UserError where a tensor is missing or has another shape than config.json says.
    """
    classifier = build_classifier(read_configuration(directory), dropout)
    tensors = load_file(directory / "model.safetensors")
    for name, variable in _named_variables(classifier, with_head=not new_head):
        if name not in tensors:
            raise UserError(f"the checkpoint's model.safetensors has no tensor {name}")
        tensor = tensors[name].astype(np.float32)
        if _is_dense_kernel(name):
            tensor = tensor.T  # PyTorch keeps (outputs, inputs), Keras (inputs, outputs)
        if tensor.size != np.prod(variable.shape):
            raise UserError(
                f"the checkpoint's tensor {name} has shape {tensors[name].shape}, which does not "
                f"fit its config.json: a shape of {tuple(variable.shape)} was expected"
            )
        variable.assign(tensor.reshape(variable.shape))
    return classifier


def save_classifier(classifier: DistilBertTextClassifier, path: Path) -> None:
    """Writes the ``model.safetensors`` that transformers would write for this classifier."""
    hidden = classifier.backbone.hidden_dim
    tensors = {}
    for name, variable in _named_variables(classifier):
        tensor = keras.ops.convert_to_numpy(variable)
        if tensor.ndim == 3:  # attention kernels are split by head
            tensor = tensor.reshape(hidden, hidden)
        elif name.endswith("bias"):
            tensor = tensor.reshape(-1)
        tensors[name] = np.ascontiguousarray(tensor.T if _is_dense_kernel(name) else tensor)
    replace_atomically(path, save(tensors, metadata={"format": "pt"}))


def _is_dense_kernel(name: str) -> bool:
    return name.endswith("weight") and "embeddings" not in name and "norm" not in name.lower()


def _named_variables(
    classifier: DistilBertTextClassifier, with_head: bool = True
) -> Iterator[tuple[str, keras.Variable]]:
    """Pairs of a tensor's name in transformers and the Keras variable that holds it."""
    backbone = classifier.backbone
    layers = {}
    for index, block in enumerate(backbone.transformer_layers):
        prefix = f"distilbert.transformer.layer.{index}"
        attention = block._self_attention_layer
        layers[f"{prefix}.attention.q_lin"] = attention.query_dense
        layers[f"{prefix}.attention.k_lin"] = attention.key_dense
        layers[f"{prefix}.attention.v_lin"] = attention.value_dense
        layers[f"{prefix}.attention.out_lin"] = attention.output_dense
        layers[f"{prefix}.sa_layer_norm"] = block._self_attention_layer_norm
        layers[f"{prefix}.ffn.lin1"] = block._feedforward_intermediate_dense
        layers[f"{prefix}.ffn.lin2"] = block._feedforward_output_dense
        layers[f"{prefix}.output_layer_norm"] = block._feedforward_layer_norm
    layers["distilbert.embeddings.LayerNorm"] = backbone.embeddings_layer_norm
    if with_head:
        layers["pre_classifier"] = classifier.pooled_dense
        layers["classifier"] = classifier.output_dense

    embeddings = backbone.embeddings
    yield "distilbert.embeddings.word_embeddings.weight", embeddings.token_embedding.embeddings
    yield (
        "distilbert.embeddings.position_embeddings.weight",
        embeddings.position_embedding.position_embeddings,
    )
    for name, layer in layers.items():
        normalises = isinstance(layer, keras.layers.LayerNormalization)
        yield f"{name}.weight", layer.gamma if normalises else layer.kernel
        yield f"{name}.bias", layer.beta if normalises else layer.bias
