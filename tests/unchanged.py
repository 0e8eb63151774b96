"""Whether a change of the code changes what comes out: make unchanged BASE=<commit>.

    python -m tests.unchanged BASE [--cells STUDY]

Builds the tables, figures, pages and the PDF of the example with the code of BASE, checked out into
a temporary folder, and with the working tree, compares them byte by byte and lists what differs.
With --cells it also compares the predictions and metrics of the cells of a finished study, such as
results/reviews, with those of results/example. Ends with status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = Path("results/example")


def differing(one: Path, other: Path) -> list[str]:
    """Paths below the folders of the files that only one has or that are not the same bytes."""
    files = {
        folder: {
            path.relative_to(folder)
            for path in folder.rglob("[!.]*")  # a lock is no result
            if path.is_file()
        }
        for folder in (one, other)
    }
    different = {
        path
        for path in files[one] & files[other]
        if (one / path).read_bytes() != (other / path).read_bytes()
    }
    return sorted(map(str, different | (files[one] ^ files[other])))


def differing_cells(study: Path, other: Path) -> list[str]:
    """The cells and baselines of one study whose predictions or metrics the other has not."""
    folders = sorted(path.parent for path in other.rglob("metrics.json"))
    return [
        str(folder.relative_to(other))
        for folder in folders
        if _results(study / folder.relative_to(other)) != _results(folder)
    ]


def _results(folder: Path) -> tuple[dict, bytes] | None:
    metrics, predictions = folder / "metrics.json", folder / "predictions.safetensors"
    if not (metrics.exists() and predictions.exists()):
        return None
    return json.loads(metrics.read_text()).get("metrics"), predictions.read_bytes()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A temporary folder with the files of the commit."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        add = ["git", "worktree", "add", "--quiet", "--detach", str(tree), commit]
        subprocess.run(add, cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            remove = ["git", "worktree", "remove", "--force", str(tree)]
            subprocess.run(remove, cwd=ROOT, check=True)


def build(code: Path, out: Path) -> None:
    """What the code in a folder makes of this tree's example."""
    runs, config = (ROOT / EXAMPLE / name for name in ("runs.csv", "config.yaml"))
    arguments = ["-m", "analysis", runs, "--config", config, "--out", out]
    subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=code, check=True, stdout=subprocess.DEVNULL
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.unchanged")
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--cells", type=Path, help="a finished study, compared with the example")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, checked_out(given.base) as base:
        before, after = Path(folder) / "before", Path(folder) / "after"
        build(base, before)
        build(ROOT, after)
        found = differing(before, after)
    if given.cells:
        found += differing_cells(given.cells, ROOT / EXAMPLE)
    print("\n".join(found) or "Nothing differs.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
