"""python -m tests.contact_sheets OUT: twelve strange reports, every page a picture, a sheet each.

To look at whatever changes in a figure, a table or the report's layout: the reports of
``strange_tables`` as OUT/NAME/report.pdf, their pages as OUT/NAME.png. Names after OUT choose
among them. Ends with status 1, naming them, if page 1 of a report has too many lines or a page but
the last is empty to more than MOST_EMPTY.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from PIL import Image

from analysis import command
from analysis.preparation import read_study
from analysis.report.opening import LINES
from analysis.runs.settings import Settings
from common.configuration import read_config
from tests import strange_tables
from tests.report_pages import MOST_EMPTY, emptiest, lines_of_findings, pictures

COLUMNS = 4


def sheet(pages: list[Image.Image]) -> Image.Image:
    """The pages side by side, ``COLUMNS`` in a row."""
    width, height = pages[0].size
    rows = -(-len(pages) // COLUMNS)
    whole = Image.new("RGB", (width * min(COLUMNS, len(pages)), height * rows), "grey")
    for place, picture in enumerate(pages):
        whole.paste(picture, (place % COLUMNS * width, place // COLUMNS * height))
    return whole


def faults(pages: list[Image.Image], pdf: Path) -> Iterator[str]:
    """What is wrong with the pages of a report."""
    lines = len(lines_of_findings(pdf))
    if lines > LINES:
        yield f"page 1 has {lines} lines"
    for number, page in enumerate(pages[:-1], start=1):
        if (empty := emptiest(page)) > MOST_EMPTY:
            yield f"page {number} is empty to {100 * empty:.0f} %"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help="of the tables; without any all")
    parser.add_argument("--dpi", type=int, default=70)
    given = parser.parse_args()
    found = []
    for make in (*strange_tables.SMALL, strange_tables.hundred_thousand_runs):
        if given.names and make.__name__ not in given.names:
            continue
        folder = given.out / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        table, config = make()
        runs, written = folder / "runs.csv", folder / "config.yaml"
        table.to_csv(runs, index=False)
        written.write_text(yaml.safe_dump(config, allow_unicode=True))
        arguments = [runs, "--config", written, "--out", folder]
        if command.main([str(argument) for argument in arguments]):
            found.append(f"{make.__name__}: no report")
            continue
        study = read_study(runs, Settings.from_config(read_config(written)))
        pages = pictures(study, folder, given.dpi)
        sheet(pages).save(given.out / f"{make.__name__}.png")
        found += [f"{make.__name__}: {fault}" for fault in faults(pages, folder / "report.pdf")]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
