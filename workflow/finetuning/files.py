"""Results are written whole or not at all, and carry what shows later damage.

A JSON record holds the digest of its own content; a file of arrays has one in its metadata, a
table in its attributes, a folder in its digests.json. So nothing that is found cut off, emptied or
edited is taken for a result. They also hold what they were made with (``made_with``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError
from common.files import DIGESTS, replacing

if TYPE_CHECKING:
    import pandas as pd

# How the text of a JSON record ends: its digest is cut out of it to be checked.
DIGEST_KEY = b',\n "digest": '
END = b"\n}\n"


def replace_atomically(path: Path, content: bytes | str) -> None:
    """Writes content under a temporary name, then renames it."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def sha256(path: Path) -> str:
    """The digest of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged(path: Path, what: str) -> UserError:
    """The error that names a file which is not as it was written."""
    return UserError(
        f"{path} is damaged: {what}. Delete it and rerun the same command; it will be recreated."
    )


def check_digest(path: Path, content: bytes, digest: str) -> None:
    """Raises UserError if a file's content is not what its recorded digest was taken of."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise damaged(path, _what_differs(content))


def check_made_with(path: Path, recorded: Mapping, wanted: Mapping) -> None:
    """Raises UserError where something recorded is not what is wanted now."""
    for key, value in wanted.items():
        if recorded.get(key) != value:
            what = _first_difference(key, recorded.get(key), value)
            raise UserError(
                f"{path} was made with other settings ({what}). Delete it and rerun the same "
                "command; it will be recreated."
            )


def write_json(path: Path, content: Mapping) -> None:
    """Writes readable JSON with its digest, the same bytes for the same content."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    replace_atomically(path, _with_digest(text.encode()))


def read_json(path: Path) -> dict:
    """What `write_json` wrote, without the digest.

    Raises:
        UserError: the file is damaged.
    """
    text = path.read_bytes()
    content = text.rpartition(DIGEST_KEY)[0] + END
    if _with_digest(content) != text:
        raise damaged(path, _what_differs(text))
    return json.loads(content)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], made_with: Mapping) -> None:
    """Writes arrays as safetensors with their digest, the same bytes for the same arrays."""
    from safetensors.numpy import save_file

    seal = {"made_with": made_with, "digest": _digest_of_arrays(arrays, made_with)}
    with replacing(path) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        # In one entry: safetensors writes several in an order of its own each time.
        save_file(dict(arrays), temporary, {"seal": _compact(seal)})
        temporary.chmod(mode)  # safetensors lets nobody but the owner read it


def read_arrays(path: Path, made_with: Mapping | None = None) -> dict[str, np.ndarray]:
    """The arrays that `write_arrays` wrote.

    Raises:
        UserError: the file is damaged, or was made with something else than made_with.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            seal = json.loads(file.metadata()["seal"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        intact = seal["digest"] == _digest_of_arrays(arrays, seal["made_with"])
    except (SafetensorError, ValueError, KeyError, TypeError):
        raise damaged(path, _what_differs(path.read_bytes())) from None
    if not intact:
        raise damaged(path, "its content is not what was written")
    if made_with is not None:
        check_made_with(path, seal["made_with"], made_with)
    return arrays


def write_table(path: Path, table: pd.DataFrame, made_with: Mapping) -> None:
    """Writes a table as parquet with its digest."""
    table = table.copy(deep=False)
    table.attrs = {"made_with": made_with}
    table.attrs["digest"] = _digest_of_table(table)
    replace_atomically(path, table.to_parquet(index=False))


def read_table(path: Path, made_with: Mapping) -> pd.DataFrame:
    """The table that `write_table` wrote.

    Raises:
        UserError: the file is damaged, or was made with something else than made_with.
    """
    import pandas as pd

    try:
        table = pd.read_parquet(path)
        intact = table.attrs.get("digest") == _digest_of_table(table)
    except Exception:  # pyarrow raises its own kinds
        raise damaged(path, _what_differs(path.read_bytes())) from None
    if not intact:
        raise damaged(path, "its content is not what was written")
    check_made_with(path, table.attrs["made_with"], made_with)
    return table


def write_digests(folder: Path, made_with: Mapping) -> None:
    """Seals a folder: digests.json with the digest of every file in it."""
    # Hidden files are Snakemake's.
    files = sorted(p for p in folder.iterdir() if p.name != DIGESTS and p.name[0] != ".")
    digests = {path.name: sha256(path) for path in files}
    write_json(folder / DIGESTS, {"made_with": made_with, "sha256": digests})


def read_digests(folder: Path, made_with: Mapping | None = None) -> dict[str, str]:
    """File name to digest of a folder that `write_digests` sealed.

    Raises:
        UserError: a file of the folder is damaged or missing, or the folder was made with
            something else than made_with.
    """
    if not (folder / DIGESTS).exists():
        raise _damaged_folder(folder, f"{DIGESTS} is missing")
    try:
        recorded = read_json(folder / DIGESTS)
    except UserError:
        raise _damaged_folder(folder, f"{DIGESTS} is not what was written") from None
    for name, digest in recorded["sha256"].items():
        if not (folder / name).is_file():
            raise _damaged_folder(folder, f"{name} is missing")
        if sha256(folder / name) != digest:
            raise _damaged_folder(folder, f"{name} is not what was written")
    if made_with is not None:
        check_made_with(folder, recorded["made_with"], made_with)
    return recorded["sha256"]


def _damaged_folder(folder: Path, what: str) -> UserError:
    return UserError(
        f"The folder {folder} is damaged: {what}. Delete the folder and rerun the same command; "
        "it will be recreated."
    )


def _first_difference(key: str, recorded: object, wanted: object) -> str:
    if isinstance(recorded, Mapping) and isinstance(wanted, Mapping):
        for name in wanted:
            if recorded.get(name) != wanted[name]:
                return _first_difference(f"{key}.{name}", recorded.get(name), wanted[name])
    return f"{key}: {recorded} then, {wanted} now"


def _with_digest(text: bytes) -> bytes:
    """A JSON text with its own digest as its last key."""
    digest = hashlib.sha256(text).hexdigest().encode()
    return text.removesuffix(END) + DIGEST_KEY + b'"' + digest + b'"' + END


def _compact(content: Mapping) -> str:
    return json.dumps(content, sort_keys=True)


def _digest_of_arrays(arrays: Mapping[str, np.ndarray], made_with: Mapping) -> str:
    digest = hashlib.sha256(_compact(made_with).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _digest_of_table(table: pd.DataFrame) -> str:
    digest = hashlib.sha256(_compact(table.attrs["made_with"]).encode())
    digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest()


def _what_differs(content: bytes) -> str:
    return "its content is not what was written" if content else "it is empty"
