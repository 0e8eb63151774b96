"""What a study's design will tell, before anything trains: rank, efficiencies, aliases, power."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.fit.aliases import Alias, aliases, further_terms
from analysis.fit.choice import largest_model
from analysis.fit.model import Model
from analysis.fit.planned import Noise, planned_fit
from analysis.questions.planned_power import Power, planned_power
from analysis.questions.power import ONE_POINT, POWER
from analysis.runs.formula import model_terms
from analysis.runs.settings import Settings
from analysis.variables import Metric
from common.errors import UserError
from common.messages import plain
from design import DEFAULT, DESIGNS, NOTED, kind_of, settings_of
from design.evaluation import ASSUMED, Errors, Evaluation, efficiencies
from design.grid import Grid
from design.optimal import MOST_TRAJECTORIES
from design.space import Setting, Space
from study.designs import (
    check_estimable,
    choose,
    coefficients_between,
    planned_model,
    planned_runs,
)
from study.noise import measured_noise
from study.sections import complete_design

GUESS = Noise(within=ONE_POINT**2, between=ONE_POINT**2)  # of a metric in points
MOST_REPLICATES = 64
FEWEST_TRAJECTORIES = 2
FRACTIONS = np.linspace(0, 1, 21)  # of the region
COLUMNS = ["design", "measure", "metric", "about", "value"]


@dataclass(frozen=True)
class Planned:
    """What is told of one design.

    trajectories: training runs of all replicates, cells: what they deliver; missing: terms that the
    model is without, as the runs cannot estimate them; against_full, assumed: efficiencies against
    the full grid, D under other errors; power: by metric; replicates_needed: by metric, with
    which every factor has POWER, None where that are more than MOST_REPLICATES;
    trajectories_needed: the same of the design's trajectories in as many replicates as it has,
    without metrics where the design has a size of its own.
    """

    name: str
    space: Space
    settings: Sequence[Setting]
    replicates: int
    trajectories: int
    cells: int
    epochs: int
    evaluation: Evaluation
    against_full: Mapping[str, float]
    assumed: Mapping[Errors, float]
    missing: Sequence[str]
    aliases: Sequence[Alias]
    power: Mapping[str, Sequence[Power]]
    replicates_needed: Mapping[str, int | None]
    trajectories_needed: Mapping[str, int | None]


@dataclass(frozen=True)
class DesignPlan:
    """The study's own design first, then those it is compared with.

    noise: by metric of which power can be told; targets: the effects asked for.
    """

    designs: Sequence[Planned]
    metrics: Sequence[Metric]
    noise: Mapping[str, Noise]
    targets: Mapping[str, float]
    source: str


def plan_designs(config: Mapping[str, Any]) -> DesignPlan:
    """config: complete, its design noted. Raises UserError for what it is compared with or takes
    its noise from, where that is not there or does not fit."""
    settings = Settings.from_config(config)
    noise, source = _noise(config, settings)
    targets = {
        m.name: settings.target_effect.get(m.name, ONE_POINT)
        for m in settings.metrics
        if m.name in noise and (m.name in settings.target_effect or m.unit == "points")
    }
    compared = [config, *_compared(config, settings)]
    return DesignPlan(
        designs=[planned(each, settings, noise, targets) for each in compared],
        metrics=[metric for metric in settings.metrics if metric.name in targets],
        noise=noise,
        targets=targets,
        source=source,
    )


def _compared(config: Mapping[str, Any], settings: Settings) -> Iterable[dict[str, Any]]:
    """The configuration with each of the designs of planning.compare in the place of its own."""
    own = config["design"]
    for number, design in enumerate(config["planning"].get("compare", ())):
        if isinstance(design, str) and design == kind_of(own):
            continue
        other = {**config, "design": complete_design(design)}
        try:
            if other["design"] != DEFAULT:
                other["design"] = {**other["design"], NOTED: choose(other)}
            check_estimable(other, settings)
        except UserError as error:
            raise UserError(f"planning.compare.{number}: {error}") from None
        yield other


def _noise(config: Mapping[str, Any], settings: Settings) -> tuple[dict[str, Noise], str]:
    """By metric how much runs will vary, and where that is from."""
    given = config["planning"].get("from")
    if given is not None:
        # The page is for others to read, too, who need not know where this machine keeps things.
        runs = Path(given).name if Path(given).is_absolute() else given
        return measured_noise(given, settings, "planning.from"), f"that of the runs in {runs}"
    guessed = {metric.name: GUESS for metric in settings.metrics if metric.unit == "points"}
    return guessed, (
        "a guess, a standard deviation of 1 point between training runs and of 1 point between the "
        "cells of a run"
    )


def planned(
    config: Mapping[str, Any],
    settings: Settings,
    noise: Mapping[str, Noise],
    targets: Mapping[str, float],
) -> Planned:
    """What is told of the design of a complete configuration."""
    grid, space = Grid.from_config(config), Space.of(config)
    full = tuple(settings_of({**config, "design": DEFAULT}))
    runs = planned_runs(grid)
    model, missing = _model(settings, runs, grid.replicates)
    errors = Errors(float(np.mean([each.ratio for each in noise.values()] or [1.0])))
    evaluation = Evaluation(space, grid.settings, errors)
    assumed = {}
    for ratio, correlation in ASSUMED:
        other = Errors(ratio, correlation)
        pair = (Evaluation(space, each, other) for each in (grid.settings, full))
        assumed[other] = efficiencies(*pair)["D"]
    return Planned(
        name=name_of(config["design"]),
        space=space,
        settings=grid.settings,
        replicates=grid.replicates,
        trajectories=runs["trajectory"].nunique(),
        cells=len(runs),
        epochs=int(_longest(runs, config)),
        evaluation=evaluation,
        against_full=efficiencies(evaluation, Evaluation(space, full, errors)),
        assumed=assumed,
        missing=missing,
        aliases=aliases(model, runs, further_terms(settings.factors, model.terms)),
        power={
            name: planned_power(planned_fit(name, model, runs, noise[name]), settings.alpha)
            for name in targets
        },
        replicates_needed={
            name: _replicates_needed(config, settings, noise[name], target)
            for name, target in targets.items()
        },
        trajectories_needed=_trajectories_needed(config, settings, noise, targets),
    )


def name_of(design: str | Mapping[str, Any]) -> str:
    """As a plan has it: the kind, and the options that are not as they would be by themselves."""
    kind = kind_of(design)
    given = {} if isinstance(design, str) else design
    own = [
        f"{words.name(option.name)} {plain(given[option.name])}"
        for option in fields(DESIGNS[kind].Options)
        if given.get(option.name, option.default) not in (option.default, [])
    ]
    return words.name(kind) + (f" ({', '.join(own)})" if own else "")


def _longest(runs: pd.DataFrame, config: Mapping[str, Any]) -> float:
    """Epochs that are trained, of all runs together."""
    if "epochs" not in runs:
        return len(runs) * config["training"]["epochs"]
    return float(runs.groupby("trajectory")["epochs"].max().sum())


def _model(settings: Settings, runs: pd.DataFrame, replicates: int) -> tuple[Model, list[str]]:
    """The model that the analysis will fit, and the terms of what it is asked that it is without.

    As asked, or where that is open the largest that the runs can estimate.
    """
    terms = model_terms(settings)
    model = planned_model(runs, settings, terms, replicates)
    if settings.degree is not None or settings.formula is not None:
        return model, []
    kept = largest_model(replace(model, terms=()), settings.factors, runs).terms
    return replace(model, terms=kept), [term.name for term in terms if term not in kept]


def _replicates_needed(
    config: Mapping[str, Any], settings: Settings, noise: Noise, target: float
) -> int | None:
    def enough(replicates: int) -> bool:
        return _has_power({**config, "replicates": replicates}, settings, noise, target)

    return _least(enough, 1, MOST_REPLICATES)


def _trajectories_needed(
    config: Mapping[str, Any],
    settings: Settings,
    noise: Mapping[str, Noise],
    targets: Mapping[str, float],
) -> dict[str, int | None]:
    """By metric; empty where the number of trajectories is not an option of the design."""
    kind = kind_of(config["design"])
    if "trajectories" not in (option.name for option in fields(DESIGNS[kind].Options)):
        return {}
    design = {key: value for key, value in config["design"].items() if key != NOTED}

    @cache  # as every metric asks for the same
    def resized(trajectories: int) -> dict[str, Any] | None:
        other = {**config, "design": {**design, "trajectories": trajectories}}
        try:
            other["design"][NOTED] = choose(other)
            check_estimable(other, settings)
        except UserError:  # so few cannot estimate the model, or are fewer than are augmented
            return None
        return other

    def needed(metric: str) -> int | None:
        def enough(trajectories: int) -> bool:
            other = resized(trajectories)
            return other is not None and _has_power(other, settings, noise[metric], targets[metric])

        return _least(enough, FEWEST_TRAJECTORIES, MOST_TRAJECTORIES)

    return {metric: needed(metric) for metric in targets}


def _has_power(config: Mapping[str, Any], settings: Settings, noise: Noise, target: float) -> bool:
    """Whether each factor's test has the power that is asked for."""
    grid = Grid.from_config(config)
    runs = planned_runs(grid)
    model, _ = _model(settings, runs, grid.replicates)
    between = runs["trajectory"].nunique() - coefficients_between(config, model)
    if between <= 0 or len(runs) <= len(model.names):
        return False
    tests = planned_power(planned_fit("", model, runs, noise), settings.alpha)
    factors = [each.of(target) for each in tests if each.kind == "factor"]
    return len(factors) == len(settings.factors) and min(factors) >= POWER


def _least(enough: Callable[[int], bool], first: int, last: int) -> int | None:
    """The least number that is enough, as more always is; None where even the last is not."""
    reached = first
    while not enough(reached):
        if reached == last:
            return None
        reached = min(2 * reached, last)
    untried = range(reached // 2 + 1, reached)
    return reached // 2 + 1 + bisect_left(untried, True, key=enough)


def as_table(plan: DesignPlan) -> pd.DataFrame:
    """plan.csv: a row for each number, see docs/tables.md."""
    rows: list[tuple[str, str, str, str, Any]] = []
    for each in plan.designs:
        own: list[tuple[str, str, str, Any]] = [
            ("settings", "", "", len(each.settings)),
            ("training_runs", "", "", each.trajectories),
            ("cells", "", "", each.cells),
            ("training_epochs", "", "", each.epochs),
            ("coefficients", "", "", len(each.space.columns)),
            ("rank", "", "", each.evaluation.rank),
            *(("efficiency", "", kind, value) for kind, value in each.against_full.items()),
            *(
                ("d_efficiency_assuming", "", f"eta={e.ratio:g}, rho={e.correlation:g}", value)
                for e, value in each.assumed.items()
            ),
            *(("left_out", "", term, 1) for term in each.missing),
            *(("alias", "", f"{a.column} = {a.alias}", a.share) for a in each.aliases),
        ]
        if each.evaluation.complete:
            variances = np.quantile(each.evaluation.variances, FRACTIONS) / len(each.settings)
            own += [
                ("prediction_variance", "", f"{fraction:.2f}", float(value))
                for fraction, value in zip(FRACTIONS, variances, strict=True)
            ]
        for metric, tests in each.power.items():
            own += [
                (f"power_of_{test.kind}", metric, test.about, test.of(plan.targets[metric]))
                for test in tests
            ]
        for measure, by_metric in (
            ("replicates_needed", each.replicates_needed),
            ("trajectories_needed", each.trajectories_needed),
        ):
            own += [(measure, metric, "", number) for metric, number in by_metric.items()]
        rows += [(each.name, *row) for row in own]
    return pd.DataFrame(rows, columns=COLUMNS)


def in_words(plan: DesignPlan) -> list[str]:
    """What a terminal shows of a plan, in lines."""
    return [line for each in plan.designs for line in (*_of_design(each, plan), "")][:-1]


def _of_design(each: Planned, plan: DesignPlan) -> list[str]:
    runs, cells = words.count(each.trajectories, "training run"), words.count(each.cells, "cell")
    lines = [
        f"Design: {each.name}. {words.count(len(each.settings), 'setting')} in "
        f"{words.count(each.replicates, 'replicate')}: {runs}, {cells}, "
        f"{words.count(each.epochs, 'epoch')} of training.",
        f"  rank {each.evaluation.rank} of {len(each.space.columns)} coefficients of "
        f"{each.space.model}"
        + (f"; without {words.listed(list(each.missing))}" if each.missing else ""),
    ]
    if each.evaluation.complete:
        shown = ", ".join(f"{kind} {value:.2f}" for kind, value in each.against_full.items())
        lines.append(f"  efficiency a training run against the full grid's: {shown}")
        assumed = "; ".join(
            f"η {e.ratio:g}{f', ρ {e.correlation:g}' if e.correlation else ''}: {value:.2f}"
            for e, value in each.assumed.items()
        )
        lines.append(f"  its D under other errors: {assumed}")
        middle, most, last = np.quantile(each.evaluation.variances, [0.5, 0.9, 1.0])
        lines.append(
            "  prediction variance a replicate, in units of that within a run: at most "
            f"{middle / len(each.settings):.2f} in half of the region, "
            f"{most / len(each.settings):.2f} in 90 %, {last / len(each.settings):.2f} everywhere"
        )
    lines.append(f"  aliases: {_aliases(each.aliases)}")
    for metric in plan.metrics:
        tests = [test for test in each.power[metric.name] if test.kind == "factor"]
        target = plan.targets[metric.name]
        powers = ", ".join(f"{words.name(t.about)} {t.of(target):.0%}" for t in tests)
        lines.append(
            f"  power for {words.amount(target, metric)} of {words.name(metric.name)}: {powers}; "
            f"{_needed(each, metric.name)}"
        )
    if plan.metrics and each is plan.designs[0]:
        ratios = ", ".join(
            f"{plan.noise[m.name].ratio:.2g} ({words.name(m.name)})" for m in plan.metrics
        )
        lines.append(f"  the noise is {plan.source}: η {ratios}")
    return lines


def _needed(design: Planned, metric: str) -> str:
    """What would reach the power that is asked for."""
    replicates = design.replicates_needed[metric]
    trajectories = design.trajectories_needed.get(metric)
    ways = [words.count(replicates, "replicate")] if replicates else []
    if trajectories:
        ways.append(
            f"trajectories: {trajectories} in {words.count(design.replicates, 'replicate')}"
        )
    if ways:
        return f"{words.listed(ways, last='or')} would reach {POWER:.0%} for every factor"
    most = [f"{MOST_REPLICATES} replicates"]
    if design.trajectories_needed:
        most.append(f"trajectories: {MOST_TRAJECTORIES}")
    return f"not even {words.listed(most, last='or')} would reach {POWER:.0%} for every factor"


def _aliases(found: Sequence[Alias]) -> str:
    if not found:
        return "none of main effects, products of up to three factors or squares"
    named = [f"{a.column} with {a.share:+.2f} {a.alias}" for a in found[: words.NAMED]]
    more = len(found) - len(named)
    return ", ".join(named) + (f" and {more} more, all in plan.csv" if more else "")
