"""The full grid: every combination of the factors' levels."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any


def settings(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the levels of all factors but epochs, the last factor changing first."""
    levels = {k: factor["levels"] for k, factor in config["factors"].items() if k != "epochs"}
    for values in itertools.product(*levels.values()):
        yield dict(zip(levels, values, strict=True))
