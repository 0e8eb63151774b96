"""Which cells are run: a design chooses settings, the grid gives them replicates and epochs.

A design is a module with its ``Options`` and a function from the space of the factors and these to
the settings of the training runs: each a mapping from every factor that the design chooses to a
value, one that is there twice is run twice. It is named by the key ``design`` of the configuration,
alone or as ``kind`` of a mapping with its options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

from design import (
    box_behnken,
    central_composite,
    definitive_screening,
    fractional,
    full,
    latin_hypercube,
    optimal,
    sobol,
    table,
)
from design.space import Setting, Space


class Design(Protocol):
    """A module of this package; Options is a dataclass of its own options."""

    @property
    def Options(self) -> type: ...

    @property
    def settings(self) -> Callable[[Space, Any], Iterable[Setting]]: ...


DESIGNS: dict[str, Design] = {
    "full": full,
    "fractional": fractional,
    "central_composite": central_composite,
    "box_behnken": box_behnken,
    "definitive_screening": definitive_screening,
    "latin_hypercube": latin_hypercube,
    "sobol": sobol,
    "optimal": optimal,
    "table": table,
}
DEFAULT = "full"
# Under which the key `design` notes what was chosen once it was, and the digests of what from.
NOTED, FILES = "settings", "files"


def kind_of(design: str | Mapping[str, Any]) -> str:
    """The kind of design that the key ``design`` names."""
    return design if isinstance(design, str) else design["kind"]


def files_of(config: Mapping[str, Any]) -> list[Path]:
    """The files that a complete configuration's design reads."""
    design = config["design"]
    given = {} if isinstance(design, str) else design
    named = (given.get(key) for key in ("file", "augment", "variance_ratio"))
    found = [each for each in named if isinstance(each, str)]
    return [Path(each) if each.endswith(".csv") else Path(each, "runs.csv") for each in found]


def settings_of(config: Mapping[str, Any]) -> Iterable[Setting]:
    """The settings that a checked configuration's design chooses; as noted in it, where they are.

    Raises UserError where the factors do not suit the design.
    """
    design = config.get("design", DEFAULT)
    if NOTED in design and not isinstance(design, str):
        return design[NOTED]
    module = DESIGNS[kind_of(design)]
    given = {} if isinstance(design, str) else design
    names = [each.name for each in fields(module.Options)]
    options = module.Options(**{name: given[name] for name in names if name in given})
    return module.settings(Space.of(config), options)
