"""What several kinds of design may be asked."""

from dataclasses import dataclass, field

from common.sections import needs

NUMBER_OF_TRAJECTORIES = needs("a whole number of trajectories, at least 2", minimum=2)
MORE = needs("a whole number from 0 to 100", minimum=0, maximum=100)


@dataclass(frozen=True)
class Centred:
    """centre_points: settings at the middle of every factor, beside those the design has."""

    centre_points: int = field(default=0, metadata=MORE)


@dataclass(frozen=True)
class Spread:
    """trajectories: settings, each a training run of every replicate."""

    trajectories: int = field(metadata=NUMBER_OF_TRAJECTORIES)
