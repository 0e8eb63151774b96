"""Functions of a classifier's weights, compiled by XLA and kept on disk for the next process.

XLA keeps what it compiled itself; but to find that, a process would trace Keras's layers and lower
their graph anew, several seconds in every job. So the lowered function, StableHLO, is kept too.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras_hub.models import DistilBertTextClassifier
from tensorflow.compiler.tf2xla.python import xla
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.python.eager.context import context

from common.errors import UserError
from finetuning.files import read_arrays, sha256, write_arrays
from finetuning.runtime import programs_directory


class Program:
    """A function of a classifier's variables and a batch, compiled for each shape of the batch.

    function: takes the values of the trainable variables, those of the others, and the batch's
    arrays; returns a list of tensors and changes nothing (see Keras's ``stateless_call``). What is
    kept was made with the same function, package, architecture and shapes, or is not used.

    Called with a batch of NumPy arrays, it returns what the function does for the variables as they
    are now. Raises RuntimeError before `runtime.start`, OSError where the cache cannot be written.
    """

    def __init__(
        self, function: Callable[..., list[tf.Tensor]], classifier: DistilBertTextClassifier
    ) -> None:
        self.function = function
        self.trainable = [variable.value for variable in classifier.trainable_variables]
        self.others = [variable.value for variable in classifier.non_trainable_variables]
        self.made_with = {
            "function": function.__qualname__,
            "package": _package(),
            "backbone": _unnamed(classifier.backbone.get_config()),
            "head": _unnamed(classifier.get_config()),
            "trainable": len(self.trainable),
        }
        self.handles = [variable.handle for variable in [*self.trainable, *self.others]]
        self.loaded: dict[tuple, FunctionDef] = {}

    def __call__(self, *batch: np.ndarray) -> list[tf.Tensor]:
        shapes = tuple(array.shape for array in batch)
        if shapes not in self.loaded:
            self.loaded[shapes] = self._load([_specification(array) for array in batch])
        definition = self.loaded[shapes].signature
        arguments = [*map(tf.constant, batch), *self.handles]
        return context().call_function(
            definition.name.encode(), arguments, len(definition.output_arg)
        )

    def _load(self, batch: list[tf.TensorSpec]) -> FunctionDef:
        """Makes TensorFlow know the function for this shape, under a name of what it was made with.

        Under a name of TensorFlow's own, numbered, XLA would not find what it compiled before.
        """
        made_with = self.made_with | {"batch": [[s.dtype.name, s.shape.as_list()] for s in batch]}
        name = "program_" + hashlib.sha256(json.dumps(made_with).encode()).hexdigest()
        path = programs_directory() / f"{name}.safetensors"
        try:
            kept = read_arrays(path, made_with)
        except (FileNotFoundError, UserError):
            kept = {"definition": np.frombuffer(self._define(name, batch), np.uint8)}
            write_arrays(path, kept, made_with)
        definition = FunctionDef.FromString(kept["definition"].tobytes())
        if not context().has_function(name):
            context().add_function_def(definition)
        return definition

    def _define(self, name: str, batch: list[tf.TensorSpec]) -> bytes:
        """A TensorFlow function that takes the batch and reads the variables; serialised."""
        trained, variables = len(self.trainable), len(self.trainable) + len(self.others)
        arguments = [*map(_specification, [*self.trainable, *self.others]), *batch]

        @tf.function(jit_compile=True, autograph=False, input_signature=arguments)
        def function(*values: tf.Tensor) -> list[tf.Tensor]:
            trainable, others = list(values[:trained]), list(values[trained:variables])
            return self.function(trainable, others, *values[variables:])

        @tf.function(jit_compile=True, autograph=False, input_signature=batch)
        def program(*batch: tf.Tensor) -> list[tf.Tensor]:
            return xla.call_module(
                [*self.trainable, *self.others, *batch],
                version=xla.call_module_maximum_supported_version(),
                module=module,
                Tout=[output.dtype for output in outputs],
                Sout=[output.shape for output in outputs],
                platforms=[platform],
            )

        platform = "CUDA" if tf.config.get_visible_devices("GPU") else "CPU"
        traced = function.get_concrete_function()
        outputs = traced.structured_outputs
        module = context().get_compiler_ir(
            device_name=self.trainable[0].device,
            platform_name=None,
            function_name=traced.name,
            flat_args=arguments,
            captured_inputs=traced.captured_inputs,
            stage="stablehlo_serialized",
        )
        definition = program.get_concrete_function().function_def
        definition.signature.name = name
        return definition.SerializeToString(deterministic=True)


def _specification(array: np.ndarray | tf.Variable) -> tf.TensorSpec:
    return tf.TensorSpec(array.shape, array.dtype)


def _unnamed(configuration: dict) -> dict:
    """Keras numbers the names of the models that a process builds."""
    return {key: value for key, value in configuration.items() if key not in ("name", "backbone")}


@cache
def _package() -> str:
    """Digest of this package: whatever is changed in it, no older program is used."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()
