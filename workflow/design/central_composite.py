"""Corners, centre, and a point on each side of it along every factor."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from common.errors import UserError
from common.sections import one_of
from design.options import MORE
from design.space import Setting, Space

MOST = 8  # factors


@dataclass(frozen=True)
class Options:
    """axial: face, the axial points are on the faces, three values of each factor; rotatable, the
    precision depends on the distance from the centre alone, five values. centre_points: runs at
    the centre."""

    axial: str = field(default="face", metadata=one_of(["face", "rotatable"]))
    centre_points: int = field(default=1, metadata=MORE)


def settings(space: Space, options: Options) -> list[Setting]:
    """A central composite design (Box & Wilson 1951, J. R. Stat. Soc. B 13).

    Factors are bounded, so that a rotatable one has its axial points at the ends and its corners
    within. Raises UserError for less than two factors, or more than MOST, and categories.
    """
    from pydoe import ccdesign  # takes a second

    count = len(space.axes)
    if not 2 <= count <= MOST:
        raise UserError(
            f"design.kind: central_composite takes 2 to {MOST} designed factors, and there are "
            f"{count}. Write {'full' if count < 2 else 'optimal or definitive_screening'}."
        )
    face = "faced" if options.axial == "face" else "inscribed"
    coded = ccdesign(count, center=(0, 0), alpha="rotatable", face=face)
    around = space.settings(np.round(coded, 12), "central_composite")
    return around + space.centre(options.centre_points, "central_composite")
