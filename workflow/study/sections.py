"""What a study's configuration may hold, from the definitions of what it names.

Each section is a dataclass: here those of the study itself, in the sources' files those of the
sources. Hyperparameters, sources and designs are defined where they are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.hyperparameters import Hyperparameters
from common.sections import needs, one_of, schema_of, with_defaults
from design import DEFAULT, DESIGNS, kind_of
from finetuning.augmentation.settings import Settings as Augmentation
from finetuning.draws import Data
from finetuning.sources import AUTO, SOURCES, candidates
from finetuning.sources.settings import THREADS

AUTO_MEMORY = "auto"  # training.memory_mb: from the sizes of the model


@dataclass(frozen=True)
class Factor:
    """A hyperparameter that varies."""

    scale: str = field(metadata=one_of(["log10", "log2", "linear", "categorical"]))
    levels: Any = field(
        default=None, metadata=needs("a list of at least two levels", type="array", minItems=2)
    )
    range: Any = field(
        default=None,
        metadata=needs(
            "the lowest and the highest value, such as [1.0e-5, 9.0e-5],",
            type="array",
            minItems=2,
            maxItems=2,
        ),
    )


@dataclass(frozen=True)
class Training:
    """How a job runs; the section also holds the hyperparameters that do not vary."""

    threads: int = field(default=1, metadata=THREADS)
    precision: str = field(default="float32", metadata=one_of(["float32", "mixed_bfloat16"]))
    gpus: int = field(default=0, metadata=one_of([0, 1]))
    memory_mb: Any = field(
        default=AUTO_MEMORY,
        metadata=needs(
            f"{AUTO_MEMORY}, or a whole number of megabytes of at least 100",
            anyOf=[{"type": "integer", "minimum": 100}, {"enum": [AUTO_MEMORY]}],
        ),
    )
    save_state_seconds: float = field(
        default=120, metadata=needs("a number of seconds of at least 0", minimum=0)
    )
    runtime_minutes: int = field(
        default=240, metadata=needs("a whole number of minutes of at least 1", minimum=1)
    )


# Of Training:
CHANGES_NO_RESULT = ("memory_mb", "save_state_seconds", "runtime_minutes")


@dataclass(frozen=True)
class Study:
    """The configuration but for the sources' sections."""

    study: str = field(
        metadata=needs(
            "a name of at most 64 letters, digits, dots, dashes or underscores that begins with a "
            "letter or digit",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        )
    )
    seed: int = field(
        metadata=needs("a whole number from 0 to 4294967295", minimum=0, maximum=4_294_967_295)
    )
    data: Data = field(metadata=needs("a mapping with the sizes of the sets"))
    replicates: int = field(metadata=needs("a whole number of at least 1", minimum=1))
    factors: dict[str, Factor] = field(
        metadata=needs(
            "a mapping from at least one hyperparameter to its levels and scale",
            minProperties=1,
            additionalProperties={
                "description": "a mapping such as {levels: [1, 2, 3], scale: linear}",
                **schema_of(Factor),
            },
        )
    )
    training: Training = field(
        metadata=needs(
            "a mapping of the hyperparameters that do not vary and of how a job runs",
            properties=schema_of(Hyperparameters)["properties"] | schema_of(Training)["properties"],
        )
    )
    analysis: dict = field(metadata=needs("a mapping of what the analysis is asked"))
    augmentation: Augmentation = field(
        default_factory=Augmentation,
        metadata=needs("a mapping of how copies of training texts are made"),
    )
    source: str = field(default=AUTO, metadata=one_of([AUTO, *SOURCES]))
    design: Any = field(
        default=DEFAULT,
        metadata=needs(
            f"{', '.join(DESIGNS)}, or a mapping of such a kind and its options,",
            anyOf=[{"enum": list(DESIGNS)}, {"type": "object"}],
        ),
    )
    planning: dict = field(
        default_factory=dict,
        metadata=needs(
            "a mapping of what `snakemake plan` is asked",
            additionalProperties=False,
            properties={
                "from": {
                    "description": "the path of results/STUDY or of a CSV of runs",
                    "type": "string",
                    "minLength": 1,
                },
                "compare": {"description": "a list of designs", "type": "array"},
            },
        ),
    )
    share_epochs: bool = field(default=True, metadata=needs("true or false"))


def schema(config: object) -> dict[str, Any]:
    """The JSON Schema of the configuration, which has to have the sections that it asks for."""
    found = schema_of(Study)
    sources = {
        kind: {
            "description": "a mapping of the source's settings",
            **schema_of(source.Settings),
        }
        for kind, source in SOURCES.items()
    }
    asked = config.get("source", AUTO) if isinstance(config, Mapping) else AUTO
    needed = candidates({"source": asked}) if asked in [AUTO, *SOURCES] else ()
    return found | {
        "properties": found["properties"] | sources,
        "required": [*found["required"], *needed],
    }


def complete(config: Mapping[str, Any]) -> dict[str, Any]:
    """A checked configuration with the defaults of the keys that it leaves out.

    The neutral defaults of hyperparameters stay away: jobs whose parameters are the same as before
    a hyperparameter was added are not run again.
    """
    config = {"augmentation": {}, **config}
    sections = {"data": Data, "training": Training, "augmentation": Augmentation}
    sections |= {kind: source.Settings for kind, source in SOURCES.items() if kind in config}
    filled = {key: with_defaults(section, config[key]) for key, section in sections.items()}
    design = complete_design(config.get("design", DEFAULT))
    return with_defaults(Study, config) | filled | {"design": design}


def complete_design(design: str | Mapping[str, Any]) -> str | dict[str, Any]:
    """A design with all its options: a mapping, but for the full grid, which has none."""
    if kind_of(design) == DEFAULT:
        return DEFAULT
    given = {} if isinstance(design, str) else design
    return {"kind": kind_of(design)} | with_defaults(DESIGNS[kind_of(design)].Options, given)
