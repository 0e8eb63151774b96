"""One page with what a plan of designs tells: the text, and pictures of it."""

from __future__ import annotations

import html
import io
import itertools
from collections import Counter
from collections.abc import Sequence
from string import Template

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style, words
from analysis.figures.common import axis_name, legend_above, panels, remark
from analysis.questions.power import POWER
from analysis.variables import Metric
from design import full
from study.design_plan import DesignPlan, Planned, in_words

MOST_PAIRS = 6  # of factors, whose points are shown
PAGE = Template(
    """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Plan of $study</title>
<style>
  body { margin: 1rem auto; max-width: 60rem; background: white; color: $black;
         font: 13px/1.4 "DejaVu Sans", Verdana, sans-serif; }
  pre { white-space: pre-wrap; }
  svg { max-width: 100%; height: auto; }
</style>
<h1>Plan of $study</h1>
<pre>$text</pre>
$pictures
</html>
"""
)


def design_page(plan: DesignPlan, study: str) -> str:
    """The page; ``study`` is its name."""
    drawn: list[tuple[str, Figure]] = []
    with style.applied():
        for each in plan.designs:
            drawn.append((f"Settings of the design: {each.name}", points(each)))
        if any(each.evaluation.complete for each in plan.designs):
            drawn.append(("Fraction of the design space", fraction_of_space(plan.designs)))
        drawn += [
            (f"Power to see an effect on {words.name(metric.name)}", power_curves(plan, metric))
            for metric in plan.metrics
        ]
        pictures = [f"<h2>{html.escape(title)}</h2>\n{_svg(figure)}" for title, figure in drawn]
    return PAGE.substitute(
        study=html.escape(study),
        text=html.escape("\n".join(in_words(plan))),
        pictures="\n".join(pictures),
        black=style.BLACK,
    )


def _svg(figure: Figure) -> str:
    file = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})
    text = file.getvalue().decode("utf-8")
    return text[text.index("<svg") :]


def points(design: Planned) -> Figure:
    """The settings by pairs of factors; the larger a point, the more settings are there."""
    axes = design.space.axes
    pairs = list(itertools.combinations(axes, 2)) or [(axes[0], axes[0])]
    shown = pairs[:MOST_PAIRS]
    figure, places = panels(len(shown), 3, 2.1)
    for place, (first, second) in zip(places, shown, strict=True):
        for which, axis in (("x", first), ("y", second)):
            factor = axis.coding.factor
            ticks = list(full.levels(axis))
            style.set_factor_axis(place, which, factor, ticks)
            label = axis_name(words.name(axis.name), 1.6)
            getattr(place, f"set_{which}label")(label)
        there = Counter((setting[first.name], setting[second.name]) for setting in design.settings)
        x, y = (
            style.positions(list(values), axis.coding.factor, list(full.levels(axis)))
            for axis, values in zip((first, second), zip(*there, strict=True), strict=True)
        )
        sizes = [14.0 * number for number in there.values()]
        place.scatter(x, y, s=sizes, color=style.BLUE, clip_on=False, zorder=3)
    if len(shown) < len(pairs):
        remark(figure, f"The first {len(shown)} of {len(pairs)} pairs of factors.")
    return figure


def fraction_of_space(designs: Sequence[Planned]) -> Figure:
    """The prediction variance that is not exceeded in a fraction of the region (Zahran, Anderson-
    Cook & Myers 2003, J. Qual. Technol. 35), a replicate."""
    figure, (place,) = panels(1, 1, 2.6)
    colours = _colours(designs)
    for each in designs:
        if each.evaluation.complete:
            variances = each.evaluation.variances / len(each.settings)
            shares = np.linspace(0, 1, len(variances))
            place.plot(shares, variances, color=colours[each.name], label=each.name)
    place.set(
        xlabel="fraction of the region",
        ylabel=axis_name("prediction variance by that within a run"),
        xlim=(0, 1),
        ylim=(0, None),
    )
    legend_above(figure, place.get_lines())
    return figure


def power_curves(plan: DesignPlan, metric: Metric) -> Figure:
    """Power of each factor's joint test by the size of the effect, a panel a factor."""
    target = plan.targets[metric.name]
    effects = np.linspace(0, 3 * target, 61)
    names = [test.about for test in plan.designs[0].power[metric.name] if test.kind == "factor"]
    figure, places = panels(len(names), 3, 2.1, sharey=True)
    colours = _colours(plan.designs)
    for place, name in zip(places, names, strict=True):
        for each in plan.designs:
            for test in each.power[metric.name]:
                if (test.kind, test.about) == ("factor", name):
                    powers = [100 * test.of(effect) for effect in effects]
                    place.plot(words.in_unit(effects, metric), powers, color=colours[each.name])
        place.axhline(100 * POWER, color=style.LIGHT, linewidth=0.8, zorder=0)
        place.axvline(words.in_unit(target, metric), color=style.LIGHT, linewidth=0.8, zorder=0)
        place.set(title=words.name(name), xlabel=f"effect, {words.unit_of(metric)}", ylim=(0, 100))
    places[0].set_ylabel("power, %")
    legend_above(
        figure, [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    )
    return figure


def _colours(designs: Sequence[Planned]) -> dict[str, str]:
    names = tuple(each.name for each in designs)
    return {name: style.factor_colour(name, names) for name in names}
