"""python -m tests.contact_sheets OUT: twelve strange reports, every page a picture, a sheet each.

To look at whatever changes in a figure, a table or the report's layout: the reports of
``strange_tables`` as OUT/NAME/report.pdf, their pages as OUT/NAME.png. Names after OUT choose
among them. Needs pdftoppm (Debian: poppler-utils).
"""

import argparse
import subprocess
from pathlib import Path

import yaml
from PIL import Image

from analysis import __main__ as command
from tests import strange_tables

COLUMNS = 4


def sheet(pages: list[Path]) -> Image.Image:
    """The pages side by side, ``COLUMNS`` in a row."""
    pictures = [Image.open(page) for page in pages]
    width, height = pictures[0].size
    rows = -(-len(pictures) // COLUMNS)
    whole = Image.new("RGB", (width * min(COLUMNS, len(pictures)), height * rows), "grey")
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place % COLUMNS * width, place // COLUMNS * height))
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help="of the tables; without any all")
    parser.add_argument("--dpi", type=int, default=70)
    given = parser.parse_args()
    makers = (*strange_tables.SMALL, strange_tables.hundred_thousand_runs)
    for make in makers:
        if given.names and make.__name__ not in given.names:
            continue
        folder = given.out / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        table, config = make()
        table.to_csv(folder / "runs.csv", index=False)
        (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
        arguments = [folder / "runs.csv", "--config", folder / "config.yaml", "--out", folder]
        if command.main([str(argument) for argument in arguments]):
            continue
        for old in folder.glob("page-*.png"):
            old.unlink()
        picture = ["pdftoppm", "-png", "-r", str(given.dpi), folder / "report.pdf", folder / "page"]
        subprocess.run(picture, check=True)
        sheet(sorted(folder.glob("page-*.png"))).save(given.out / f"{make.__name__}.png")


if __name__ == "__main__":
    main()
