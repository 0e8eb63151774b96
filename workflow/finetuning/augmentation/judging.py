"""What the baseline says of copies of training texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from finetuning.augmentation.copied import Copied
from finetuning.checkpoints import load_classifier
from finetuning.dataset import Examples, tokenise
from finetuning.evaluation import compile_predictor, predict_logits
from finetuning.tally import Tally


def judged(
    checkpoint: Path, training: Examples, copies: pd.DataFrame, only_agreeing: bool, tally: Tally
) -> Copied:
    """Copies as tokens, with the labels that the checkpoint gives to them and to their texts.

    Args:
        checkpoint: directory of the baseline, with its tokenizer.
        training: n texts.
        copies: as `make_copies` makes them of these, with a column held_out.
        only_agreeing: whether a copy is usable only where both get the same label.
        tally: is kept up with what is done.
    """
    lengths = training.padded_lengths
    tokenised = tokenise(copies["text"].tolist(), checkpoint, int(lengths[-1]))
    number = len(copies) // len(training)
    examples = Examples(
        tokenised.tokens,
        tokenised.offsets,
        np.tile(training.labels, number),
        np.tile(training.rows, number),
        lengths,
    )
    predictor = tally.counting(compile_predictor(load_classifier(checkpoint)))
    of_texts = predict_logits(predictor, training).argmax(axis=1)
    of_copies = predict_logits(predictor, examples).argmax(axis=1)
    agrees = of_copies == np.tile(of_texts, number)
    usable = ~copies["held_out"].to_numpy(bool)
    return Copied(
        examples,
        usable & agrees if only_agreeing else usable,
        agrees,
        of_texts == training.labels,
        of_copies == examples.labels,
    )
