"""Two pages for a browser, each a file of its own."""

from __future__ import annotations

from pathlib import Path

from analysis.figures.common import Tables
from analysis.pages.runs import runs_page
from analysis.pages.surfaces import surfaces_page
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common import files


def write(tables: Tables, study: Study, settings: Settings, folder: str | Path) -> None:
    """surfaces.html and runs.html; a file appears whole or not at all."""
    folder = Path(folder)
    pages = {
        "surfaces.html": surfaces_page(tables, study, settings),
        "runs.html": runs_page(study, settings),
    }
    for name, page in pages.items():
        with files.replacing(folder / name) as unfinished:
            unfinished.write_text(page, encoding="utf-8")
