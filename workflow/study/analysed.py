"""A finished analysis, as the jobs that show it read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.preparation import read_study
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from analysis.tables import Tables, read_tables
from finetuning.files import read_digests
from study.gather import check_gathered


def read_analysed(
    runs: str | Path, tables: str | Path, config: Mapping[str, Any]
) -> tuple[Study, Tables]:
    """The study of a runs.csv and the tables in a folder, both found intact.

    Raises UserError where a file of either is damaged.
    """
    check_gathered(Path(runs).parent)
    read_digests(Path(tables))
    return read_study(runs, Settings.from_config(config)), read_tables(tables)
