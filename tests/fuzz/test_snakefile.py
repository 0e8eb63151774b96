"""The real Snakefile refuses what cannot be run in one message, before Snakemake reads it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hostile import THOROUGH

PROJECT = Path(__file__).parents[2]
DEFAULT = (PROJECT / "config.yaml").read_text()

DUPLICATE = (DEFAULT + "seed: 2\n").encode()
OWN = ["--configfile", "config.yaml"]
CASES = {
    "template": (b"__use_yte__: true\nstudy: ?open('hacked', 'w')\n", [], "__use_yte__"),
    "twice": (DUPLICATE, OWN, "'seed' is there twice"),
    "two studies": (b"study: one\nseed: 1\n---\nstudy: two\n", [], "line 4: a second document"),
    "two files": (b"study: one\n", [*OWN, "config.yaml"], "takes one file, but 2 were given"),
    "nameless": (b"seed: 1\n", OWN, "config.yaml: study is missing"),
}
MORE = {
    "not text": (b"study: caf\xe9\n", [], "line 1: not UTF-8 text"),
    "empty": (b"# nothing\n", [], "config.yaml: empty"),
    "recursive": (b"a: &a [*a]\n", OWN, "refers to itself"),
    "list": (b"- a\n", OWN, "keys at top level"),
    "tag": (b"a: !!python/name:os.system\n", OWN, "constructor"),
    "outside": (DEFAULT.replace("study: reviews", "study: ../x").encode(), [], "study: '../x'"),
    "a file": (DEFAULT.replace("study: reviews", "study: README.md").encode(), [], "is a file"),
    "override": (DEFAULT.encode(), ["--config", "study=../x"], "study: '../x'"),
}
CASES |= MORE if THOROUGH else {}


@pytest.mark.parametrize("case", CASES)
def test_a_message_and_no_traceback(tmp_path, case):
    content, arguments, words = CASES[case]
    if content is not None:
        (tmp_path / "config.yaml").write_bytes(content)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "README.md").touch()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile"), "-n"]
    done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    told = done.stdout + done.stderr  # in a dry run Snakemake tells some of its errors on stdout
    assert words in told
    assert "Traceback" not in told
    assert '  File "' not in told
    assert not (tmp_path / "hacked").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"config.yaml", "results", ".snakemake"}
