"""How things are written: names, settings, numbers with their units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from analysis.runs.settings import Factor, Metric
from common.metrics import DEFINITIONS

POWERS = ["⁰", "", "²", "³", *"⁴⁵⁶⁷⁸⁹"]  # how they are written, by power
NAMED = 6  # how many things a sentence names before it says how many more there are
_NAMES = {metric.name: metric.shown for metric in DEFINITIONS} | {"auc": "AUC"}


def name(key: str) -> str:
    """``learning_rate`` -> ``learning rate``; ``f1`` -> ``F1``."""
    return _NAMES.get(key, str(key).replace("_", " "))


def term(parts: Iterable[tuple[str, Any, int]]) -> str:
    """``batch size × epochs²``, ``schedule = linear`` from (factor, level or None, power) each."""
    shown = [
        name(factor) + ("" if level is None else f" = {level}") + POWERS[power]
        for factor, level, power in parts
    ]
    return " × ".join(shown) or "intercept"


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


def times(probability: float) -> str:
    """``4 times in 5`` for 0.8."""
    share = Fraction(probability).limit_denominator(100)
    return f"{share.numerator} times in {share.denominator}"


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
    return " to ".join(fixed(in_unit(end, metric), digits) for end in (low, high))


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
