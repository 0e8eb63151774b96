"""How things look: colours by meaning, and the one matplotlib style.

The same thing has the same colour in every figure: a factor, an estimator, the baseline, better and
worse. The colours are those of Okabe & Ito (2008, "Color Universal Design"), which people with any
colour vision tell apart; heights take cividis and ordered levels viridis, made for the same
purpose.
Figures are drawn at the width of the report's text, so that a point here is a point in print.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from analysis.runs.settings import Factor
from analysis.words import level

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
_RC: dict[Any, Any] = {
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
