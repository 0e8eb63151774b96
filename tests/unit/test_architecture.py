"""The map of docs/architecture.md names every module, once, and none that is gone."""

import ast
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def rows(package):
    """The modules of each row of the package's table; one without a folder is in that before it."""
    table = re.search(rf"^\| `{package}/` \|.*\n\|---\|---\|\n((?:\|.*\n)+)", MAP, re.MULTILINE)
    for row in table[1].splitlines():
        folder, names = "", []
        for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
            folder = name.rpartition("/")[0] or folder
            names.append(f"{folder}/{name.rpartition('/')[2]}".removeprefix("/"))
        yield names


def modules(package):
    """The files of code below the package, less packages' files that hold no more than a text."""
    for path in (ROOT / package).rglob("*"):
        if path.suffix in (".py", ".smk") and not is_mere_docstring(path):
            yield path.relative_to(ROOT / package).as_posix()


def is_mere_docstring(path):
    return path.name == "__init__.py" and len(ast.parse(path.read_text()).body) <= 1


@pytest.mark.parametrize("package", ["analysis", "common", "workflow"])
def test_every_module_is_on_the_map_once(package):
    files = list(modules(package))
    places = [name for row in rows(package) for name in row]
    found = {file: [place for place in places if fnmatch(file, place)] for file in files}
    assert [file for file in files if not found[file]] == []
    assert [place for place in places if not any(fnmatch(file, place) for file in files)] == []
    exact = [place for place in places if "*" not in place]
    assert sorted(exact) == sorted(set(exact))


def imported(path):
    """The modules of the same package that a module imports, as paths below the package."""
    package = path.relative_to(ROOT).parts[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == package:
            base = ROOT / node.module.replace(".", "/")
            for name in node.names:
                inner = base / name.name
                files = (
                    inner.with_suffix(".py"),
                    inner / "__init__.py",
                    base.with_suffix(".py"),
                    base / "__init__.py",
                )
                found = next(file for file in files if file.exists())
                yield found.relative_to(ROOT / package).as_posix()


@pytest.mark.parametrize("package", ["analysis", "common"])
def test_imports_run_down_the_map(package):
    row_of = {name: at for at, names in enumerate(rows(package)) for name in names}
    assert [
        f"{name} imports {other}"
        for name in row_of
        for other in imported(ROOT / package / name)
        if row_of[other] > row_of[name]
    ] == []


MAY_IMPORT = {
    "common": set(),
    "analysis": {"common"},
    "finetuning": {"common"},
    "design": {"analysis", "common"},
    "study": {"analysis", "common", "design", "finetuning"},
}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_down_from_package_to_package(package):
    folder = next(top / package for top in (ROOT, ROOT / "workflow") if (top / package).is_dir())
    others = MAY_IMPORT.keys() - {package} - MAY_IMPORT[package]
    assert [
        f"{path.name} imports {name}"
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if name.split(".")[0] in others
    ] == []


def test_where_changes_go_is_there():
    table = MAP.partition("| to change | go to |")[2].partition("\n\n")[0]
    paths = re.findall(r"`((?:analysis|common|workflow|study|finetuning)/[\w/.]*)`", table)
    assert len(paths) > 8
    assert [
        path for path in paths if not any((ROOT / top / path).exists() for top in ("", "workflow"))
    ] == []


def test_no_job_waits_for_statistics_that_it_does_not_do():
    """Each job reads the Snakefile, and so imports what that imports."""
    loaded = (
        "import sys, study.configuration, study.designs, study.overwriting, study.plan; "
        "print(*sorted({'matplotlib', 'scipy.stats', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        cwd=ROOT / "workflow",
        env={**os.environ, "PYTHONPATH": ".:.."},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == []
