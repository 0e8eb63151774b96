"""From a table of runs to a study that can be analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.fit.choice import with_models
from analysis.runs import reading, table
from analysis.runs.settings import Settings
from analysis.runs.study import Study


def read_study(path: str | Path, settings: Settings) -> Study:
    """Reads runs.csv, and histories.csv, provenance.json and what tells of augmentation where they
    lie beside it.

    Raises UserError, naming column and row, for a table that cannot be analysed.
    """
    path = Path(path)
    study = study_of(
        reading.csv_table(path, reading.as_written(settings)),
        settings,
        histories=reading.histories(path.with_name("histories.csv"), settings),
        provenance=reading.provenance(path.with_name("provenance.json")),
        folder=path.parent,
    )
    return replace(
        study,
        augmentation=reading.augmentation(path.with_name("augmentation.csv")),
        augmentation_examples=reading.augmentation_examples(
            path.with_name("augmentation_examples.csv")
        ),
    )


def study_of(
    runs: pd.DataFrame,
    settings: Settings,
    *,
    histories: pd.DataFrame | None = None,
    provenance: Mapping[str, Any] | None = None,
    folder: Path = Path(),
) -> Study:
    """The same from a table in memory, whose row i is line i + 2 of a file."""
    checked = table.checked(
        runs, settings, histories=histories, provenance=provenance, folder=folder
    )
    return with_models(checked)
