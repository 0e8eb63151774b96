"""Every table of the analysis: computed in one list, written and read as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.diagnostics import anova, diagnostics, influence
from analysis.inference import coefficients, fit_all
from analysis.robustness import conclusions, models
from analysis.settings import Settings

if TYPE_CHECKING:
    from analysis.runs import Study

Tables = dict[str, pd.DataFrame]


def compute(study: Study, settings: Settings) -> Tables:
    """All tables by name. The regressions are fitted once and handed to what needs them."""
    fits, fit_notes = fit_all(study, settings)
    robustness, robustness_notes = conclusions(study, settings, fits)
    degrees, degree_notes = models(study, settings)
    notes = [*study.notes, *fit_notes, *robustness_notes, *degree_notes]
    return {
        "coefficients": coefficients(fits, settings),
        "anova": anova(study, fits),
        "diagnostics": diagnostics(study, settings, fits),
        "influence": influence(study, settings, fits),
        "conclusions": robustness,
        "models": degrees,
        "notes": pd.DataFrame(notes, columns=["topic", "sentence"]),
    }


def write(tables: Tables, folder: str | Path) -> None:
    """One CSV a table. A file appears whole or not at all; equal tables give equal bytes."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        unfinished = folder / f".{name}.csv.unfinished"
        table.to_csv(unfinished, index=False, lineterminator="\n")
        unfinished.replace(folder / f"{name}.csv")


def read_tables(folder: str | Path) -> Tables:
    """The tables that ``write`` wrote, by name."""
    return {
        path.stem: pd.read_csv(path, keep_default_na=False, na_values=[""])
        for path in sorted(Path(folder).glob("*.csv"))
    }
