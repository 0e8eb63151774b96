"""Each cell against the baseline on the same examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.fit.resampling import Stream, percentile_interval
from analysis.questions.metric_sums import metrics_of_sums
from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from common.metrics import BY_NAME, SUMMED_METRICS, Metric

# Resamples × examples held in memory at once.
MOST_COUNTS = 10_000_000


def exact_mcnemar(gained: ArrayLike, lost: ArrayLike) -> np.ndarray:
    """Two-sided exact McNemar p-values (binomial, McNemar 1947; R's `binom.test` on the pair).

    gained: examples that only the run gets right; lost: that only the baseline gets right.
    """
    discordant = np.add(gained, lost)
    return np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(gained, lost), discordant, 0.5))


def paired_differences(
    run_columns: np.ndarray,
    baseline_columns: np.ndarray,
    blocks: Sequence[tuple[Metric, int]],
    resamples: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Bootstrap of metric differences between runs and the baseline on the same examples.

    run_columns: (runs, n, k) and baseline_columns: (n, k), the columns of the metrics' sums
    side by side; blocks: (metric, its number of columns) in that order.
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
        values = metrics_of_sums(sums, blocks, examples)
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
    metrics = [BY_NAME[name] for name in settings.metric_names if name in SUMMED_METRICS]
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
        blocks = [(metric, metric.columns(baseline).shape[1]) for metric in metrics]
        side_by_side = np.array(
            [
                np.concatenate([metric.columns(model) for metric in metrics], axis=1)
                for model in (baseline, *(run for _, run, _ in group))
            ]
        )
        drawn = paired_differences(
            side_by_side[1:], side_by_side[0], blocks, settings.bootstrap, rng
        )
        values = metrics_of_sums(side_by_side.sum(axis=1), blocks, len(baseline.labels))
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
            row = dict(zip(factors, levels, strict=True)) | {
                "metric": metric.name,
                "runs": cell.runs,
            }
            row |= {"difference": cell.difference[column] / cell.runs}
            row |= {"ci_low": low[column], "ci_high": high[column]}
            if metric.name == "accuracy":
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
    difference: np.ndarray = field(default_factory=lambda: np.zeros(()))
    drawn: np.ndarray = field(default_factory=lambda: np.zeros(()))
    gained: int = 0
    lost: int = 0


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
