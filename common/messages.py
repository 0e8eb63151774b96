"""How a message shows a value or a name that came from a user."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint that ends a message about an unknown name."""
    known = [plain(each) for each in known]
    close = difflib.get_close_matches(str(name)[:100], known[:1000], n=1, cutoff=0.5)
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known[:20])}{more}."


def shown(value: Any) -> str:
    """A value as a message tells it: in one line that ends."""
    try:
        text = "nothing" if value is None else repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:80]}…"


def plain(name: Any) -> str:
    """A name as a message tells it: without quotes, unless it could be taken for something else."""
    return name if isinstance(name, str) and name.isprintable() and len(name) <= 80 else shown(name)


def one_line(error: Exception) -> str:
    """The message of an error that quotes the file it is about."""
    text = " ".join(str(error).split())
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
