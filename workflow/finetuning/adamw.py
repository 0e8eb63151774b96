"""AdamW (Loshchilov & Hutter 2019) as one TensorFlow operation a variable.

Keras's own AdamW does the same arithmetic with some forty operations a variable: compiling them
costs a job several seconds, running them uncompiled every step. The tests compare the two.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
NOT_DECAYED = ("bias", "gamma", "beta")  # biases and layer norms


class AdamW:
    """Updates the given variables from their gradients.

    state holds the number of steps taken and each variable's two moments, as tf.Variable: what has
    to be kept to go on later.
    """

    def __init__(self, variables: Sequence[keras.Variable], weight_decay: float) -> None:
        self.variables = [variable.value for variable in variables]
        self.decayed = [not variable.path.endswith(NOT_DECAYED) for variable in variables]
        self.weight_decay = weight_decay
        self.steps = tf.Variable(0, dtype=tf.int64)
        self.first = [tf.Variable(tf.zeros_like(variable)) for variable in self.variables]
        self.second = [tf.Variable(tf.zeros_like(variable)) for variable in self.variables]
        self.state = [self.steps, *self.first, *self.second]
        # Traced once; the learning rate is an argument because schedules change it.
        self.apply = tf.function(self._apply, autograph=False)

    def _apply(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        step = tf.cast(self.steps.assign_add(1), tf.float32)
        kept = 1 - learning_rate * self.weight_decay
        powers = {"beta1_power": BETA_1**step, "beta2_power": BETA_2**step}
        for variable, decays, gradient, first, second in zip(
            self.variables, self.decayed, gradients, self.first, self.second, strict=True
        ):
            if decays and self.weight_decay:
                variable.assign(variable * kept)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                **powers,
                lr=learning_rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient,
            )
