"""The pages of a finished report as pictures, and what can be measured on them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from pypdf import PdfReader

from analysis import report, tables
from analysis.report.opening import PARTS
from analysis.runs.study import Study

A4 = 297  # mm
BODY = (24, 275)  # mm from the top of a page: without its header and footer
MOST_EMPTY = 0.18  # of the text's height: a table that stays on one page, with its heading


def pictures(study: Study, folder: Path, dpi: float) -> list[Image.Image]:
    """Each page of the report on the results in the folder, which `analysis` wrote."""
    read = tables.read_tables(folder / "analysis")
    with report.compiler(read, study, study.settings, folder / "figures") as laid_out:
        pages = laid_out.compile(format="png", ppi=dpi)
    pages = pages if isinstance(pages, list) else [pages]
    return [Image.open(io.BytesIO(page)) for page in pages]


def emptiest(page: Image.Image) -> float:
    """The highest band of a page without any ink, as a share of the height for text."""
    grey = np.asarray(page.convert("L"))
    top, bottom = (round(len(grey) * edge / A4) for edge in BODY)
    inked = (grey[top:bottom] < 245).any(axis=1)
    at = np.flatnonzero(np.r_[True, inked, True])
    return float((np.diff(at).max() - 1) / len(inked))


def lines_of_findings(pdf: Path) -> list[str]:
    """The lines of page 1 from its first label on, up to the picture or the contents."""
    lines = PdfReader(pdf).pages[0].extract_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(f"{PARTS[0].label}."))
    after = next(i for i, line in enumerate(lines) if line.startswith(("Figure 1.", "Source and")))
    return lines[first:after]
