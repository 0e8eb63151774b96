"""A study's configuration in full: what its file says and, behind it, the project's config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.configuration import read_config

REFERENCE = Path(__file__).parents[1] / "config.yaml"
WHOLE = (("factors",), ("analysis", "metrics"))  # replaced, not merged
# What config.yaml says of its own value of another key in the same section: of no other value.
SAID_OF = {
    ("hub", "checkpoint_revision"): "checkpoint",
    ("hub", "baseline"): "checkpoint",
    ("hub", "dataset_revision"): "dataset",
    ("analysis", "target_effect"): "metrics",
    ("analysis", "degree"): "formula",
}


def resolve(own: Mapping[str, Any]) -> dict[str, Any]:
    """The whole configuration of a study whose file says only what differs from config.yaml.

    Mappings are merged, `WHOLE` and everything else is replaced. A factor of config.yaml that is
    not among the study's keeps its middle level; one that only the study's training names is fixed.
    What was resolved resolves to itself.

    own: of any content; it is checked afterwards. Raises UserError if config.yaml cannot be read.
    """
    reference = read_config(REFERENCE)
    for (section, key), other in SAID_OF.items():
        said, default = _section(own, section), _section(reference, section)
        if said.get(other, default.get(other)) != default.get(other):
            default.pop(key, None)
    _make_room(reference, own)
    return _merged(reference, own)


def _make_room(reference: dict[str, Any], own: Mapping[str, Any]) -> None:
    """Lets config.yaml vary nothing that the study fixes, and fix the rest of what it varied."""
    varied, fixed = _section(reference, "factors"), _section(reference, "training")
    factors = _section(own, "factors")
    if not factors:
        for name in _section(own, "training"):
            varied.pop(name, None)
        return
    for name in varied:
        levels = _section(varied, name).get("levels")
        if isinstance(levels, list) and levels:
            fixed[name] = levels[len(levels) // 2]
    for name in factors:
        fixed.pop(name, None)
    _section(reference, "analysis").pop("degree", None)  # which other factors may not allow


def _section(config: Mapping[str, Any], key: str) -> Any:
    """A section, or an empty one where a mistaken configuration has none or no mapping."""
    section = config.get(key)
    return section if isinstance(section, dict) else {}


def _merged(reference: Any, own: Any, *path: str) -> Any:
    if not (isinstance(reference, dict) and isinstance(own, Mapping)) or path in WHOLE:
        return own
    return reference | {k: _merged(reference.get(k), v, *path, k) for k, v in own.items()}
