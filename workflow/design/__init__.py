"""Which cells are run: a design chooses settings, the grid gives them replicates and epochs.

A design is a function from the study's configuration to the settings of its training runs: each a
mapping from every factor but epochs to one of its levels, none twice. It is named by the key
``design`` of the configuration.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from design import full

Setting = dict[str, Any]
DESIGNS: dict[str, Callable[[Mapping[str, Any]], Iterable[Setting]]] = {
    "full": full.settings,
}
DEFAULT = "full"
