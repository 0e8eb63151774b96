"""Each factor's range in as many parts as there are trajectories, and a run in each part."""

from __future__ import annotations

import numpy as np

from design.options import Spread
from design.space import Setting, Space

DRAW = 203  # the named integer of these random draws beside the study's seed

Options = Spread


def settings(space: Space, options: Spread) -> list[Setting]:
    """A Latin hypercube (McKay, Beckman & Conover 1979, Technometrics 21), its points at the middle
    of their parts and moved apart by exchanges that lower the centred discrepancy."""
    from scipy.stats import qmc  # half a second, which every job would wait for

    draws = np.random.default_rng([space.config["seed"], DRAW])
    sampler = qmc.LatinHypercube(
        len(space.axes), scramble=False, optimization="random-cd", rng=draws
    )
    return space.spread(sampler.random(options.trajectories))
