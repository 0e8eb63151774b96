"""Three values of each factor in little more than two runs a factor."""

from __future__ import annotations

from common.errors import UserError
from design.options import Centred
from design.space import Setting, Space

FACTORS = range(3, 13)

Options = Centred


def settings(space: Space, options: Centred) -> list[Setting]:
    """The designs of Jones & Nachtsheim (2011, J. Qual. Technol. 43) from conference matrices, one
    run at the centre; with two-level categories, those of 2013 (45).

    Main effects are orthogonal to each other, to squares and to products of two factors. Raises
    UserError for less than 3 or more than 12 factors and categories of more than two levels.
    """
    from pydoe import definitive_screening_design  # takes a second

    count = len(space.axes)
    if count not in FACTORS:
        raise UserError(
            f"design.kind: definitive_screening takes {FACTORS[0]} to {FACTORS[-1]} designed "
            f"factors, and there are {count}. Write {'full' if count < 3 else 'optimal'}."
        )
    numbers = [n for n, axis in enumerate(space.axes) if axis.numeric]
    others = [n for n, axis in enumerate(space.axes) if not axis.numeric]
    coded = definitive_screening_design(len(numbers), len(others))
    order = sorted(range(count), key=[*numbers, *others].__getitem__)
    found = space.settings(coded[:, order], "definitive_screening")
    return found + space.centre(options.centre_points, "definitive_screening")
