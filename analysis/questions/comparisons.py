"""Each cell against the baseline on the same texts.

Texts and replicates are crossed: replicates may share evaluation texts, wholly or by chance. What
is concluded is of the models as they were trained, for other texts like these, so texts are the
units: each counts once, however many replicates were evaluated on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import signal, stats

from analysis.fit.least_squares import Array
from analysis.fit.resampling import Stream, percentile_interval
from analysis.questions.metric_sums import metrics_of_sums
from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from common.metrics import BY_NAME, SUMMED_METRICS, Metric

# Resamples × texts held in memory at once.
MOST_WEIGHTS = 10_000_000


def sign_flip_test(net: np.ndarray) -> float:
    """Two-sided exact p-value that the net differences (texts,), whole numbers, have mean zero.

    Fisher's randomisation test: where run and baseline are alike, each text's difference is as
    likely to have the other sign. Where none is beyond ±1 this is the exact McNemar test.
    """
    sizes, counts = np.unique(np.abs(net[net != 0]).astype(int), return_counts=True)
    distribution = np.ones(1)  # of the sum of the sizes whose sign is positive
    for size, count in zip(sizes, counts, strict=True):
        steps = np.zeros(size * count + 1)
        steps[::size] = stats.binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = signal.convolve(distribution, steps)
    tail = (int(sizes @ counts) - abs(int(net.sum()))) // 2
    return float(np.clip(2 * distribution[: tail + 1].sum(), 0, 1))


@dataclass(frozen=True)
class Evaluated:
    """Runs and the baseline on one set of n texts.

    cells: the cell of each run; texts: (n,) positions among all texts; columns: (n, (1 + runs) w),
    the w columns of the metrics' sums side by side, the baseline's first; net: (n, runs) whether
    the run is right less whether the baseline is.
    """

    cells: tuple[tuple, ...]
    texts: np.ndarray
    columns: Array
    net: np.ndarray

    def differences(self, weights: Array, blocks: Sequence[tuple[Metric, int]]) -> Array:
        """Metrics of the runs less the baseline's (k, runs, metrics) under weights (k, n)."""
        sums = (weights @ self.columns).reshape(len(weights), 1 + len(self.cells), -1)
        values = metrics_of_sums(sums, blocks, weights.sum(axis=1)[:, None])
        return values[:, 1:] - values[:, :1]


def comparisons(
    runs: pd.DataFrame, predictions: Mapping[str, Predictions], settings: Settings
) -> pd.DataFrame:
    """Each cell against the baseline on the same texts, one row a cell and metric.

    difference is the mean over the cell's replicates of run − baseline. Its interval is the
    percentile interval of a Bayesian bootstrap (Rubin 1981) that weights every text once for all
    replicates, runs and metrics. mcnemar_p, on the accuracy rows, is the `sign_flip_test` of the
    texts' net differences summed over the replicates that have them; gained and lost count the
    pairs of text and replicate that only the run or only the baseline gets right. q_value is
    Benjamini & Hochberg's over all cells.
    """
    metrics = [BY_NAME[name] for name in settings.metric_names if name in SUMMED_METRICS]
    factors = list(settings.factor_names)
    names = [*factors, "metric", "runs", "difference", "ci_low", "ci_high"]
    names += ["mcnemar_p", "q_value", "gained", "lost"]
    pairs = _paired(runs, predictions)
    if not (pairs and metrics):
        return pd.DataFrame(columns=names)

    firsts = [run for (_, run, _), *_ in pairs]
    texts = np.unique(np.concatenate([run.examples for run in firsts]))
    blocks = [(metric, metric.columns(firsts[0]).shape[1]) for metric in metrics]
    evaluated = [_evaluated(group, runs[factors], texts, metrics) for group in pairs]
    cells = _pooled(evaluated, len(texts), blocks, settings)

    rows = []
    for levels, cell in sorted(cells.items(), key=lambda item: item[0]):
        low, high = percentile_interval(cell.drawn / cell.runs, settings.alpha)
        for column, metric in enumerate(metrics):
            row = dict(zip(factors, levels, strict=True))
            row |= {"metric": metric.name, "runs": cell.runs}
            row |= {"difference": cell.difference[column] / cell.runs}
            row |= {"ci_low": low[column], "ci_high": high[column]}
            if metric.name == "accuracy":
                row |= {"mcnemar_p": sign_flip_test(cell.net)}
                row |= {"gained": cell.gained, "lost": cell.lost}
            rows.append(row)
    table = pd.DataFrame(rows, columns=names)
    tested = table["metric"] == "accuracy"
    if tested.any():
        p_values = table.loc[tested, "mcnemar_p"].to_numpy(float)
        table.loc[tested, "q_value"] = stats.false_discovery_control(p_values)
    return table


@dataclass
class Cell:
    """Sums over the replicates of a cell: difference (metrics,), drawn (resamples, metrics),
    net (texts,)."""

    difference: Array
    drawn: Array
    net: np.ndarray
    runs: int = 0
    gained: int = 0
    lost: int = 0


def _pooled(
    evaluated: Sequence[Evaluated],
    texts: int,
    blocks: Sequence[tuple[Metric, int]],
    settings: Settings,
) -> dict[tuple, Cell]:
    cells: dict[tuple, Cell] = {}
    for each in evaluated:
        observed = each.differences(np.ones((1, len(each.texts))), blocks)[0]
        for number, levels in enumerate(each.cells):
            if levels not in cells:
                cells[levels] = Cell(
                    np.zeros(len(blocks)),
                    np.zeros((settings.bootstrap, len(blocks))),
                    np.zeros(texts, dtype=int),
                )
            cell, net = cells[levels], each.net[:, number]
            cell.runs += 1
            cell.difference += observed[number]
            cell.net[each.texts] += net
            cell.gained += int((net > 0).sum())
            cell.lost += int((net < 0).sum())

    rng = Stream.EXAMPLES.generator(settings)
    at_once = max(1, MOST_WEIGHTS // texts)
    for start in range(0, settings.bootstrap, at_once):
        some = slice(start, min(start + at_once, settings.bootstrap))
        weights = rng.standard_exponential((some.stop - start, texts))
        for each in evaluated:
            drawn = each.differences(weights[:, each.texts], blocks)
            for number, levels in enumerate(each.cells):
                cells[levels].drawn[some] += drawn[:, number]
    return cells


Group = list[tuple[object, Predictions, Predictions]]  # row label, run, baseline


def _evaluated(
    group: Group, settings_of: pd.DataFrame, texts: np.ndarray, metrics: Sequence[Metric]
) -> Evaluated:
    (_, _, baseline), *_ = group
    models = [baseline, *(run for _, run, _ in group)]
    return Evaluated(
        cells=tuple(tuple(settings_of.loc[label]) for label, _, _ in group),
        texts=np.searchsorted(texts, baseline.examples),
        columns=np.hstack([metric.columns(model) for model in models for metric in metrics]),
        net=np.array([run.correct.astype(int) - baseline.correct for _, run, _ in group]).T,
    )


def _paired(runs: pd.DataFrame, predictions: Mapping[str, Predictions]) -> list[Group]:
    """Runs and baseline on their common texts, grouped by the same baseline and texts."""
    if not {"predictions", "baseline_predictions"} <= set(runs.columns):
        return []
    groups: dict[tuple[str, bytes], Group] = {}
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
