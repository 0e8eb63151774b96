"""From coefficients of the coded model to statements in natural units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis import words
from analysis.fit.coding import Coding, codings
from analysis.runs.settings import Metric, Settings
from analysis.runs.study import Study


@dataclass(frozen=True)
class Effect:
    """A coefficient in natural units: ``factor`` times the estimate is what ``claim`` speaks of."""

    term: str
    scale: float
    claim: str  # "raising the learning rate from 1e-5 to 9e-5 at … changes accuracy by {amount}"
    topic: str  # "learning rate"; for 'no detectable effect of …'


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
        usable = study.runs[study.runs[metric.name].notna()]
        self.codings = {c.name: c for c in codings(usable, settings, "absolute", {})}
        # with cubes the ends' difference is no longer one coefficient
        self.cubic = {t.removesuffix("^3") for t in terms if t.endswith("^3")}

    def __call__(self, term: str) -> Effect:
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

    def _main(self, term: str) -> Effect:
        name = words.name(self.metric.name)
        coding = self._numeric(term)
        if coding is not None:
            low, high = self._ends(coding)
            change = (
                f"going from {low} to {high} epochs"
                if term == "epochs"
                else f"raising the {words.name(term)} from {low} to {high}"
            )
            claim = f"{change}{self._at(term)} changes {name} by {{amount}}"
            return Effect(term, 2.0, claim, words.name(term))
        factor, level, coding = self._level_of(term)
        if len(coding.levels) == 2:
            claim = (
                f"{words.name(factor)} {level} instead of {coding.levels[0]}{self._at(factor)} "
                f"changes {name} by {{amount}}"
            )
            return Effect(term, 2.0, claim, words.name(factor))
        claim = (
            f"{words.name(factor)} {level}{self._at(factor)} changes {name} by {{amount}} against "
            f"the mean over all values of {words.name(factor)}"
        )
        return Effect(term, 1.0, claim, f"{words.name(factor)} {level}")

    def _level_of(self, part: str) -> tuple[str, str, Coding]:
        factor, _, level = part.removesuffix("]").partition("[")
        return factor, level, self.codings[factor]

    def _square(self, term: str) -> Effect:
        factor = term.removesuffix("^2")
        coding = self.codings[factor]
        low, high = self._ends(coding)
        middle = self._level(coding, float(coding.decode(0.0)))
        where = f"{words.name(factor)} {middle}" if factor != "epochs" else f"{middle} epochs"
        claim = (
            f"at {where}{self._at(factor).replace(' at ', ', ', 1).removesuffix(',')}, "
            f"{words.name(self.metric.name)} is {{amount}} off the mean of its values at {low} "
            f"and {high}"
        )
        return Effect(term, -1.0, claim, f"the curvature in {words.name(factor)}")

    def _interaction(self, term: str, one: str, other: str) -> Effect:
        if self._numeric(one) is None:
            one, other = other, one
        first, second = self._numeric(one), self._numeric(other)
        name, topic = words.name(self.metric.name), words.term(term)
        if first is None:
            return self._as_coded(term)
        low, high = self._ends(first)
        change = f"the change in {name} from {words.name(one)} {low} to {high}"
        if one == "epochs":
            change = f"the change in {name} from {low} to {high} epochs"
        topic = f"the interaction {topic}"
        if second is not None:
            at_low, at_high = (
                words.setting({other: value}, self.settings.factors)
                for value in second.decode([-1.0, 1.0])
            )
            claim = f"{change} differs by {{amount}} at {at_high} from that at {at_low}"
            return Effect(term, 4.0, claim, topic)
        factor, level, coding = self._level_of(other)
        if len(coding.levels) == 2:
            claim = (
                f"{change} differs by {{amount}} with {words.name(factor)} {level} from that with "
                f"{coding.levels[0]}"
            )
            return Effect(term, 4.0, claim, topic)
        claim = (
            f"{change} differs by {{amount}} with {words.name(factor)} {level} from its mean over "
            f"all values of {words.name(factor)}"
        )
        return Effect(term, 2.0, claim, topic)

    def _as_coded(self, term: str) -> Effect:
        claim = (
            f"the term {words.term(term)} changes {words.name(self.metric.name)} by {{amount}} for "
            "half the range of each of its factors"
        )
        return Effect(term, 1.0, claim, f"the term {words.term(term)}")


def _and(listed: str) -> str:
    """``a, b`` -> ``a and b``: the last comma of a short list."""
    head, comma, tail = listed.rpartition(", ")
    return f"{head} and {tail}" if comma else listed
