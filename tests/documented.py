"""What docs/tables.md says the columns of each table are."""

import re
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"


def columns(factors: Iterable[str], metrics: Iterable[str]) -> dict[str, list[str]]:
    """By file name, the columns in the page's order, with <factor> and <metric> spelt out."""
    places = {"<factor>": list(factors), "<metric>": list(metrics)}
    found = {}
    sections = re.split(r"^###? ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for title, _, text in (section.partition("\n") for section in sections):
        if title.endswith(".csv"):
            rows = re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE)
            found[title] = [
                column
                for row in rows
                for name in re.findall(r"`(.*?)`", row)
                for column in _spelt_out(name, places)
            ]
    return found


def _spelt_out(name: str, places: dict[str, list[str]]) -> list[str]:
    for place, values in places.items():
        if place in name:
            return [name.replace(place, value) for value in values]
    return [name]
