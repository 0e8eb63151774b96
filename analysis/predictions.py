"""What the stored predictions tell that the metrics alone do not.

Each run may name a safetensors file with the logits of its evaluation examples, and one with the
baseline's on the same examples. Pairing them by example gives the exact McNemar test, the paired
bootstrap, reliability diagrams, and the part of a metric's variance that comes from the finite
evaluation set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from scipy import stats

from analysis.resampling import Stream, percentile_interval
from analysis.settings import InputError, Settings, one_line, shown

# Metrics that are functions of sums over examples, so that all resamples are one matrix product.
SUMMED_METRICS = ("accuracy", "f1", "f1_macro", "loss")
POSITIVE_CLASS = 1
BINS = 10
# Resamples × examples held in memory at once.
MOST_COUNTS = 10_000_000


@dataclass(frozen=True)
class Predictions:
    """Logits of one model on one evaluation set: (n, classes), labels (n,), example ids (n,)."""

    logits: np.ndarray
    labels: np.ndarray
    examples: np.ndarray

    @cached_property
    def log_probabilities(self) -> np.ndarray:
        logits = self.logits.astype(float)
        logits = logits - logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    @cached_property
    def predicted(self) -> np.ndarray:
        return self.logits.argmax(axis=1)

    @cached_property
    def correct(self) -> np.ndarray:
        return self.predicted == self.labels

    def take(self, rows: np.ndarray) -> Predictions:
        return Predictions(self.logits[rows], self.labels[rows], self.examples[rows])


def read_predictions(runs: pd.DataFrame, folder: Path) -> dict[str, Predictions]:
    """Every predictions file that the run table names and that exists, by its name there.

    Files are absent in a shared example of a study; a broken one raises InputError.
    """
    names: set[str] = set()
    for column in ("predictions", "baseline_predictions"):
        if column in runs:
            names |= {name for name in runs[column] if isinstance(name, str) and name}
    found = {}
    for name in sorted(names):
        path = Path(folder) / name
        if path.is_file():
            try:
                tensors = load_file(path)
                found[name] = Predictions(tensors["logits"], tensors["labels"], tensors["examples"])
                _check(found[name])
            except Exception as error:  # safetensors raises its own kinds
                raise InputError(
                    f"{shown(name)}: not a predictions file ({one_line(error)}); wanted is a "
                    "safetensors file with logits (n, classes), labels (n,) and examples (n,)."
                ) from error
    return found


def _check(predictions: Predictions) -> None:
    """Raises ValueError where the arrays do not go together."""
    logits, labels, examples = predictions.logits, predictions.labels, predictions.examples
    if logits.ndim != 2 or logits.shape[1] < 2 or not np.isfinite(logits).all():
        raise ValueError("logits are not two columns or more of finite numbers")
    if labels.shape != examples.shape or labels.shape != logits.shape[:1]:
        raise ValueError("logits, labels and examples are not as many")
    if not np.issubdtype(labels.dtype, np.integer) or not np.issubdtype(examples.dtype, np.integer):
        raise ValueError("labels or examples are not whole numbers")
    if len(labels) and not (labels.min() >= 0 and labels.max() < logits.shape[1]):
        raise ValueError("a label has no column of logits")


# --- metrics as functions of sums over examples -------------------------------------------------


def summands(predictions: Predictions, metric: str) -> np.ndarray:
    """(n, k) columns whose sums determine the metric."""
    if metric == "accuracy":
        return predictions.correct[:, None].astype(float)
    if metric == "loss":
        rows = np.arange(len(predictions.labels))
        return -predictions.log_probabilities[rows, predictions.labels][:, None]
    binary = predictions.logits.shape[1] == 2
    classes = [POSITIVE_CLASS] if metric == "f1" and binary else range(predictions.logits.shape[1])
    columns = []
    for label in classes:
        is_predicted, is_label = predictions.predicted == label, predictions.labels == label
        columns += [2.0 * (is_predicted & is_label), is_predicted.astype(float) + is_label]
    return np.column_stack(columns)


def metric_of_sums(sums: np.ndarray, metric: str, examples: int) -> np.ndarray:
    """The metric from sums (…, k) of `summands`; F1 of a class that never occurs counts 0."""
    if metric in ("accuracy", "loss"):
        return sums[..., 0] / examples
    hits, cases = sums[..., 0::2], sums[..., 1::2]
    return np.divide(hits, cases, out=np.zeros_like(hits), where=cases > 0).mean(axis=-1)


def influences(predictions: Predictions, metric: str) -> np.ndarray:
    """(n,) first-order influence of each example on the metric, summing to zero.

    Their variance over n is the metric's sampling variance (the delta method; for F1 the ratio
    estimator of Cochran 1977, section 6.3).
    """
    columns = summands(predictions, metric)
    if metric in ("accuracy", "loss"):
        return columns[:, 0] - columns[:, 0].mean()
    hits, cases = columns[:, 0::2], columns[:, 1::2]
    means = cases.mean(axis=0)
    used = means > 0
    ratios = hits.mean(axis=0)[used] / means[used]
    each = (hits[:, used] - ratios * cases[:, used]) / means[used]
    return each.sum(axis=1) / len(means)


# --- each cell against the baseline -------------------------------------------------------------


def exact_mcnemar(gained: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Two-sided exact McNemar p-values (binomial, McNemar 1947; R's `binom.test` on the pair).

    gained: examples that only the run gets right; lost: that only the baseline gets right.
    """
    gained, lost = np.asarray(gained), np.asarray(lost)
    discordant = gained + lost
    return np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(gained, lost), discordant, 0.5))


def paired_differences(
    run_columns: np.ndarray,
    baseline_columns: np.ndarray,
    blocks: Sequence[tuple[str, int]],
    resamples: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Bootstrap of metric differences between runs and the baseline on the same examples.

    run_columns: (runs, n, k) and baseline_columns: (n, k), the `summands` of the metrics side by
    side; blocks: (metric, its number of columns) in that order.
    Returns (resamples, runs, metrics). The same examples are drawn for all of them.
    """
    runs, examples, width = run_columns.shape
    stacked = np.concatenate([baseline_columns[None], run_columns])
    stacked = stacked.transpose(1, 0, 2).reshape(examples, -1)
    chunk = max(1, MOST_COUNTS // examples)
    differences = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        draws = rng.integers(0, examples, (size, examples)) + examples * np.arange(size)[:, None]
        counts = np.bincount(draws.ravel(), minlength=size * examples).reshape(size, examples)
        sums = (counts.astype(float) @ stacked).reshape(size, runs + 1, width)
        values = _metrics_of_sums(sums, blocks, examples)
        differences.append(values[:, 1:] - values[:, :1])
    return np.concatenate(differences)


def comparisons(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], settings: Settings
) -> pd.DataFrame:
    """Each cell against the baseline on the same examples, one row a cell and metric.

    The replicates of a cell are pooled: difference is the mean of run − baseline, its percentile
    bootstrap interval draws examples within each replicate, in pairs. mcnemar_p tests the
    discordant examples of all replicates (gained, lost) and stands on the accuracy rows; q_value
    is Benjamini & Hochberg's over all cells.
    """
    metrics = [name for name in settings.metric_names if name in SUMMED_METRICS]
    factors = list(settings.factor_names)
    names = [*factors, "metric", "runs", "difference", "ci_low", "ci_high"]
    names += ["mcnemar_p", "q_value", "gained", "lost"]
    pairs = _paired(runs, predictions)
    if not (pairs and metrics):
        return pd.DataFrame(columns=names)

    rng = Stream.EXAMPLES.generator(settings)
    cells: dict[tuple, _Pooled] = {}
    for group in pairs:
        baseline = group[0][2]
        blocks = [(metric, summands(baseline, metric).shape[1]) for metric in metrics]
        side_by_side = np.array(
            [
                np.concatenate([summands(model, metric) for metric in metrics], axis=1)
                for model in (baseline, *(run for _, run, _ in group))
            ]
        )
        drawn = paired_differences(
            side_by_side[1:], side_by_side[0], blocks, settings.bootstrap, rng
        )
        values = _metrics_of_sums(side_by_side.sum(axis=1), blocks, len(baseline.labels))
        for number, (index, run, _) in enumerate(group):
            cell = cells.setdefault(tuple(runs.loc[index, factors]), _Pooled())
            cell.runs += 1
            cell.difference = cell.difference + values[number + 1] - values[0]
            cell.drawn = cell.drawn + drawn[:, number]
            cell.gained += int((run.correct & ~baseline.correct).sum())
            cell.lost += int((baseline.correct & ~run.correct).sum())

    rows = []
    for levels, cell in sorted(cells.items(), key=lambda item: item[0]):
        low, high = percentile_interval(cell.drawn / cell.runs, settings.alpha)
        for column, metric in enumerate(metrics):
            row = dict(zip(factors, levels, strict=True)) | {"metric": metric, "runs": cell.runs}
            row |= {"difference": cell.difference[column] / cell.runs}
            row |= {"ci_low": low[column], "ci_high": high[column]}
            if metric == "accuracy":
                row |= {"mcnemar_p": exact_mcnemar(cell.gained, cell.lost)}
                row |= {"gained": cell.gained, "lost": cell.lost}
            rows.append(row)
    table = pd.DataFrame(rows, columns=names)
    tested = table["metric"] == "accuracy"
    if tested.any():
        p_values = table.loc[tested, "mcnemar_p"].to_numpy(float)
        table.loc[tested, "q_value"] = stats.false_discovery_control(p_values)
    return table


@dataclass
class _Pooled:
    """Sums over the replicates of a cell: difference (metrics,), drawn (resamples, metrics)."""

    runs: int = 0
    difference: np.ndarray | float = 0.0
    drawn: np.ndarray | float = 0.0
    gained: int = 0
    lost: int = 0


def _metrics_of_sums(
    sums: np.ndarray, blocks: Sequence[tuple[str, int]], examples: int
) -> np.ndarray:
    """(…, metrics) from sums (…, k) of the columns of several metrics side by side."""
    values, column = [], 0
    for metric, columns in blocks:
        values.append(metric_of_sums(sums[..., column : column + columns], metric, examples))
        column += columns
    return np.stack(values, axis=-1)


def _paired(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions]
) -> list[list[tuple[object, Predictions, Predictions]]]:
    """(row label, run, baseline) on their common examples, grouped by the same examples."""
    if not {"predictions", "baseline_predictions"} <= set(runs.columns):
        return []
    groups: dict[tuple[str, bytes], list] = {}
    for index, mine, theirs in runs[["predictions", "baseline_predictions"]].itertuples():
        if mine not in predictions or theirs not in predictions:
            continue
        run, baseline = predictions[mine], predictions[theirs]
        if not np.array_equal(run.examples, baseline.examples):
            common, left, right = np.intersect1d(
                run.examples, baseline.examples, return_indices=True
            )
            if len(common) == 0:
                continue
            run, baseline = run.take(left), baseline.take(right)
        groups.setdefault((theirs, run.examples.tobytes()), []).append((index, run, baseline))
    # Sorted, not taken in order of appearance: permuting the rows changes no draw.
    return [groups[key] for key in sorted(groups)]


# --- calibration --------------------------------------------------------------------------------


def reliability_bins(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """Confidence against accuracy in equal-width bins, pooled over the given models.

    Columns bin (1 … 10), confidence, accuracy, count, and expected_calibration_error, the
    count-weighted mean of |accuracy − confidence| (Guo et al. 2017, "On calibration of modern
    neural networks"). Empty bins are left out.
    """
    confidence = np.concatenate([np.exp(p.log_probabilities).max(axis=1) for p in predictions])
    correct = np.concatenate([p.correct for p in predictions])
    bins = np.clip(np.ceil(confidence * BINS), 1, BINS).astype(int)
    table = (
        pd.DataFrame({"bin": bins, "confidence": confidence, "accuracy": correct.astype(float)})
        .groupby("bin")
        .agg(
            confidence=("confidence", "mean"), accuracy=("accuracy", "mean"), count=("bin", "size")
        )
        .reset_index()
    )
    gaps = (table["accuracy"] - table["confidence"]).abs()
    table["expected_calibration_error"] = gaps @ table["count"] / table["count"].sum()
    return table


def reliability(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], settings: Settings
) -> pd.DataFrame:
    """`reliability_bins` of every cell (replicates pooled) and of the baseline.

    Column model says which: "cell" (the factors name it) or "baseline" (the factors are empty).
    """
    factors = list(settings.factor_names)
    names = ["model", *factors, "bin", "confidence", "accuracy", "count"]
    names.append("expected_calibration_error")
    parts = []
    if "predictions" in runs:
        kept = runs[runs["predictions"].isin(list(predictions))]
        for levels, cell in kept.groupby(factors, sort=True):
            part = reliability_bins([predictions[name] for name in cell["predictions"]])
            parts.append(part.assign(model="cell", **dict(zip(factors, levels, strict=True))))
    if "baseline_predictions" in runs:
        baselines = [n for n in runs["baseline_predictions"].unique() if n in predictions]
        if baselines:
            part = reliability_bins([predictions[name] for name in baselines])
            parts.append(part.assign(model="baseline"))
    return pd.concat(parts).reindex(columns=names) if parts else pd.DataFrame(columns=names)


# --- evaluation sampling ------------------------------------------------------------------------


@dataclass(frozen=True)
class EvaluationVariance:
    """Variance of a metric that comes from the finite evaluation set, by what shares it.

    shared: common to every run evaluated on the same examples; trajectory: common to the runs of
    one trajectory beyond that; run: each run's own.
    """

    shared: float
    trajectory: float
    run: float

    @property
    def total(self) -> float:
        return self.shared + self.trajectory + self.run


def evaluation_variance(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], metric: str
) -> EvaluationVariance | None:
    """Sampling (co)variances of the metric over examples, averaged over replicates.

    runs needs the columns replicate and trajectory. None where nothing can be said: no stored
    predictions, or a metric that is not a function of sums over examples.
    """
    if metric not in SUMMED_METRICS or "predictions" not in runs:
        return None
    estimates = []
    kept = runs[runs["predictions"].isin(list(predictions))]
    for _, replicate in kept.groupby("replicate"):
        models = [predictions[name] for name in replicate["predictions"]]
        if any(not np.array_equal(m.examples, models[0].examples) for m in models):
            continue
        each = np.array([influences(model, metric) for model in models])
        covariance = each @ each.T / each.shape[1] ** 2
        trajectory = replicate["trajectory"].to_numpy()
        same_run = np.eye(len(models), dtype=bool)
        same_trajectory = (trajectory[:, None] == trajectory) & ~same_run
        others = trajectory[:, None] != trajectory
        own = covariance[same_run].mean()
        shared = covariance[others].mean() if others.any() else 0.0
        within = covariance[same_trajectory].mean() if same_trajectory.any() else shared
        estimates.append((shared, within - shared, own - within))
    if not estimates:
        return None
    return EvaluationVariance(*(float(value) for value in np.mean(estimates, axis=0)))
