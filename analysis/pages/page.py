"""A page from its template."""

from __future__ import annotations

from pathlib import Path
from string import Template

from analysis import style


def page(template: str, **values: str) -> str:
    """The template with the colours of the figures and these values, which are HTML by now."""
    text = Path(__file__).with_name(template).read_text(encoding="utf-8")
    colours = {"black": style.BLACK, "grey": style.GREY, "faint": style.FAINT, "blue": style.BLUE}
    return Template(text).substitute(colours, **values)
