"""How things are written: names, settings, numbers with their units."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from anyascii import anyascii
from matplotlib.ft2font import FT2Font

from analysis.variables import Factor, Metric
from common.metrics import DEFINITIONS

POWERS = ["⁰", "", "²", "³", *"⁴⁵⁶⁷⁸⁹"]  # how they are written, by power
NAMED = 7  # a longer list is counted, not written out
# unit -> larger unit, the largest first -> (from how many on, what a value is multiplied by)
_SECONDS: dict[str, tuple[float, float]] = {"h": (7200, 1 / 3600), "min": (120, 1 / 60)}
_LARGER_UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "s": _SECONDS,
    "seconds": _SECONDS,
    "MB": {"GB": (1000, 1 / 1000)},
    "bytes": {"GB": (1e9, 1e-9), "MB": (1e6, 1e-6)},
}
_NAMES = {metric.name: metric.shown for metric in DEFINITIONS} | {"auc": "AUC"}
# DejaVu Sans is the font of the figures and the report's second font: what it has can be shown.
FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"


def legible(text: str) -> str:
    """The text with the characters that no font of ours has in Latin letters.

    ``学習率`` -> ``XueXiLu``; Greek, Cyrillic or ``é`` stay.
    """
    if text.isascii():
        return text
    return "".join(c if ord(c) in _characters() else anyascii(c) for c in text)


@functools.cache
def _characters() -> frozenset[int]:
    return frozenset(FT2Font(str(FONTS / "DejaVuSans.ttf")).get_charmap())


def name(key: str) -> str:
    """``learning_rate`` -> ``learning rate``; ``f1`` -> ``F1``."""
    return _NAMES.get(key) or legible(str(key).replace("_", " "))


def term(parts: Iterable[tuple[str, Any, int]]) -> str:
    """``batch size × epochs²``, ``schedule = linear`` from (factor, level or None, power) each."""
    shown = [
        name(factor) + ("" if each is None else f" = {level(each, 'categorical')}") + POWERS[power]
        for factor, each, power in parts
    ]
    return " × ".join(shown) or "intercept"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and end with … between: levels often differ at either."""
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}…{text[-tail:]}"


def sentence_case(text: str) -> str:
    """First letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def setting(
    values: Mapping[str, Any], factors: tuple[Factor, ...], digits: int | None = None
) -> str:
    """``learning rate 3e-5, batch size 16, 2 epochs`` from a mapping of factor to value.

    Factors that do not exist there are left out.
    """
    scales = {factor.name: factor.scale for factor in factors}
    parts = []
    for key, value in values.items():
        if _is_missing(value):
            continue
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


def listed(items: list[str], noun: str = "", last: str = "and") -> str:
    """``a, b and c``; of more than ``NAMED`` their number: ``12 factors``.

    Without a noun the first three are named, as examples of what is counted. ``last``: before the
    last of them, "and" or "or".
    """
    if len(items) > NAMED:
        if noun:
            return count(len(items), noun)
        return listed([*items[:3], f"{len(items) - 3:,} more"], last=last)
    if len(items) > 1:
        return ", ".join(items[:-1]) + f" {last} {items[-1]}"
    return "".join(items)


def count(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``, ``100,000 runs``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def times(probability: float) -> str:
    """``4 times in 5`` for 0.8."""
    share = Fraction(probability).limit_denominator(100)
    return f"{share.numerator} times in {share.denominator}"


def level(value: Any, scale: str = "linear", digits: int | None = None) -> str:
    """A factor's value as one would write it: ``3e-5``, ``16``, ``0.1``, ``linear``.

    digits: how many of a number are significant; by default two with an exponent, else three.
    """
    if _is_missing(value):
        return "–"
    if scale == "categorical":
        return legible(str(value))
    try:
        number = float(value)  # a number as text too: in a file one column may hold both
    except (TypeError, ValueError, OverflowError):
        return legible(str(value))
    if number != 0 and (abs(number) < 1e-3 or abs(number) >= 1e5):
        mantissa, exponent = f"{number:.{(digits or 2) - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}"
    return f"{number:.{digits or 3}g}" if abs(number) < 1000 else f"{number:.0f}"


def _is_missing(value: Any) -> bool:
    """Whether the factor does not exist there: it is analysed within another factor's level."""
    return isinstance(value, float) and math.isnan(value)


def in_unit(value: Any, metric: Metric) -> Any:
    """A metric's value (number or array) in the unit it is shown in."""
    return value * 100 if metric.unit == "points" else value


def decimals(metric: Metric) -> int:
    """Digits after the point for this metric where no interval or spread decides them."""
    return {"points": 1, "seconds": 1, "s": 1}.get(metric.unit, 3)


def significant_decimals(size: float, digits: int = 2) -> int:
    """Digits after the point that show ``digits`` significant ones of a size; never below 0."""
    exponent = int(f"{abs(size):.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)


def interval_decimals(low: Any, high: Any, metric: Metric) -> int:
    """Digits after the point for an estimate and its interval, in the unit it is shown in.

    Two significant digits of the interval's width: of the median width where low and high are the
    columns of a table, so that points align. Without any interval the metric's own digits.
    """
    widths = np.atleast_1d(np.abs(in_unit(np.subtract(high, low, dtype=float), metric)))
    widths = widths[np.isfinite(widths) & (widths > 0)]
    return significant_decimals(float(np.median(widths))) if len(widths) else decimals(metric)


def spread_decimals(values: Any, metric: Metric) -> int:
    """Digits after the point for values without intervals: two significant ones of their range, or
    the metric's own where these are more, but never beyond four significant ones."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    spread = float(in_unit(np.ptp(known), metric)) if len(known) else 0.0
    usual = decimals(metric)
    if not len(known) or spread < 1e-6 * in_unit(np.abs(known).max(), metric):
        return usual  # what is left of rounding is no spread
    return max(significant_decimals(spread), min(usual, significant_decimals(spread, 4)))


def fixed(value: float, digits: int, sign: bool = False) -> str:
    """Fixed digits, a real minus sign, never ``-0.0``; empty text for a missing value."""
    if value is None or not math.isfinite(value):
        return ""
    rounded = round(float(value), digits) + 0.0
    return f"{rounded:{'+' if sign and rounded else ''}.{digits}f}".replace("-", "−")


def _visible(digits: int, *values: float) -> int:
    """The digits, and up to two more where a value would be rounded to nothing."""
    for more in range(2):
        if all(value == 0 or round(abs(value), digits + more) > 0 for value in values):
            return digits + more
    return digits + 2


def amount(value: float, metric: Metric, sign: bool = False, unit: bool = True) -> str:
    """``+0.8 points``, ``0.512 nats``: a difference of a metric, where no interval is known."""
    scale, name = _sized(metric.unit, value)
    number = scale * in_unit(value, metric)
    shown = fixed(number, _visible(decimals(metric), number), sign)
    return _joined(shown, name if unit else "")


def reading(value: float, metric: Metric) -> str:
    """``83.2 %``, ``0.384 nats``: a metric's own value, where ``amount`` is for differences."""
    return _percent(amount(value, metric))


def interval(low: float, high: float, metric: Metric) -> str:
    """``0.2 to 1.4`` in the unit of ``amount``, with two significant digits of the width."""
    _, shown = _with_digits(low, low, high, metric, sign=False)
    return shown


def amount_and_interval(
    value: float, low: float, high: float, metric: Metric, scale: float = 1.0
) -> tuple[str, str]:
    """A difference and its interval, ``("+0.81 points", "0.20 to 1.42")``.

    Two significant digits of the interval's width decide the decimals of all three, and their
    largest the unit. ``scale`` multiplies them; a negative one turns the interval round. Without a
    finite interval that one is ``""``.
    """
    value, low, high = scale * value, *sorted((scale * low, scale * high))
    return _with_digits(value, low, high, metric, sign=True)


def reading_and_interval(value: float, low: float, high: float, metric: Metric) -> tuple[str, str]:
    """A metric's own value and its interval, ``("83.21 %", "82.60 to 83.82")``."""
    shown, between = _with_digits(value, low, high, metric, sign=False)
    return _percent(shown), between


def _with_digits(
    value: float, low: float, high: float, metric: Metric, sign: bool
) -> tuple[str, str]:
    if not (math.isfinite(low) and math.isfinite(high)):
        return amount(value, metric, sign), ""
    scale, unit = _sized(metric.unit, value, low, high)
    number, *ends = (scale * in_unit(each, metric) for each in (value, low, high))
    width = ends[1] - ends[0]
    digits = _visible(significant_decimals(width) if width > 0 else decimals(metric), *ends)
    between = " to ".join(fixed(end, digits) for end in ends)
    return _joined(fixed(number, digits, sign), unit), between


def _sized(unit: str, *values: float) -> tuple[float, str]:
    """The unit that suits the largest of the values, and what it multiplies them with."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    for larger, (smallest, factor) in _LARGER_UNITS.get(unit, {}).items():
        if largest >= smallest:
            return factor, larger
    return 1, unit


def _percent(shown: str) -> str:
    return shown.removesuffix("points") + "%" if shown.endswith(" points") else shown


def _joined(number: str, unit: str) -> str:
    return f"{number} {unit}" if number and unit else number


def quantity(value: float, unit: str) -> str:
    """``37 s``, ``12 min``, ``1.5 h``, ``320 MB``, ``1.2 GB``: a cost, its unit by its size."""
    if not math.isfinite(value):
        return ""
    scale, shown = _sized(unit, value)
    return f"{fixed(scale * value, significant_decimals(scale * value))} {shown}"


def p_value(value: float, symbol: str = "") -> str:
    """``0.012``, ``<0.001``; with a symbol ``p = 0.012``, ``p < 0.001``."""
    if value is None or not math.isfinite(value):
        return ""
    shown = "0.001" if value < 0.001 else f"{value:.3f}"
    below = value < 0.001
    if symbol:
        return f"{symbol} {'<' if below else '='} {shown}"
    return ("<" if below else "") + shown


def unit_of(metric: Metric) -> str:
    """The metric's unit; empty without one."""
    return legible(metric.unit)


def axis_label(metric: Metric, difference: bool = False) -> str:
    """``accuracy (%)``, ``loss (nats)``, ``accuracy − baseline (points)``."""
    label = name(metric.name) + (" − baseline" if difference else "")
    shown = "%" if metric.unit == "points" and not difference else unit_of(metric)
    return label + (f" ({shown})" if shown else "")
