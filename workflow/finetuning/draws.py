"""Draws of a replicate's training, validation and evaluation sets from the texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import UserError
from common.sections import needs, one_of
from finetuning.dataset import TokenisedTexts
from finetuning.sameness import twins

if TYPE_CHECKING:
    import pandas as pd

# Named integers of the random draws made from the study's seed.
BASELINE_FILMS_DRAW = 101
BASELINE_SENTENCES_DRAW = 102
SPLIT_DRAW = 103

GROUP_DIVISIONS_TRIED = 100
EVERY_TEXT = "all"  # data.evaluation_examples: the whole evaluation split


@dataclass(frozen=True)
class Data:
    """A replicate's sets: their sizes, and which texts they may hold."""

    training_examples: int = field(metadata=needs("a whole number of at least 2", minimum=2))
    evaluation_examples: Any = field(
        metadata=needs(
            f"a whole number of at least 2, or {EVERY_TEXT}",
            anyOf=[{"type": "integer", "minimum": 2}, {"enum": [EVERY_TEXT]}],
        )
    )
    validation_examples: int = field(
        default=0, metadata=needs("a whole number of at least 0", minimum=0)
    )
    least_of_a_class: int = field(
        default=1, metadata=needs("a whole number of at least 1", minimum=1)
    )
    contradictions: str = field(default="drop", metadata=one_of(["drop", "refuse"]))


@dataclass(frozen=True)
class Candidates:
    """The texts that sets are drawn from; every array has shape (texts,).

    labels: int; training, evaluation: bool, which texts may be drawn for either (training includes
    validation); groups: int, a text without a group has one of its own; twins: int, the same for
    texts that are the same to the model. grouped: whether any text has a group.
    """

    labels: np.ndarray
    training: np.ndarray
    evaluation: np.ndarray
    groups: np.ndarray
    twins: np.ndarray
    grouped: bool

    @classmethod
    def of(
        cls, texts: pd.DataFrame, tokenised: TokenisedTexts, left_out: Mapping[str, np.ndarray]
    ) -> Candidates:
        """From the table of texts.

        Args:
            texts: columns label (int), group (text, empty: none) and part, where "study" rows
                serve all sets and "study_training" / "study_evaluation" rows only those they name.
            tokenised: the same texts.
            left_out: texts that no set may hold, bool (texts,) by reason.
        """
        part = texts["part"].to_numpy()
        same = twins(tokenised)
        free = ~np.any(list(left_out.values()), axis=0)
        free &= ~np.isin(same, same[part == "baseline"])
        training = free & np.isin(part, ("study", "study_training"))
        evaluation = free & np.isin(part, ("study", "study_evaluation"))
        own = [f"\0{row}" for row in range(len(texts))]
        names = texts["group"].where(texts["group"] != "", own).to_numpy(dtype=str)
        grouped = bool((texts["group"].to_numpy()[training] != "").any())
        groups = np.unique(names, return_inverse=True)[1]
        labels = texts["label"].to_numpy()
        return cls(labels, training, evaluation, groups, same, grouped)

    def label_counts(self) -> dict[str, dict[str, int]]:
        """How many texts of each label may be drawn for training and for evaluation."""
        return {
            "training": count_labels(self.labels[self.training]),
            "evaluation": count_labels(self.labels[self.evaluation]),
        }

    def apart(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Those of the pool's rows that share neither group nor tokens with the given rows."""
        kin = np.isin(self.groups[pool], self.groups[rows])
        return pool[~kin & ~np.isin(self.twins[pool], self.twins[rows])]


def count_labels(labels: np.ndarray) -> dict[str, int]:
    """Label, as JSON names it, to how many of the labels it is."""
    found, numbers = np.unique(labels, return_counts=True)
    return dict(zip(map(str, found), numbers.tolist(), strict=True))


def draw_split(
    candidates: Candidates, config: Mapping, replicate: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a replicate's training, validation and evaluation rows.

    Args:
        candidates: the texts.
        config: the study's configuration; seed and data are read. The validation rows are kept
            aside from the training rows. "all" for the evaluation examples takes the whole
            evaluation split, or where there is none every text that shares nothing with training.
        replicate: number of the replicate; each draws anew.

    Returns:
        Row numbers of the three sets, each int32, ascending, with exactly the sizes asked for, no
        group and no text that is the same to the model in two of them. Each has the classes in
        their share of the texts it is drawn from, to the nearest text. Where groups have to be
        divided, a validation set is asked for and one side of the division has too few texts of a
        class, as near to it as they allow; without a validation set, the share is that of the
        set's own side.

    Raises:
        UserError: there are too few texts, the groups cannot be divided so, or a set would hold
            a class less often than data.least_of_a_class says.
    """
    data = config["data"]
    training_size, validation_size = data["training_examples"], data["validation_examples"]
    everything = data["evaluation_examples"] == EVERY_TEXT
    draw = np.random.default_rng([config["seed"], SPLIT_DRAW, replicate])
    labels = candidates.labels
    training_pool = np.flatnonzero(candidates.training)
    evaluation_pool = whole = np.flatnonzero(candidates.evaluation)
    shared = np.array_equal(training_pool, evaluation_pool)
    evaluation_size = 1 if everything else data["evaluation_examples"]
    _require_enough(len(training_pool), training_size, "training")
    _require_enough(len(evaluation_pool), evaluation_size, "evaluation")
    if shared:
        both = training_size + evaluation_size
        _require_enough(len(training_pool), both, "training", "evaluation")
    exact = validation_size > 0
    like = {
        part: labels[pool] if exact else None
        for part, pool in (("training", training_pool), ("evaluation", evaluation_pool))
    }

    if shared and candidates.grouped:
        # Of the whole rest, half, so that there is room to divide the groups.
        rest = (len(whole) - training_size) // 2 if everything else evaluation_size
        sizes = {"training": training_size, "evaluation": rest}
        training_pool, evaluation_pool = _divide_groups(
            candidates, training_pool, sizes, draw, like["training"]
        )
    if everything:
        evaluation = np.zeros(0, np.int32) if shared else whole.astype(np.int32)
    else:
        evaluation = _stratified(labels, evaluation_pool, evaluation_size, draw, like["evaluation"])
    training_pool = candidates.apart(training_pool, evaluation)
    if len(training_pool) < training_size:
        raise UserError(
            f"data.training_examples: {training_size} were requested, but only "
            f"{len(training_pool)} texts share neither a group nor all their tokens with the "
            "evaluation set. Ask for fewer."
        )
    training_size -= validation_size
    validation = np.zeros(0, np.int32)
    if validation_size:
        pool = training_pool
        if candidates.grouped:
            sizes = {"training": training_size, "validation": validation_size}
            training_pool, pool = _divide_groups(
                candidates, training_pool, sizes, draw, like["training"]
            )
        validation = _stratified(labels, pool, validation_size, draw, like["training"])
        training_pool = candidates.apart(training_pool, validation)
        _require_enough(len(training_pool), training_size, "training")
    training = _stratified(labels, training_pool, training_size, draw, like["training"])
    if everything and shared:
        kept = np.concatenate([training, validation])
        evaluation = candidates.apart(whole, kept).astype(np.int32)
        if not len(evaluation):
            raise UserError(
                f"data.evaluation_examples: {EVERY_TEXT} was given, but each of the {len(whole)} "
                f"texts shares a group or all its tokens with one of the {len(kept)} training "
                f"examples of replicate {replicate}. Ask for fewer in data.training_examples."
            )

    drawn = {"training": training, "validation": validation, "evaluation": evaluation}
    _require_classes(candidates, drawn, data["least_of_a_class"], replicate)
    return training, validation, evaluation


def stratified_draw(
    labels: np.ndarray, size: int, draw: np.random.Generator, like: np.ndarray | None = None
) -> np.ndarray:
    """Positions of `size` of the labels, each class in its share (largest remainder).

    like: the labels whose shares they are; None: the same ones. A class that has too few is made
    up for by the others.
    """
    classes, available = np.unique(labels, return_counts=True)
    counts = available if like is None else (like == classes[:, None]).sum(axis=1)
    quota = counts * size / counts.sum()
    take = np.minimum(np.floor(quota).astype(int), available)
    # Where remainders tie, chance decides, lest one class win in every draw.
    chance = draw.random(len(classes))
    while take.sum() < size:
        short = np.where(take < available, take - quota, np.inf)
        take[np.lexsort((chance, short))[0]] += 1
    chosen = [
        draw.permutation(np.flatnonzero(labels == label))[:number]
        for label, number in zip(classes, take, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _stratified(
    labels: np.ndarray,
    pool: np.ndarray,
    size: int,
    draw: np.random.Generator,
    like: np.ndarray | None,
) -> np.ndarray:
    return pool[stratified_draw(labels[pool], size, draw, like)].astype(np.int32)


def _divide_groups(
    candidates: Candidates,
    pool: np.ndarray,
    sizes: dict[str, int],
    draw: np.random.Generator,
    like: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide whole groups into two pools, each large enough for the set of its name and size.

    Of GROUP_DIVISIONS_TRIED random ones it is the first in which either side has enough of every
    class for the shares in `like` (None: has every class), or else the nearest to it.
    """
    from sklearn.model_selection import GroupShuffleSplit

    (first_name, first_size), (second_name, second_size) = sizes.items()
    groups, labels = candidates.groups[pool], candidates.labels[pool]
    number_of_groups = len(np.unique(groups))
    classes = np.unique(labels)
    nearest, least = None, math.inf
    if number_of_groups >= 2:
        share = second_size / (first_size + second_size)
        divisions = GroupShuffleSplit(
            n_splits=GROUP_DIVISIONS_TRIED,
            test_size=min(max(round(share * number_of_groups), 1), number_of_groups - 1),
            random_state=int(draw.integers(2**31)),
        ).split(pool, groups=groups)
        for first, second in divisions:
            sides = [(labels[first], first_size), (labels[second], second_size)]
            if all(len(np.unique(side)) == len(classes) and len(side) >= n for side, n in sides):
                lacking = sum(_lacking(side, n, classes, like) for side, n in sides)
                if lacking < least:
                    nearest, least = (pool[first], pool[second]), lacking
            if least == 0:
                break
    if nearest is None:
        raise UserError(
            f"data: {first_size} {first_name} and {second_size} {second_name} examples are asked "
            f"for, but the {number_of_groups} groups cannot be divided so that each side has as "
            "many, of every class: texts of one group stay together. Ask for fewer."
        )
    return nearest


def _lacking(labels: np.ndarray, size: int, classes: np.ndarray, like: np.ndarray | None) -> float:
    """How many texts of a class are too few for a set with the shares in `like`."""
    if like is None:
        return 0
    quota = np.array([np.mean(like == label) * size for label in classes])
    available = np.array([np.sum(labels == label) for label in classes])
    return float(np.maximum(np.floor(quota) - available, 0).sum())


def _require_enough(available: int, size: int, *sets: str) -> None:
    if available < size:
        keys = " + ".join(f"data.{name}_examples" for name in sets)
        raise UserError(
            f"{keys}: {size} were requested, but there are {available} texts, not counting those "
            "that are repeated, empty or contradictory. Ask for fewer."
        )


def _require_classes(
    candidates: Candidates, drawn: Mapping[str, np.ndarray], least: int, replicate: int
) -> None:
    """Refuse sets in which a class of the texts is rarer than asked for."""
    everywhere = candidates.training | candidates.evaluation
    classes = np.unique(candidates.labels[everywhere])
    for name, rows in drawn.items():
        labels = candidates.labels[rows]
        if len(rows) and len(np.unique(labels)) < 2:
            raise UserError(
                f"data.{name}_examples: with {len(rows)} the {name} set of replicate {replicate} "
                "holds one class only, so that nothing can be learnt from it. Ask for more, or "
                "take texts in which each class is more than a rarity."
            )
        for label in classes if len(rows) else ():
            found = int(np.sum(labels == label))
            if found < least:
                pool = candidates.evaluation if name == "evaluation" else candidates.training
                there = int(np.sum(candidates.labels[pool] == label))
                raise UserError(
                    f"data.least_of_a_class: {least} of each class were requested, but of the "
                    f"{len(rows)} {name} texts of replicate {replicate} {found} have the label "
                    f"{label}, as have {there} of the {int(pool.sum())} they are drawn from. Ask "
                    f"for more in data.{name}_examples, or take texts with more of that label."
                )
