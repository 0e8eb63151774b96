"""Middles of edges and the centre: no run has all factors at their ends at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.errors import UserError
from design.options import MORE
from design.space import Setting, Space

FACTORS = range(3, 6)  # from six on their designs combine three factors at a time


@dataclass(frozen=True)
class Options:
    """centre_points: runs at the centre."""

    centre_points: int = field(default=1, metadata=MORE)


def settings(space: Space, options: Options) -> list[Setting]:
    """The designs of Box & Behnken (1960, Technometrics 2) for three to five factors.

    Raises UserError for other numbers of factors, and categories.
    """
    from pydoe import bbdesign  # takes a second

    count = len(space.axes)
    if count not in FACTORS:
        raise UserError(
            f"design.kind: box_behnken takes {FACTORS[0]} to {FACTORS[-1]} designed factors, and "
            f"there are {count}. Write central_composite, definitive_screening or optimal."
        )
    edges = space.settings(bbdesign(count, center=0), "box_behnken")
    return edges + space.centre(options.centre_points, "box_behnken")
