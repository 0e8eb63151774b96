"""The model of each metric: as the config asks, or the largest that the runs can estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis import words
from analysis.fit.coding import codings
from analysis.fit.estimable import inestimable, require_estimable, triangle_of
from analysis.fit.least_squares import explains_exactly, ordinary_least_squares
from analysis.fit.model import Block, Model
from analysis.runs.formula import HIGHEST, Term, polynomial
from analysis.runs.study import Note, Study
from analysis.runs.values import natural_order
from analysis.variables import Factor
from common.errors import UserError

MOST_COLUMNS = 300  # of a model that nobody asked for


@dataclass(frozen=True)
class LeftOut:
    """A term of the second order that is not in the model, and why.

    ``reason``: "levels", a factor has too few for the power; "runs", there are fewer than the model
    would have coefficients; "aliased", it cannot be told apart from the terms before it.
    """

    term: Term
    reason: str


@dataclass(frozen=True)
class Choice:
    """The terms of a model, and those that a model which nobody prescribed is without."""

    terms: tuple[Term, ...]
    left_out: tuple[LeftOut, ...] = ()


def with_models(study: Study) -> Study:
    """The study with the terms of every metric's model, and notes on those left out.

    Metrics that their model explains exactly are determined, too. Raises UserError where no
    metric's runs can estimate the model.
    """
    chosen = choices(study)
    study = replace(study, terms={name: choice.terms for name, choice in chosen.items()})
    exact = {name for name in study.settings.metric_names if _is_exact(study, name)}
    determined = study.determined | exact
    noted = {name: each for name, each in chosen.items() if name not in determined}
    return replace(study, determined=determined, notes=(*study.notes, *_left_out_notes(noted)))


def _is_exact(study: Study, metric: str) -> bool:
    if study.response(metric, "absolute").nunique() < 2:
        return False
    try:
        return explains_exactly(ordinary_least_squares(study, study.settings, metric, "absolute"))
    except UserError:
        return False


def choices(study: Study) -> dict[str, Choice]:
    """The choice of each metric's model; raises UserError where none of them can be estimated."""
    runs, settings = study.runs, study.settings
    coded = codings(runs, settings, "absolute", {})
    found: dict[str, Choice] = {}
    known: dict[bytes, Choice] = {}  # by the runs that have the metric
    refusals = []
    for name in settings.metric_names:
        measured = runs[name].notna()
        key = measured.to_numpy().tobytes()
        if key not in known:
            used = runs[measured]
            blocks = tuple(
                Block(block, natural_order(used[block].unique())) for block in settings.blocks or ()
            )
            base = Model(coded, (), blocks)
            asked = study.terms.get(name)
            choice = largest_model(base, settings.factors, used) if asked is None else Choice(asked)
            known[key] = choice
            model = replace(base, terms=choice.terms)
            try:
                require_estimable(model, len(used), triangle_of(model.matrix(used, used)))
            except UserError as error:
                refusals.append(error)
        found[name] = known[key]
    if len(refusals) == len(known):
        raise refusals[0]
    return found


def _left_out_notes(chosen: Mapping[str, Choice]) -> list[Note]:
    why = {
        "levels": "for which there are too few levels",
        "aliased": "which these runs cannot tell apart from the terms before",
        "runs": "for which there are too few runs",
    }
    notes = []
    for metric, choice in chosen.items():
        parts = []
        for reason, because in why.items():
            terms = [
                words.term((name, None, power) for name, power in each.term.powers)
                for each in choice.left_out
                if each.reason == reason
            ]
            if terms:
                parts.append(f"{words.listed(terms)}, {because}")
        if parts:
            notes.append(
                Note(
                    "model",
                    "the model is the largest up to the second order that the runs can "
                    f"estimate; it is without {'; and without '.join(parts)}.",
                    metric,
                )
            )
    return notes


def largest_model(base: Model, factors: Sequence[Factor], runs: pd.DataFrame) -> Choice:
    """The largest polynomial up to the second order that the runs can estimate.

    ``base`` gives codings and blocks. All main effects are in it; products and squares are all
    there but for those that are aliased, or as a whole left out where the runs are too few.
    """
    first = polynomial(factors, 1)
    second = [term for term in polynomial(factors, HIGHEST) if term not in first]
    levels = {coding.name: len(coding.levels) for coding in base.codings}
    left_out = [
        LeftOut(term, "levels") for term in second if any(levels[n] <= p for n, p in term.powers)
    ]
    products = [term for term in second if term.kind == "TWI"]
    squares = [
        term for term in second if term.kind == "PQ" and LeftOut(term, "levels") not in left_out
    ]
    for chosen in ([*products, *squares], products, squares):
        model = replace(base, terms=(*first, *chosen))
        if not chosen or len(model.names) > MOST_COLUMNS:
            continue
        aliased = {name for name, _ in inestimable(model, triangle_of(model.matrix(runs, runs)))}
        kept = tuple(term for term in model.terms if term.name not in aliased or term in first)
        if len(runs) > len(replace(base, terms=kept).names):
            missing = [term for term in (*products, *squares) if term not in chosen]
            left_out += [LeftOut(term, "aliased") for term in chosen if term not in kept]
            left_out += [LeftOut(term, "runs") for term in missing]
            return Choice(kept, tuple(left_out))
    return Choice(first, (*left_out, *(LeftOut(term, "runs") for term in (*products, *squares))))
