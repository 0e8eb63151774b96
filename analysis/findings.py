"""Sentences generated from the tables, so that the report cannot say what the tables do not.

Conclusions are drawn from the split-plot estimator in the absolute framing; where it is missing,
from the next best, and that is said. A term is called significant only if its q-value is below
alpha and its interval excludes zero. What is not significant is 'no detectable effect', with the
size the design could have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import style
from analysis.coding import Coding, codings
from analysis.settings import Metric, Settings
from analysis.study import Study

Tables = dict[str, pd.DataFrame]
COLUMNS = ["section", "metric", "kind", "significant", "sentence"]

# from the one that conclusions should rest on to the one they should least rest on
_ESTIMATORS = {
    "split_plot": "the split-plot estimator",
    "ols_cluster": "ordinary least squares with cluster-robust errors",
    "ols": "classical ordinary least squares (which takes all runs for independent)",
}


@dataclass(frozen=True)
class Finding:
    """One sentence; ``kind`` says what it is about, ``section`` where in the report it stands."""

    section: str
    metric: str
    kind: str
    significant: bool
    sentence: str


@dataclass(frozen=True)
class _Effect:
    """A coefficient in natural units: ``factor`` times the estimate is what ``claim`` speaks of."""

    term: str
    scale: float
    claim: str  # "raising the learning rate from 1e-5 to 9e-5 at … changes accuracy by {amount}"
    topic: str  # "learning rate"; for 'no detectable effect of …'


def find(tables: Tables, study: Study, settings: Settings) -> pd.DataFrame:
    """All findings, in the report's order: section, metric, kind, significant, sentence."""
    found: list[Finding] = [*_runs(study, settings)]
    for metric in settings.metrics:
        found += _against_baseline(tables, study, settings, metric)
    for metric in settings.metrics:
        found += _effects(tables, study, settings, metric)
    for metric in settings.metrics:
        found += _surface(tables, settings, metric)
    found += _conflicts(tables, study, settings)
    found += _prices(tables, settings)
    found += _variability(tables, settings)
    found += _robustness(tables, settings)
    return pd.DataFrame(found, columns=COLUMNS)


def significant(rows: pd.DataFrame, alpha: float) -> pd.Series:
    """The rule: q below alpha and the interval without zero."""
    return (rows["q_value"] < alpha) & ((rows["ci_low"] > 0) | (rows["ci_high"] < 0))


def estimator_used(tables: Tables, metric: Metric) -> str | None:
    """The estimator that conclusions on the metric rest on; None without any coefficients."""
    rows = _table(tables, "coefficients", metric=metric.name, framing="absolute")
    present = set(rows["estimator"]) if len(rows) else set()
    return next((name for name in _ESTIMATORS if name in present), None)


def conclusive(tables: Tables, metric: Metric, framing: str = "absolute") -> pd.DataFrame:
    """The coefficients that conclusions are drawn from, without the replicate block."""
    rows = _table(tables, "coefficients", metric=metric.name, framing=framing)
    if rows.empty:
        return rows
    rows = rows[rows["estimator"] == estimator_used(tables, metric)]
    return rows[~rows["term"].str.startswith("replicate[")].reset_index(drop=True)


def _table(tables: Tables, table: str, **where: Any) -> pd.DataFrame:
    """Rows of a table with these values; an empty frame if there is no such table."""
    rows = tables.get(table, pd.DataFrame())
    if rows.empty:
        return rows
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def centre(study: Study, settings: Settings) -> str:
    """Where the absolute framing counts from: ``learning rate 3e-5, batch size 16, 2 epochs``."""
    middle = {
        coding.name: float(coding.decode(0.0))
        for coding in codings(study.runs, settings, "absolute", {})
        if coding.factor.numeric
    }
    return style.setting(middle, settings.factors)


# --- runs and baseline ---------------------------------------------------------------------------


def _runs(study: Study, settings: Settings) -> Iterator[Finding]:
    runs = study.runs
    cells = len(runs[list(settings.factor_names)].drop_duplicates())
    replicates = runs["replicate"].nunique() if "replicate" in runs else 1
    sentence = (
        f"The study has {style.count(len(runs), 'run')}: {style.count(cells, 'cell')} of "
        f"{style.listed([style.name(name) for name in settings.factor_names])}, "
        f"{style.count(replicates, 'replicate')}."
    )
    yield Finding("runs", "", "count", False, sentence)
    for status, what in (
        ("diverged", "diverged and are left out of the fits"),
        ("failed", "failed and are left out of the fits"),
        ("stopped_early", "stopped early and are in the fits with the metrics they reached"),
    ):
        rows = runs[runs["status"] == status] if "status" in runs else runs.iloc[:0]
        if len(rows):
            names = [
                _run_and_step(row, settings) for row in rows.head(style.NAMED).to_dict("records")
            ]
            more = f"; and {len(rows) - style.NAMED:,} more" if len(rows) > style.NAMED else ""
            of_all = f"{len(rows):,} of {style.count(len(runs), 'run')}"
            sentence = f"{of_all} {what}: {'; '.join(names)}{more}."
            yield Finding("runs", "", status, False, sentence)


def _run_and_step(row: dict[str, Any], settings: Settings) -> str:
    """The run's name, and at which step it diverged where the table says so."""
    step = row.get("diverged_at_step", float("nan"))
    at = f" (at step {step:.0f})" if pd.notna(step) else ""
    return style.run(row, settings.factors) + at


def _against_baseline(
    tables: Tables, study: Study, settings: Settings, metric: Metric
) -> Iterator[Finding]:
    cells = _table(tables, "cells", metric=metric.name)
    cells = cells.dropna(subset=["delta"]) if len(cells) else cells
    if cells.empty:
        return
    better = (cells["ci_low"] > 0) if metric.sign > 0 else (cells["ci_high"] < 0)
    worse = (cells["ci_high"] < 0) if metric.sign > 0 else (cells["ci_low"] > 0)
    best = cells.loc[(metric.sign * cells["delta"]).idxmax()]
    name = style.name(metric.name)
    where = style.setting({f.name: best[f.name] for f in settings.factors}, settings.factors)
    interval = ""
    if pd.notna(best["ci_low"]):
        interval = f" ({_percent(settings)} interval {_interval(best, metric)})"
    yield Finding(
        "baseline",
        metric.name,
        "best_cell",
        False,
        f"The cell with the best mean {name} is {where}: "
        f"{style.amount(best['delta'], metric, sign=True)} against the baseline{interval}. "
        f"It is the best of {len(cells)} means, so part of its lead is luck.",
    )
    if cells["ci_low"].notna().any():
        yield Finding(
            "baseline",
            metric.name,
            "cells",
            False,
            f"The whole interval of {int(better.sum())} of {len(cells)} cells is better than the "
            f"baseline in {name}, that of {int(worse.sum())} worse. These intervals are cell by "
            f"cell: were all {len(cells)} cells equal to the baseline, about "
            f"{settings.alpha * len(cells):.1g} would be counted.",
        )
    yield from _cells_against_baseline(tables, settings, metric)


def _cells_against_baseline(
    tables: Tables, settings: Settings, metric: Metric
) -> Iterator[Finding]:
    """From the predictions: exact McNemar tests, corrected for the number of cells."""
    cells = _table(tables, "comparisons", metric=metric.name)
    if cells.empty or cells["q_value"].isna().all():
        return
    sure = significant(cells, settings.alpha)
    gain = metric.sign * cells["difference"] > 0
    better, worse = int((sure & gain).sum()), int((sure & ~gain).sum())
    name = style.name(metric.name)
    rule = (
        f"exact McNemar tests, q < {settings.alpha:g} over the {style.count(len(cells), 'cell')}, "
        "and the interval without zero"
    )
    if better:
        first = cells[sure & gain].sort_values("difference", ascending=metric.sign < 0).iloc[0]
        where = style.setting(first[list(settings.factor_names)].to_dict(), settings.factors)
        sentence = (
            f"As trained here, {style.count(better, 'cell')} of {len(cells):,} "
            f"{'beats' if better == 1 else 'beat'} the baseline in {name} on the same texts, most "
            f"of all {where} with "
            f"{style.amount(first['difference'], metric, sign=True)} ({_percent(settings)} "
            f"interval over texts, not over training runs, {_interval(first, metric)}; "
            f"{style.p_value(first['q_value'], 'q')}); "
            f"{worse} {'is' if worse == 1 else 'are'} worse ({rule})."
        )
    else:
        sentence = (
            f"No cell is shown to beat the baseline in {name} on the same texts; "
            f"{worse} of {len(cells)} {'is' if worse == 1 else 'are'} worse ({rule})."
        )
    yield Finding("baseline", metric.name, "cells_beat_baseline", bool(better), sentence)


def _percent(settings: Settings) -> str:
    return f"{100 * (1 - settings.alpha):g} %"


def _interval(row: pd.Series, metric: Metric, scale: float = 1.0) -> str:
    low, high = sorted((scale * row["ci_low"], scale * row["ci_high"]))
    return style.interval(low, high, metric)


# --- effects -------------------------------------------------------------------------------------


def _effects(tables: Tables, study: Study, settings: Settings, metric: Metric) -> Iterator[Finding]:
    rows = conclusive(tables, metric)
    rows = rows[rows["term"] != "intercept"] if len(rows) else rows
    name = style.name(metric.name)
    if rows.empty:
        yield Finding(
            "effects",
            metric.name,
            "not_estimated",
            False,
            f"No effect on {name} could be estimated from this table.",
        )
        return
    used = estimator_used(tables, metric)
    if used != "split_plot":
        yield Finding(
            "effects",
            metric.name,
            "estimator",
            False,
            f"The split-plot estimator is not available for {name}; its findings rest on "
            f"{_ESTIMATORS[used]}.",
        )
    translate = _Translator(study, settings, metric, list(rows["term"]))
    power = _table(tables, "power", metric=metric.name)
    smallest = power.set_index("term")["smallest_effect"] if len(power) else pd.Series(dtype=float)
    sure = significant(rows, settings.alpha)
    yield _summary(rows[sure], rows, translate, smallest, settings, metric)
    # what is significant first, the largest first: a reader may stop early
    order = rows.assign(sure=sure, size=rows["statistic"].abs())
    for _, row in order.sort_values(["sure", "size"], ascending=False).iterrows():
        effect = translate(row["term"])
        yield _effect(row, effect, bool(row["sure"]), smallest.get(row["term"]), settings, metric)


def _effect(
    row: pd.Series,
    effect: _Effect,
    sure: bool,
    smallest: float | None,
    settings: Settings,
    metric: Metric,
) -> Finding:
    section = "interactions" if ":" in effect.term else "effects"
    evidence = (
        f"{_percent(settings)} interval {_interval(row, metric, effect.scale)}; "
        f"{style.p_value(row['p_value'], 'p')}, {style.p_value(row['q_value'], 'q')}"
    )
    amount = style.amount(effect.scale * row["estimate"], metric, sign=True)
    claim = style.sentence_case(effect.claim.format(amount=amount))
    if sure:
        return Finding(section, metric.name, "effect", True, f"{claim} ({evidence}).")
    excludes_zero = row["ci_low"] > 0 or row["ci_high"] < 0
    if excludes_zero:
        return Finding(
            section,
            metric.name,
            "indication",
            False,
            f"An indication only, since q is not below {settings.alpha:g} once the number of terms "
            f"is allowed for: {claim[:1].lower()}{claim[1:]} ({evidence}).",
        )
    seen = ""
    if smallest is not None and pd.notna(smallest):
        seen = f"; the design could have seen {style.amount(abs(effect.scale) * smallest, metric)}"
    return Finding(
        section,
        metric.name,
        "no_effect",
        False,
        f"No detectable effect of {effect.topic} on {style.name(metric.name)}: estimated {amount} "
        f"({evidence}{seen}).",
    )


def _summary(
    sure: pd.DataFrame,
    rows: pd.DataFrame,
    translate: _Translator,
    smallest: pd.Series,
    settings: Settings,
    metric: Metric,
) -> Finding:
    """What page 1 says of the metric."""
    name = style.name(metric.name)
    rule = f"q < {settings.alpha:g} and the {_percent(settings)} interval without zero"
    if sure.empty:
        sizes = [
            abs(translate(term).scale) * smallest[term]
            for term in rows["term"]
            if term in settings.factor_names and term in smallest
        ]
        seen = ""
        if sizes:
            low, high = (style.amount(size, metric) for size in (min(sizes), max(sizes)))
            seen = (
                f" Over the range of a factor the design could have seen "
                f"{high if low == high else f'{low} to {high}'}."
            )
        sentence = (
            f"Nothing studied has a detectable effect on {name}: none of {len(rows)} terms is "
            f"significant ({rule}).{seen}"
        )
        return Finding("summary", metric.name, "nothing_significant", False, sentence)
    largest = sure.loc[(sure["statistic"].abs()).idxmax()]
    topics = [translate(term).topic for term in sure["term"]]
    effect = translate(largest["term"])
    amount = style.amount(effect.scale * largest["estimate"], metric, sign=True)
    sentence = (
        f"{style.sentence_case(name)} responds to {len(sure)} of {len(rows)} terms: "
        f"{style.listed(topics)}. The clearest: {effect.claim.format(amount=amount)} ("
        f"{_percent(settings)} interval {_interval(largest, metric, effect.scale)}; "
        f"{style.p_value(largest['p_value'], 'p')}, {style.p_value(largest['q_value'], 'q')})."
    )
    return Finding("summary", metric.name, "significant_terms", True, sentence)


class _Translator:
    """From a coefficient of the coded model to what it says in natural units.

    In the absolute framing a numeric factor runs from −1 to 1, so that, with the others at the
    centre, the change from its low to its high end is exactly twice its coefficient (squares
    cancel), the departure of the middle from the mean of the ends is minus the square's
    coefficient, and the difference between two such changes, at the ends of another factor, is four
    times the coefficient of their interaction.
    """

    def __init__(self, study: Study, settings: Settings, metric: Metric, terms: list[str]) -> None:
        self.metric, self.settings = metric, settings
        usable = study.runs[study.runs[metric.name].notna()]
        self.codings = {c.name: c for c in codings(usable, settings, "absolute", {})}
        # with cubes the ends' difference is no longer one coefficient
        self.cubic = {t.removesuffix("^3") for t in terms if t.endswith("^3")}

    def __call__(self, term: str) -> _Effect:
        parts = term.split(":")
        plain = all("^" not in part for part in parts)
        involved = {part.partition("^")[0].partition("[")[0] for part in parts}
        if plain and not involved & self.cubic:
            if len(parts) == 1:
                return self._main(term)
            if len(parts) == 2:
                return self._interaction(term, *parts)
        if len(parts) == 1 and term.endswith("^2"):
            return self._square(term)
        return self._as_coded(term)

    def _numeric(self, part: str) -> Coding | None:
        coding = self.codings.get(part)
        return coding if coding is not None and coding.factor.numeric else None

    def _ends(self, coding: Coding) -> tuple[str, str]:
        low, high = coding.decode([-1.0, 1.0])
        return self._level(coding, low), self._level(coding, high)

    @staticmethod
    def _level(coding: Coding, value: Any) -> str:
        return style.level(value, coding.factor.scale)

    def _at(self, *besides: str) -> str:
        """Where the other factors are held."""
        centre = {
            name: float(coding.decode(0.0))
            for name, coding in self.codings.items()
            if coding.factor.numeric and name not in besides
        }
        over = [
            f"on average over {style.name(name)}"
            for name, coding in self.codings.items()
            if not coding.factor.numeric and name not in besides
        ]
        held = [style.setting(centre, self.settings.factors)] if centre else []
        text = " at " + _and(held[0]) if held else ""
        return text + "".join(f", {each}" for each in over) + ("," if over else "")

    def _main(self, term: str) -> _Effect:
        name = style.name(self.metric.name)
        coding = self._numeric(term)
        if coding is not None:
            low, high = self._ends(coding)
            change = (
                f"going from {low} to {high} epochs"
                if term == "epochs"
                else f"raising the {style.name(term)} from {low} to {high}"
            )
            claim = f"{change}{self._at(term)} changes {name} by {{amount}}"
            return _Effect(term, 2.0, claim, style.name(term))
        factor, level, coding = self._level_of(term)
        if len(coding.levels) == 2:
            claim = (
                f"{style.name(factor)} {level} instead of {coding.levels[0]}{self._at(factor)} "
                f"changes {name} by {{amount}}"
            )
            return _Effect(term, 2.0, claim, style.name(factor))
        claim = (
            f"{style.name(factor)} {level}{self._at(factor)} changes {name} by {{amount}} against "
            f"the mean over all values of {style.name(factor)}"
        )
        return _Effect(term, 1.0, claim, f"{style.name(factor)} {level}")

    def _level_of(self, part: str) -> tuple[str, str, Coding]:
        factor, _, level = part.removesuffix("]").partition("[")
        return factor, level, self.codings[factor]

    def _square(self, term: str) -> _Effect:
        factor = term.removesuffix("^2")
        coding = self.codings[factor]
        low, high = self._ends(coding)
        middle = self._level(coding, float(coding.decode(0.0)))
        where = f"{style.name(factor)} {middle}" if factor != "epochs" else f"{middle} epochs"
        claim = (
            f"at {where}{self._at(factor).replace(' at ', ', ', 1).removesuffix(',')}, "
            f"{style.name(self.metric.name)} is {{amount}} off the mean of its values at {low} "
            f"and {high}"
        )
        return _Effect(term, -1.0, claim, f"the curvature in {style.name(factor)}")

    def _interaction(self, term: str, one: str, other: str) -> _Effect:
        if self._numeric(one) is None:
            one, other = other, one
        first, second = self._numeric(one), self._numeric(other)
        name, topic = style.name(self.metric.name), style.term(term)
        if first is None:
            return self._as_coded(term)
        low, high = self._ends(first)
        change = f"the change in {name} from {style.name(one)} {low} to {high}"
        if one == "epochs":
            change = f"the change in {name} from {low} to {high} epochs"
        topic = f"the interaction {topic}"
        if second is not None:
            at_low, at_high = (
                style.setting({other: value}, self.settings.factors)
                for value in second.decode([-1.0, 1.0])
            )
            claim = f"{change} differs by {{amount}} at {at_high} from that at {at_low}"
            return _Effect(term, 4.0, claim, topic)
        factor, level, coding = self._level_of(other)
        if len(coding.levels) == 2:
            claim = (
                f"{change} differs by {{amount}} with {style.name(factor)} {level} from that with "
                f"{coding.levels[0]}"
            )
            return _Effect(term, 4.0, claim, topic)
        claim = (
            f"{change} differs by {{amount}} with {style.name(factor)} {level} from its mean over "
            f"all values of {style.name(factor)}"
        )
        return _Effect(term, 2.0, claim, topic)

    def _as_coded(self, term: str) -> _Effect:
        claim = (
            f"the term {style.term(term)} changes {style.name(self.metric.name)} by {{amount}} for "
            "half the range of each of its factors"
        )
        return _Effect(term, 1.0, claim, f"the term {style.term(term)}")


def _and(listed: str) -> str:
    """``a, b`` -> ``a and b``: the last comma of a short list."""
    head, comma, tail = listed.rpartition(", ")
    return f"{head} and {tail}" if comma else listed


# --- surfaces and trade-offs ---------------------------------------------------------------------


def _surface(tables: Tables, settings: Settings, metric: Metric) -> Iterator[Finding]:
    name = style.name(metric.name)
    best = _table(tables, "optimum", metric=metric.name)
    if len(best):
        values = dict(zip(best["factor"], best["value"], strict=True))
        where = style.setting(values, settings.factors)
        row = best.iloc[0]
        interval = ""
        if pd.notna(row["ci_low"]):
            interval = (
                f" ({_percent(settings)} bootstrap interval {_interval(row, metric)} for the value "
                "there)"
            )
        sentence = (
            f"The fitted {name} is best at {where}: {style.reading(row['predicted'], metric)}"
            f"{interval}."
        )
        edges = [style.name(name) for name in best.loc[best["on_edge"].astype(bool), "factor"]]
        if edges:
            sentence += (
                f" That is on the edge of what was studied in {style.listed(edges)}: something "
                "better may lie beyond."
            )
        yield Finding("surface", metric.name, "best_region", False, sentence)
    point = _table(tables, "stationary", metric=metric.name)
    if len(point):
        nature, inside = str(point["nature"].iloc[0]), bool(point["inside"].iloc[0])
        where = style.setting(
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


def _conflicts(tables: Tables, study: Study, settings: Settings) -> Iterator[Finding]:
    """Terms that help one metric and hurt another, significantly in both."""
    table = tables.get("conflicts", pd.DataFrame())
    if table.empty:
        return
    found = []
    for row in table[table["kind"] == "conflict"].to_dict("records"):
        sides = []
        for which in ("a", "b"):
            metric = settings.metric(row[f"metric_{which}"])
            rows = conclusive(tables, metric)
            rows = rows[rows["term"] == row["term"]] if len(rows) else rows
            if rows.empty or not significant(rows, settings.alpha).iloc[0]:
                break
            translate = _Translator(
                study, settings, metric, list(conclusive(tables, metric)["term"])
            )
            sides.append((metric, rows.iloc[0], translate(row["term"])))
        if len(sides) < 2:
            continue
        told = [
            f"{style.name(metric.name)} by "
            f"{style.amount(effect.scale * coefficient['estimate'], metric, sign=True)} "
            f"({_percent(settings)} interval {_interval(coefficient, metric, effect.scale)})"
            for metric, coefficient, effect in sides
        ]
        first, effect = sides[0][0], sides[0][2]
        better = [
            style.name(metric.name)
            for metric, coefficient, each in sides
            if metric.sign * each.scale * coefficient["estimate"] > 0
        ]
        # the claim up to its amount is the same for both metrics but for the metric's name
        claim = effect.claim.format(amount="{amount}")
        head, _, tail = claim.partition("{amount}")
        if head.endswith(f"changes {style.name(first.name)} by "):
            head = head.removesuffix(f"{style.name(first.name)} by ")
            sentence = f"{head}{told[0]} and {told[1]}{tail}"
        else:
            sentence = f"{effect.topic} moves {told[0]} and {told[1]}"
        sentence = style.sentence_case(sentence)
        worse = [style.name(m.name) for m, _, _ in sides if style.name(m.name) not in better]
        if len(better) == 1:
            sentence += f": better for {better[0]}, worse for {worse[0]}"
        found.append(
            Finding(
                "tradeoff",
                f"{row['metric_a']} {row['metric_b']}",
                "conflict",
                True,
                sentence + ".",
            )
        )
    if found:
        yield from found
    else:
        yield Finding(
            "tradeoff",
            "",
            "no_conflict",
            False,
            "No term is shown to help one metric and hurt another.",
        )


def _prices(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """What choosing one metric's best settings costs in the others."""
    table = tables.get("prices", pd.DataFrame())
    for row in table.to_dict("records"):
        if (
            row["metric"] not in settings.metric_names
            or row["chosen_for"] not in settings.metric_names
            or row["metric"] == row["chosen_for"]
            or pd.isna(row["price"])
        ):
            continue
        metric, chosen = settings.metric(row["metric"]), settings.metric(row["chosen_for"])
        sure = row["ci_low"] > 0 or row["ci_high"] < 0
        interval = ""
        if pd.notna(row["ci_low"]):
            interval = (
                f" ({_percent(settings)} bootstrap interval {_interval(pd.Series(row), metric)})"
            )
        yield Finding(
            "tradeoff",
            f"{chosen.name} {metric.name}",
            "price",
            bool(sure),
            f"The settings best for {style.name(chosen.name)} cost "
            f"{style.amount(abs(row['price']), metric)} of {style.name(metric.name)} against the "
            f"settings best for that{interval}.",
        )


# --- variability and robustness ------------------------------------------------------------------


def _variability(tables: Tables, settings: Settings) -> Iterator[Finding]:
    table = tables.get("variance", pd.DataFrame())
    words = {
        "hyperparameters": "the hyperparameters",
        "replicate": "the replicate (its seed and the data drawn for it)",
        "trajectory": "the training run beyond that",
        "epoch_within_trajectory": "unexplained, from epoch to epoch of a training run",
        "evaluation_sampling": "which texts were drawn for evaluation",
    }
    for metric in settings.metrics:
        rows = table[table["metric"] == metric.name] if len(table) else table
        rows = rows.dropna(subset=["share"]) if len(rows) else rows
        if rows.empty:
            continue
        rows = rows.sort_values("share", ascending=False).head(2)
        parts = [
            f"{100 * share:.0f} % is {words.get(component, style.name(component))}"
            for component, share in zip(rows["component"], rows["share"], strict=True)
        ]
        yield Finding(
            "variability",
            metric.name,
            "largest_components",
            False,
            f"Of the variance of {style.name(metric.name)}, {style.listed(parts)}.",
        )


def _robustness(tables: Tables, settings: Settings) -> Iterator[Finding]:
    yield from _effects_in_variants(tables, settings)
    for metric in settings.metrics:
        name = style.name(metric.name)
        for estimator, terms in dissent(tables, settings, metric).items():
            yield Finding(
                "robustness",
                metric.name,
                "estimators_disagree",
                False,
                f"An analysis by {_ESTIMATORS[estimator]} would have concluded otherwise on {name} "
                f"about {style.listed([style.term(t) for t in terms])}.",
            )
        rows = _variants(tables, metric)
        if rows.empty:
            continue
        flips = rows[~rows["agrees"].astype(bool)]
        total = rows["variant"].nunique()
        if flips.empty:
            sentence = (
                f"The conclusions on {name} are the same in all {total} variants of the analysis."
            )
        else:
            changed = [f"{style.term(term)} ({names})" for term, names in _by_term(flips)]
            sentence = (
                f"On {name}, conclusions that change in at least one of {total} variants of the "
                f"analysis (by p < {settings.alpha:g}): {style.listed(changed)}."
            )
        yield Finding(
            "robustness", metric.name, "flips" if len(flips) else "stable", False, sentence
        )


def _effects_in_variants(tables: Tables, settings: Settings) -> Iterator[Finding]:
    """Whether the effects called significant are there however the analysis is done."""
    called, lost = False, []
    for metric in settings.metrics:
        rows, variants = conclusive(tables, metric), _variants(tables, metric)
        if rows.empty or variants.empty:
            continue
        terms = rows.loc[significant(rows, settings.alpha), "term"]
        called = called or len(terms) > 0
        doubted = variants[variants["term"].isin(terms) & ~variants["agrees"].astype(bool)]
        name = style.name(metric.name)
        lost += [f"{style.term(term)} on {name} ({names})" for term, names in _by_term(doubted)]
    if lost:
        told = f"Significant effects that a variant of the analysis loses: {style.listed(lost)}."
        yield Finding("robustness", "", "effects_lost", False, told)
    elif called:
        told = "No variant of the analysis loses a significant effect."
        yield Finding("robustness", "", "effects_kept", False, told)


def _variants(tables: Tables, metric: Metric) -> pd.DataFrame:
    """The metric's conclusions that a variant of the analysis could draw."""
    rows = _table(tables, "conclusions", metric=metric.name)
    return rows[rows["agrees"].notna()] if len(rows) else rows


def _by_term(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Each term with the names of its variants."""
    groups = rows.groupby("term", sort=False)["variant"]
    return [(term, style.listed(list(dict.fromkeys(names)))) for term, names in groups]


def dissent(tables: Tables, settings: Settings, metric: Metric) -> dict[str, list[str]]:
    """The estimators that conclusions do not rest on, and the terms they judge otherwise.

    To judge is to call significant or not. Estimators that judge every term alike are left out.
    """
    rows = _table(tables, "coefficients", metric=metric.name, framing="absolute")
    if rows.empty:
        return {}
    rows = rows[(rows["term"] != "intercept") & ~rows["term"].str.startswith("replicate[")]
    verdicts = significant(rows, settings.alpha).groupby([rows["estimator"], rows["term"]])
    verdicts = verdicts.first().unstack("estimator").reindex(rows["term"].unique()).dropna()
    used = verdicts[estimator_used(tables, metric)]
    others = {e: verdicts.index[verdicts[e] != used] for e in _ESTIMATORS if e in verdicts}
    return {estimator: list(terms) for estimator, terms in others.items() if len(terms)}
