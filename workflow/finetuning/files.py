"""Results are written whole or not at all."""

import json
import os
from pathlib import Path


def replace_atomically(path: Path, content: bytes | str) -> None:
    """Writes content to a temporary name beside path, then renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Writes readable JSON, the same bytes for the same content."""
    replace_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
