"""What augmentation did to the texts, and what its doses did to the metrics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis import words
from analysis.findings.finding import Finding, Tables, percent, rows_of
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.variables import Metric
from common.hyperparameters import METHODS, NEUTRAL


def about_augmentation(tables: Tables, study: Study, settings: Settings) -> Iterator[Finding]:
    """Nothing where no run had copies of its training texts."""
    if study.augmentation.empty:
        return
    yield from _about_length(study)
    yield from _about_copies(study.augmentation)
    for metric in settings.metrics:
        for factor in settings.factors:
            if factor.name in METHODS:
                yield from _about_doses(tables, settings, metric, factor.name)


def _about_length(study: Study) -> Iterator[Finding]:
    """Which part of an effect of augmentation may be that of longer training."""
    fixed = study.provenance.get("design", {}).get("fixed", {})
    how = str(fixed.get("augmentation", NEUTRAL["augmentation"]))
    modes = set(study.runs.get("augmentation", [how]))
    rates = [study.runs[m] if m in study.runs else fixed.get(m, NEUTRAL[m]) for m in METHODS]
    all_have = all(any(run) for run in zip(*np.broadcast_arrays(*rates), strict=True))
    numbers = sorted(set(study.augmentation["augmented_copies"].astype(int)))
    times = words.listed([f"{1 + number}" for number in numbers], last="or")
    if modes == {"append"} and all_have and len(numbers) == 1:
        yield Finding(
            "augmentation",
            "",
            "training_length",
            False,
            f"Copies were appended in every run: each has {times} times the training steps that "
            "its texts alone would take. All runs have as many, so their doses are compared at one "
            "length of training; augmentation as such cannot be told apart from longer training.",
        )
    elif "append" in modes:
        yield Finding(
            "augmentation",
            "",
            "training_length",
            False,
            f"Copies were appended: a run with augmentation has {times} times the training steps "
            "of one without at the same epochs, so the effect of augmentation cannot be told apart "
            "from that of longer training. With augmentation: replace all runs have as many steps.",
        )
    if "replace" in modes:
        yield Finding(
            "augmentation",
            "",
            "same_length",
            False,
            "Copies replaced their texts: a run with augmentation has as many training steps as "
            "one without, but never sees a text as it was.",
        )


def _about_copies(augmentation: pd.DataFrame) -> Iterator[Finding]:
    """Whether copies keep their label in the baseline's eyes, and which were not used."""
    agrees = _range(augmentation["baseline_agrees"])
    right = augmentation[["baseline_right_before", "baseline_right_after"]].mean()
    yield Finding(
        "augmentation",
        "",
        "agreement",
        False,
        f"The baseline gives {agrees} of the copies the label that it gives their text, by the way "
        f"of copying. It is right on {_percent(right.iloc[0])} of the texts and, on average, on "
        f"{_percent(right.iloc[1])} of the copies.",
    )
    held_out = int(augmentation["held_out"].sum())
    unused = float(1 - augmentation["used"].mean())
    sentence = "No copy is the same as an evaluation or validation text."
    if held_out:
        copies = "1 copy" if held_out == 1 else f"{held_out:,} copies"
        sentence = f"{copies} had become the same as an evaluation or validation text."
    if unused > 0:
        sentence += (
            f" {_percent(unused)} of the copies were not trained on, for that reason or because "
            "the baseline disagreed; their texts stand in."
        )
    yield Finding("augmentation", "", "unused", False, sentence)


def _about_doses(
    tables: Tables, settings: Settings, metric: Metric, factor: str
) -> Iterator[Finding]:
    """Each dose against none, on average over the settings that were run."""
    rows = rows_of(tables, "differences", metric=metric.name, factor=factor, comparison="average")
    rows = rows[rows["level"].astype(float) == 0] if len(rows) else rows
    told = []
    for row in rows.dropna(subset="difference").to_dict("records"):
        amount, interval = words.amount_and_interval(
            row["difference"], row["ci_low"], row["ci_high"], metric
        )
        told.append(f"{amount} at {words.level(float(row['other_level']))} ({interval})")
    if told:
        yield Finding(
            "augmentation",
            metric.name,
            "dose",
            bool(((rows["ci_low"] > 0) | (rows["ci_high"] < 0)).any()),
            f"{words.sentence_case(words.name(metric.name))} against no {words.name(factor)}: "
            f"{words.listed(told)}; {percent(settings)} intervals that hold together.",
            about=factor,
        )


def _range(shares: pd.Series) -> str:
    low, high = f"{100 * shares.min():.0f}", f"{100 * shares.max():.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
