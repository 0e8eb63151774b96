"""The section ``augmentation`` of the configuration: how copies are made, not how many changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.sections import needs, schema_of

_COMMAND = needs(
    "a list of a program and its arguments, such as [my-translator, --to, fr]",
    minItems=1,
    items={
        "description": "a text without control characters",
        "type": "string",
        "pattern": r"^[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}\Z",
    },
)


@dataclass(frozen=True)
class Translator:
    """Two programs that read lines of text and write as many; one that tells their version."""

    there: list[str] = field(metadata=_COMMAND)
    back: list[str] = field(metadata=_COMMAND)
    version: list[str] = field(metadata=_COMMAND)


def _apertium(package: str, there: str, back: str) -> Translator:
    # An empty line behind each text, taken out again: else apertium reads on across the lines, and
    # a translation depends on the text before it.
    command = "sed G | apertium -u {} | sed -n 'p;n'"
    return Translator(
        ["sh", "-c", command.format(there)],
        ["sh", "-c", command.format(back)],
        ["dpkg-query", "--show", "apertium", package],
    )


# By the Debian package that has to be installed.
TRANSLATORS = {
    "apertium-eng-spa": _apertium("apertium-eng-spa", "eng-spa", "spa-eng"),
    "apertium-eng-cat": _apertium("apertium-eng-cat", "eng-cat", "cat-eng"),
}


@dataclass(frozen=True)
class Settings:
    """The section ``augmentation``."""

    translator: Any = field(
        default="apertium-eng-spa",
        metadata=needs(
            f"{', '.join(TRANSLATORS)} or a mapping {{there: [program, …], back: [program, …], "
            "version: [program, …]}",
            anyOf=[{"enum": list(TRANSLATORS)}, schema_of(Translator)],
        ),
    )
    translator_processes: int = field(
        default=1, metadata=needs("a whole number from 1 to 1024", minimum=1, maximum=1024)
    )
    translator_seconds: float = field(
        default=600, metadata=needs("a number of seconds above 0", exclusiveMinimum=0)
    )
    keep_if_baseline_agrees: bool = field(default=False, metadata=needs("true or false"))

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        """Those of a study's configuration, which may leave the section out."""
        return cls(**config.get("augmentation", {}))

    @property
    def commands(self) -> Translator:
        """The translator's programs."""
        if isinstance(self.translator, str):
            return TRANSLATORS[self.translator]
        return Translator(**self.translator)
