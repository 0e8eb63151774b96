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
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from analysis.variables import Factor
from analysis.words import level, shortened

WIDTH = 6.5  # inches: an A4 page less its margins
PNG_DPI = 160
# Inches of a letter and of a line of small print, and between two labels: what is laid out by them
# before anything is drawn is measured by a test.
LETTER, LINE, GAP = 0.06, 0.115, 0.06
LEVEL_LETTERS = 22  # of a level beside an axis; longer ones are shortened


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

    Of many levels (a random search) a handful is named, of categories as many as there is room
    for. A categorical factor is drawn at 0, 1, 2…
    """
    axis = getattr(axes, f"{which}axis")
    if factor.scale == "categorical":
        set_categories(axes, which, [level(value, factor.scale) for value in levels])
        return
    if factor.scale in ("log10", "log2"):
        getattr(axes, f"set_{which}scale")("log", base=10 if factor.scale == "log10" else 2)
    shown = shown_levels(levels)
    if which == "x":
        shown = _apart(shown, factor, room(axes, "x"))
    axis.set_ticks(shown, [level(value, factor.scale) for value in shown])
    axis.set_ticks([], minor=True)


def room(axes: Axes, which: str) -> float:
    """Inches that the axes have in a direction, before the layout gives some to the labels."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes that were removed from their figure"
    box, size = axes.get_position(), figure.get_size_inches()
    return box.width * size[0] if which == "x" else box.height * size[1]


def height_of_categories(names: list[str], space: float) -> float:
    """Inches that upright names take below axes ``space`` wide; 0 where they fit side by side."""
    longest = min(max(map(len, names)), LEVEL_LETTERS) * LETTER
    return longest if longest + GAP > space / len(names) else 0.0


def set_categories(axes: Axes, which: str, names: list[str]) -> None:
    """Ticks at 0, 1, 2…: names side by side where they fit, else upright, else fewer."""
    names = [shortened(name, LEVEL_LETTERS) for name in names]
    space = room(axes, which)
    upright = which == "x" and height_of_categories(names, space) > 0
    step = 1
    if which == "y" or upright:
        step = -(-len(names) // max(int(space / LINE), 1))
    places = range(0, len(names), step)
    look = {"rotation": 90} if upright else {}
    getattr(axes, f"{which}axis").set_ticks(places, [names[i] for i in places], **look)


def _apart(levels: list[float], factor: Factor, space: float) -> list[float]:
    """The first and the last level, and those between whose labels do not touch a neighbour's."""
    if len(levels) < 3:
        return levels
    logarithmic = factor.scale in ("log10", "log2")
    at = np.log(levels) if logarithmic else np.asarray(levels, dtype=float)
    at = (at - at[0]) / (at[-1] - at[0]) * 0.9 * space
    half = [len(level(value, factor.scale)) * LETTER / 2 for value in levels]

    def clear(one: int, other: int) -> bool:
        return at[other] - at[one] > half[one] + half[other] + GAP

    kept, last = [0], len(levels) - 1
    for i in range(1, last):
        if clear(kept[-1], i) and clear(i, last):
            kept.append(i)
    return [levels[i] for i in [*kept, last]]


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
