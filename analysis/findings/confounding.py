"""What varied together, and what hardly varied, so that nothing can be said of it alone."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import words
from analysis.findings.finding import Finding, Tables, rows_of
from analysis.runs.settings import Settings
from analysis.runs.structure import with_result
from analysis.runs.study import Study

# of the runs; with so many alike the others are too few to tell anything from
ALMOST_ALL = 0.9


def about_confounding(tables: Tables, study: Study, settings: Settings) -> Iterator[Finding]:
    """What was not assigned, what hardly varied, and what varied together."""
    if settings.observational:
        alike = _alike(study, settings)
        same = f" Alike in nearly all runs: {words.listed(alike)}." if alike else ""
        yield Finding(
            "confounding",
            "",
            "not_assigned",
            False,
            "Nobody assigned these settings, so what goes with them may belong to the runs' data "
            f"or anything else.{same}",
        )
    for row in rows_of(tables, "confounding", together=True).to_dict("records"):
        pair = (row["first"], row["second"])
        names = words.listed([words.name(name) for name in pair])
        degree = (
            "cannot be told apart" if row["correlation"] > 0.9999 else "can hardly be told apart"
        )
        sentence = (
            f"{words.sentence_case(names)} varied together (correlation "
            f"{min(row['correlation'], 0.99):.2f}) and {degree}."
        )
        yield Finding("confounding", "", "together", False, sentence, about=":".join(pair))


def _alike(study: Study, settings: Settings) -> list[str]:
    """``5 epochs (114 of 116)``, ``seed 42``: what the table says of nearly every run."""
    known = with_result(study.runs, settings)
    ours = {"replicate", "trajectory", "status", "run_label", *settings.metric_names}
    ours |= {name for name in settings.columns.values() if isinstance(name, str)}
    ours |= {f"{start}_{name}" for start in ("baseline", "delta") for name in settings.metric_names}
    found = []
    for column in known.columns.difference(ours, sort=False):
        counts = known[column].value_counts()
        if counts.empty or counts.iloc[0] < ALMOST_ALL * len(known):
            continue
        most = "" if counts.iloc[0] == len(known) else f" ({counts.iloc[0]:,} of {len(known):,})"
        found.append(words.setting({column: counts.index[0]}, settings.factors) + most)
    return found


def inseparable(tables: Tables, settings: Settings) -> dict[str, str]:
    """By factor, what it cannot be told apart from."""
    found: dict[str, str] = {}
    for row in rows_of(tables, "confounding", together=True).to_dict("records"):
        found.setdefault(row["first"], row["second"])
        found.setdefault(row["second"], row["first"])
    return {name: found[name] for name in settings.factor_names if name in found}
