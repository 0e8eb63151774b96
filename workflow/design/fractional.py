"""Two values of each factor, a fraction of their combinations."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.errors import UserError
from common.sections import one_of
from design.options import Centred
from design.space import Setting, Space

FEWEST = {3: 3, 4: 4, 5: 5}  # factors of which a fraction of that resolution exists
MOST = 12


@dataclass(frozen=True)
class Options(Centred):
    """resolution: III, main effects are aliased with no main effect; IV, with no product of two
    factors either; V, nor are products of two with each other."""

    resolution: int = field(default=5, metadata=one_of([3, 4, 5]))


def settings(space: Space, options: Options) -> list[Setting]:
    """The smallest regular fraction of at least that resolution (Box, Hunter & Hunter, *Statistics
    for Experimenters*, 2005, ch. 6).

    Raises UserError where there is none for so many factors, and for a factor with more than two
    levels that are no numbers.
    """
    from pydoe import fracfact_by_res  # takes a second

    count, resolution = len(space.axes), options.resolution
    if not FEWEST[resolution] <= count <= MOST:
        possible = [each for each, fewest in FEWEST.items() if fewest <= count <= MOST]
        remedy = (
            f"Write resolution: {max(possible)}" if possible else "Write design: full or optimal"
        )
        raise UserError(
            f"design.resolution: {count} designed factors have no fraction of resolution "
            f"{resolution}, which takes {FEWEST[resolution]} to {MOST} of them. {remedy}."
        )
    corners = space.settings(fracfact_by_res(count, resolution), "fractional")
    return corners + space.centre(options.centre_points, "fractional")
