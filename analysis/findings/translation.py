"""From coefficients of the coded model to statements in natural units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis import words
from analysis.fit.coding import Coding, absolute_codings, codings
from analysis.fit.terms import Column, columns_by_name
from analysis.runs.settings import Metric, Settings
from analysis.runs.study import Study


@dataclass(frozen=True)
class Effect:
    """A coefficient in natural units: ``scale`` times the estimate is the amount of the claim.

    before and after: the claim around its amount; topic: for 'no detectable effect of …'; change:
    what changes the metric, in claims of the form 'CHANGE changes METRIC by AMOUNT'.
    """

    column: Column
    scale: float
    topic: str
    before: str
    after: str = ""
    change: str = ""

    def claim(self, amount: str) -> str:
        """``raising the learning rate from 1e-5 to 9e-5 at … changes accuracy by +0.8 points``."""
        return f"{self.before}{amount}{self.after}"


def centre(study: Study, settings: Settings) -> str:
    """Where the absolute framing counts from: ``learning rate 3e-5, batch size 16, 2 epochs``."""
    middle = {
        coding.name: float(coding.decode(0.0))
        for coding in codings(study.runs, settings, "absolute", {})
        if coding.factor.numeric
    }
    return words.setting(middle, settings.factors)


class Translator:
    """From a coefficient of the coded model to what it says in natural units.

    In the absolute framing a numeric factor runs from −1 to 1, so that, with the others at the
    centre, the change from its low to its high end is exactly twice its coefficient (squares
    cancel), the departure of the middle from the mean of the ends is minus the square's
    coefficient, and the difference between two such changes, at the ends of another factor, is four
    times the coefficient of their interaction.
    """

    def __init__(self, study: Study, settings: Settings, metric: Metric, terms: list[str]) -> None:
        self.metric, self.settings = metric, settings
        self.columns = columns_by_name(study, settings)
        self.codings = {c.name: c for c in absolute_codings(study, settings, metric.name)}
        # with cubes the ends' difference is no longer one coefficient
        self.cubic = {
            name for term in terms for name, _, power in self.columns[term].parts if power == 3
        }

    def __call__(self, term: str) -> Effect:
        column = self.columns[term]
        involved = {name for name, _, _ in column.parts}
        powers = [power for _, _, power in column.parts]
        if powers == [2]:
            return self._square(column)
        if max(powers) == 1 and not involved & self.cubic:
            if len(powers) == 1:
                return self._main(column)
            if len(powers) == 2:
                return self._interaction(column)
        return self._as_coded(column)

    def _ends(self, coding: Coding) -> tuple[str, str]:
        low, high = coding.decode([-1.0, 1.0])
        return self._level(coding, low), self._level(coding, high)

    @staticmethod
    def _level(coding: Coding, value: Any) -> str:
        return words.level(value, coding.factor.scale)

    def _at(self, *besides: str) -> str:
        """Where the other factors are held."""
        centre = {
            name: float(coding.decode(0.0))
            for name, coding in self.codings.items()
            if coding.factor.numeric and name not in besides
        }
        over = [
            f"on average over {words.name(name)}"
            for name, coding in self.codings.items()
            if not coding.factor.numeric and name not in besides
        ]
        held = [words.setting(centre, self.settings.factors)] if centre else []
        text = " at " + _and(held[0]) if held else ""
        return text + "".join(f", {each}" for each in over) + ("," if over else "")

    def _changes(
        self, column: Column, scale: float, topic: str, change: str, after: str = ""
    ) -> Effect:
        before = f"{change} changes {words.name(self.metric.name)} by "
        return Effect(column, scale, topic, before, after, change)

    def _main(self, column: Column) -> Effect:
        ((name, level, _),) = column.parts
        factor, coding = words.name(name), self.codings[name]
        if level is None:
            low, high = self._ends(coding)
            change = (
                f"going from {low} to {high} epochs"
                if name == "epochs"
                else f"raising the {factor} from {low} to {high}"
            )
            return self._changes(column, 2.0, factor, f"{change}{self._at(name)}")
        if len(coding.levels) == 2:
            change = f"{factor} {level} instead of {coding.levels[0]}{self._at(name)}"
            return self._changes(column, 2.0, factor, change)
        return self._changes(
            column,
            1.0,
            f"{factor} {level}",
            f"{factor} {level}{self._at(name)}",
            f" against the mean over all values of {factor}",
        )

    def _square(self, column: Column) -> Effect:
        ((factor, _, _),) = column.parts
        coding = self.codings[factor]
        low, high = self._ends(coding)
        middle = self._level(coding, float(coding.decode(0.0)))
        where = f"{words.name(factor)} {middle}" if factor != "epochs" else f"{middle} epochs"
        held = self._at(factor).replace(" at ", ", ", 1).removesuffix(",")
        return Effect(
            column,
            -1.0,
            f"the curvature in {words.name(factor)}",
            f"at {where}{held}, {words.name(self.metric.name)} is ",
            f" off the mean of its values at {low} and {high}",
        )

    def _interaction(self, column: Column) -> Effect:
        first, second = sorted(column.parts, key=lambda part: part[1] is not None)
        (one, category, _), (other, level, _) = first, second
        if category is not None:  # both are categories
            return self._as_coded(column)
        low, high = self._ends(self.codings[one])
        change = f"the change in {words.name(self.metric.name)} from "
        epochs = one == "epochs"
        change += f"{low} to {high} epochs" if epochs else f"{words.name(one)} {low} to {high}"
        before = f"{change} differs by "
        topic = f"the interaction {words.term(column.parts)}"
        coding = self.codings[other]
        if level is None:
            at_low, at_high = (
                words.setting({other: value}, self.settings.factors)
                for value in coding.decode([-1.0, 1.0])
            )
            return Effect(column, 4.0, topic, before, f" at {at_high} from that at {at_low}")
        factor = words.name(other)
        if len(coding.levels) == 2:
            after = f" with {factor} {level} from that with {coding.levels[0]}"
            return Effect(column, 4.0, topic, before, after)
        after = f" with {factor} {level} from its mean over all values of {factor}"
        return Effect(column, 2.0, topic, before, after)

    def _as_coded(self, column: Column) -> Effect:
        topic = f"the term {words.term(column.parts)}"
        return self._changes(
            column, 1.0, topic, topic, " for half the range of each of its factors"
        )


def _and(listed: str) -> str:
    """``a, b`` -> ``a and b``: the last comma of a short list."""
    head, comma, tail = listed.rpartition(", ")
    return f"{head} and {tail}" if comma else listed
