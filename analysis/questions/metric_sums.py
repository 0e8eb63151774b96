"""Metrics as functions of sums over examples, so that all resamples are one matrix product.

Which metrics are, and of which sums, is said where they are defined: ``common/metrics.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.metrics import Array, Metric, Scored


def influences(scored: Scored, metric: Metric) -> Array:
    """(n,) first-order influence of each example on the metric, summing to zero.

    Their variance over n is the metric's sampling variance (the delta method; for F1 the ratio
    estimator of Cochran 1977, section 6.3).
    """
    columns = metric.columns(scored)
    if not metric.ratio:
        return columns[:, 0] - columns[:, 0].mean()
    parts, wholes = columns[:, 0::2], columns[:, 1::2]
    means = wholes.mean(axis=0)
    used = means > 0
    ratios = parts.mean(axis=0)[used] / means[used]
    each = (parts[:, used] - ratios * wholes[:, used]) / means[used]
    return each.sum(axis=1) / len(means)


def metrics_of_sums(
    sums: Array, blocks: Sequence[tuple[Metric, int]], examples: Array | float
) -> Array:
    """(…, metrics) from sums (…, k) of the columns of several metrics side by side.

    blocks: each metric with the number of its columns, in that order. examples: how many (…), or
    their total weight.
    """
    values, column = [], 0
    for metric, columns in blocks:
        values.append(metric.of_sums(sums[..., column : column + columns], examples))
        column += columns
    return np.stack(values, axis=-1)
