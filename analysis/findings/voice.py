"""How findings speak of a difference: as what a setting does, or as what goes with it.

Where somebody assigned the settings, a difference between them is their effect. In a table whose
settings nobody assigned (published models, a tracker's history) it may be the effect of anything
else that differs between the runs, and no sentence may claim more than that they go together.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.runs.settings import Settings


@dataclass(frozen=True)
class Voice:
    """Phrases that differ between the two; factors and metrics are put in by name."""

    depends: str  # "loss … learning rate"
    no_effect: str  # "… batch size or epochs"
    compared: str  # "0.02 nats lower …"
    recommended: str  # "…: learning rate 1e-5, 3 epochs"


ASSIGNED = Voice(
    depends="depends on",
    no_effect="no detectable effect of",
    compared="with {better} than with {worse}",
    recommended="Recommended",
)
OBSERVED = Voice(
    depends="goes with",
    no_effect="no detectable association with",
    compared="in runs with {better} than in runs with {worse}",
    recommended="Best among the runs that exist",
)


def voice_of(settings: Settings) -> Voice:
    return OBSERVED if settings.observational else ASSIGNED
