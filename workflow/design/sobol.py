"""Settings spread evenly over all factors together; more of them keep those before."""

from __future__ import annotations

import numpy as np

from design.options import Spread
from design.space import Setting, Space

DRAW = 204  # the named integer of these random draws beside the study's seed

Options = Spread


def settings(space: Space, options: Spread) -> list[Setting]:
    """The first points of a scrambled Sobol sequence (Owen 1998, J. Complexity 14).

    Any power of two of them has as many in each half, quarter, … of every factor.
    """
    from scipy.stats import qmc  # half a second, which every job would wait for

    draws = np.random.default_rng([space.config["seed"], DRAW])
    sampler = qmc.Sobol(len(space.axes), rng=draws)
    power = int(np.ceil(np.log2(options.trajectories)))
    return space.spread(sampler.random_base2(power)[: options.trajectories])
