"""How things look and are written: colours by meaning, the one matplotlib style, names, numbers.

The same thing has the same colour in every figure: a factor, an estimator, the baseline, better and
worse. The colours are those of Okabe & Ito (2008, "Color Universal Design"), which people with any
colour vision tell apart; heights take cividis and ordered levels viridis, made for the same
purpose.
Figures are drawn at the width of the report's text, so that a point here is a point in print.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from analysis.settings import Factor, Metric

WIDTH = 6.5  # inches: an A4 page less its margins
PNG_DPI = 160

BLACK, GREY, LIGHT, FAINT = "#1a1a1a", "#6e6e6e", "#b8b8b8", "#e6e6e6"
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
    "#F0E442",
)
BASELINE = VERMILION  # the checkpoint before fine-tuning, wherever it appears
OBSERVED = GREY  # what was measured; lines and surfaces are what was fitted
FRONT = BLUE
_FACTORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
# name in coefficients.csv -> (how it is called, colour, marker)
ESTIMATORS = {
    "split_plot": ("split-plot", BLACK, "o"),
    "ols_cluster": ("OLS, cluster-robust", BLUE, "s"),
    "ols": ("OLS, classical", ORANGE, "D"),
}
# worse than the baseline — the same — better, whichever direction is better for the metric
DIFFERENCE = LinearSegmentedColormap.from_list(
    "difference", ["#8a3c00", VERMILION, "#f3b58a", "#f7f7f7", "#8fc1e0", BLUE, "#00406b"]
)
SURFACE = mpl.colormaps["cividis"]  # the height of a fitted surface
_LEVELS = mpl.colormaps["viridis"]  # ordered levels of a factor

_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.labelcolor": BLACK,
    "axes.axisbelow": True,
    "text.color": BLACK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": BLACK,
    "ytick.labelcolor": BLACK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.visible": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.05,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "figure.dpi": PNG_DPI,
    "svg.hashsalt": "hyperparameter-tradeoffs",  # the same figure gives the same bytes
    "svg.fonttype": "path",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "path.simplify": True,
}


def applied() -> Any:
    """The style as a context: ``with style.applied(): ...``."""
    return mpl.rc_context(_RC)


def factor_colour(name: str, names: tuple[str, ...]) -> str:
    """One colour a factor, by its place in the config."""
    return _FACTORS[names.index(name) % len(_FACTORS)]


def level_colours(count: int) -> list[Any]:
    """Colours of ordered levels, dark to light; the palest yellow is left out."""
    return [_LEVELS(0.05 + 0.83 * i / max(count - 1, 1)) for i in range(count)]


# --- names ----------------------------------------------------------------------------------------

NAMED = 6  # how many things a sentence names before it says how many more there are
_NAMES = {
    "f1": "F1",
    "f1_macro": "macro F1",
    "ece": "calibration error",
    "auc": "AUC",
    "seconds": "training time",
}


def name(key: str) -> str:
    """``learning_rate`` -> ``learning rate``; ``f1`` -> ``F1``."""
    return _NAMES.get(key, str(key).replace("_", " "))


def term(key: str) -> str:
    """``batch_size:epochs`` -> ``batch size × epochs``, ``epochs^2`` -> ``epochs²``."""
    powers = {"^2": "²", "^3": "³"}
    for written, shown in powers.items():
        key = key.replace(written, shown)
    parts = []
    for part in key.split(":"):
        factor, bracket, level = part.partition("[")
        parts.append(name(factor) + (f" = {level.rstrip(']')}" if bracket else ""))
    return " × ".join(parts)


def sentence_case(text: str) -> str:
    """First letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def setting(
    values: Mapping[str, Any], factors: tuple[Factor, ...], digits: int | None = None
) -> str:
    """``learning rate 3e-5, batch size 16, 2 epochs`` from a mapping of factor to value."""
    scales = {factor.name: factor.scale for factor in factors}
    parts = []
    for key, value in values.items():
        shown = level(value, scales.get(key, "linear"), digits)
        if key == "epochs":
            parts.append(f"{shown} epoch" + ("" if shown == "1" else "s"))
        else:
            parts.append(f"{name(key)} {shown}")
    return ", ".join(parts)


def run(row: Mapping[str, Any], factors: tuple[Factor, ...]) -> str:
    """``learning rate 3e-5, batch size 16, 2 epochs, replicate 1`` from a row of a table.

    With four digits, so that the runs of a random search can be told apart.
    """
    named = setting({factor.name: row[factor.name] for factor in factors}, factors, digits=4)
    return f"{named}, replicate {row['replicate']}" if "replicate" in row else named


def listed(items: list[str]) -> str:
    """``a, b and c``; of more than ``NAMED`` how many more."""
    if len(items) > NAMED:
        return ", ".join(items[:NAMED]) + f" and {len(items) - NAMED:,} more"
    if len(items) > 1:
        return ", ".join(items[:-1]) + f" and {items[-1]}"
    return "".join(items)


def count(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``, ``100,000 runs``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


# --- numbers --------------------------------------------------------------------------------------


def level(value: Any, scale: str = "linear", digits: int | None = None) -> str:
    """A factor's value as one would write it: ``3e-5``, ``16``, ``0.1``, ``linear``.

    digits: how many of a number are significant; by default two with an exponent, else three.
    """
    if scale == "categorical":
        return str(value)
    try:
        number = float(value)  # a number as text too: in a file one column may hold both
    except (TypeError, ValueError, OverflowError):
        return str(value)
    if number != 0 and (abs(number) < 1e-3 or abs(number) >= 1e5):
        mantissa, exponent = f"{number:.{(digits or 2) - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}"
    return f"{number:.{digits or 3}g}" if abs(number) < 1000 else f"{number:.0f}"


def in_unit(value: Any, metric: Metric) -> Any:
    """A metric's value (number or array) in the unit it is shown in."""
    return value * 100 if metric.unit == "points" else value


def decimals(metric: Metric) -> int:
    """Digits after the point for this metric, in the unit it is shown in."""
    return {"points": 1, "seconds": 1, "s": 1}.get(metric.unit, 3)


def fixed(value: float, digits: int, sign: bool = False) -> str:
    """Fixed digits, a real minus sign, never ``-0.0``; empty text for a missing value."""
    if value is None or not math.isfinite(value):
        return ""
    rounded = round(float(value), digits) + 0.0
    return f"{rounded:{'+' if sign and rounded else ''}.{digits}f}".replace("-", "−")


def _digits(metric: Metric, *values: float) -> int:
    """The metric's digits, and up to two more where a value would be rounded to nothing."""
    usual = decimals(metric)
    for digits in range(usual, usual + 2):
        if all(value == 0 or round(abs(in_unit(value, metric)), digits) > 0 for value in values):
            return digits
    return usual + 2


def amount(value: float, metric: Metric, sign: bool = False, unit: bool = True) -> str:
    """``+0.8 points``, ``0.512 nats``: a metric's value or difference in words."""
    shown = fixed(in_unit(value, metric), _digits(metric, value), sign)
    return f"{shown} {metric.unit}" if unit and metric.unit else shown


def reading(value: float, metric: Metric) -> str:
    """``83.2 %``, ``0.384 nats``: a metric's own value, where ``amount`` is for differences."""
    shown = fixed(in_unit(value, metric), decimals(metric))
    unit = "%" if metric.unit == "points" else metric.unit
    return f"{shown} {unit}" if unit else shown


def interval(low: float, high: float, metric: Metric) -> str:
    """``0.2 to 1.4``; more digits where an end that is not zero would be shown as zero."""
    digits = _digits(metric, low, high)
    low, high = (fixed(in_unit(end, metric), digits) for end in (low, high))
    return f"{low} to {high}"


def p_value(value: float, symbol: str = "") -> str:
    """``0.012``, ``<0.001``; with a symbol ``p = 0.012``, ``p < 0.001``."""
    if value is None or not math.isfinite(value):
        return ""
    shown = "0.001" if value < 0.001 else f"{value:.3f}"
    below = value < 0.001
    if symbol:
        return f"{symbol} {'<' if below else '='} {shown}"
    return ("<" if below else "") + shown


def axis_label(metric: Metric, difference: bool = False) -> str:
    """``accuracy (%)``, ``loss (nats)``, ``accuracy − baseline (points)``."""
    if difference:
        return f"{name(metric.name)} − baseline" + (f" ({metric.unit})" if metric.unit else "")
    unit = "%" if metric.unit == "points" else metric.unit
    return name(metric.name) + (f" ({unit})" if unit else "")


def set_factor_axis(axes: Axes, which: str, factor: Factor, levels: list[Any]) -> None:
    """Natural units on the factor's own scale with the levels as ticks; ``which`` is "x" or "y".

    With many levels (a random search) a handful of them is named. A categorical factor is drawn at
    0, 1, 2…
    """
    axis = getattr(axes, f"{which}axis")
    if factor.scale == "categorical":
        axis.set_ticks(range(len(levels)), [str(value) for value in levels])
        return
    if factor.scale in ("log10", "log2"):
        getattr(axes, f"set_{which}scale")("log", base=10 if factor.scale == "log10" else 2)
    shown = shown_levels(levels)
    axis.set_ticks(shown, [level(value, factor.scale) for value in shown])
    axis.set_ticks([], minor=True)


def shown_levels(levels: list[float]) -> list[float]:
    """The levels that an axis names: all of them, or a few spread over many."""
    if len(levels) <= 5:
        return levels
    return [levels[round(i * (len(levels) - 1) / 3)] for i in range(4)]


def positions(values: Any, factor: Factor, levels: list[Any]) -> Any:
    """Where values go on a factor's axis: themselves, or their place among categories."""
    if factor.scale == "categorical":
        return [levels.index(value) for value in values]
    return [float(value) for value in values]
