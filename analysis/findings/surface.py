"""Where the fitted surface is best."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import words
from analysis.findings.finding import Finding, Tables, percent, rows_of
from analysis.runs.settings import Settings
from analysis.variables import Metric


def about_surface(tables: Tables, settings: Settings, metric: Metric) -> Iterator[Finding]:
    name = words.name(metric.name)
    best = rows_of(tables, "optimum", metric=metric.name)
    if len(best) and best["predicted"].isna().any():
        sentence = (
            f"The fitted {name} is best beyond the values that it can have, so nothing is quoted "
            "of it."
        )
        yield Finding("surface", metric.name, "best_region", False, sentence)
    elif len(best):
        values = dict(zip(best["factor"], best["value"], strict=True))
        where = words.setting(values, settings.factors)
        value, low, high = best[["predicted", "ci_low", "ci_high"]].iloc[0]
        value, interval = words.reading_and_interval(value, low, high, metric)
        if interval:
            interval = (
                f" ({percent(settings)} interval {interval}, which allows for the choice of the "
                "setting)"
            )
        sentence = f"The fitted {name} is best at {where}: {value}{interval}."
        edges = [words.name(name) for name in best.loc[best["on_edge"].astype(bool), "factor"]]
        if edges:
            sentence += (
                f" That is on the edge of what was studied in {words.listed(edges)}: something "
                "better may lie beyond."
            )
        if best["beyond"].iloc[0]:
            sentence += (
                " The fitted surface is better still where no runs are around, of which it says "
                "nothing."
            )
        yield Finding("surface", metric.name, "best_region", False, sentence)
    point = rows_of(tables, "stationary", metric=metric.name)
    if len(point):
        nature, inside = str(point["nature"].iloc[0]), bool(point["inside"].iloc[0])
        where = words.setting(
            dict(zip(point["factor"], point["natural"], strict=True)), settings.factors
        )
        meaning = {
            "saddle": "a saddle: from it the metric rises along one direction and falls along "
            "another, so it is neither the best nor the worst point",
            "maximum": "a maximum"
            + ("" if metric.sign > 0 else ", the worst point for this metric"),
            "minimum": "a minimum"
            + ("" if metric.sign < 0 else ", the worst point for this metric"),
        }.get(nature, nature)
        if inside:
            place = f"lies inside the region studied, at {where}"
        else:
            place = "lies outside the region studied and says nothing of it"
        yield Finding(
            "surface",
            metric.name,
            f"stationary_{nature}",
            False,
            f"The stationary point of the fitted {name} is {meaning}; it {place}.",
        )
