"""python -m tests.case_reports OUT: every table of tests/cases through to the PDF.

Each becomes OUT/NAME/report.pdf, whose text has to say what its case is about, or is refused with
the message that it must be met with. Names after OUT choose among them. Ends with 1 where a report
lacks its sentence.
"""

import argparse
import contextlib
import io
import re
import sys
from pathlib import Path

import pypdf

from analysis import command

CASES = Path(__file__).parent / "cases"
# by case, a regular expression that its report, or the message, has to match somewhere
SAID = {
    "booleans": r"F1 depends on binary \(3\.1 points higher with True than with False",
    "case-levels": r"'Adam' and 'adam' are levels of their own",
    "ccd-centre-points": r"lack of fit 5 \S+ \S+ \S+ \S+ pure error 5 ",
    "conditional": r"X1 has values only where category is foo",
    "crash-aicc-2x2": r"no AICc of degree 1: 4 runs are too few for 3 terms",
    "crash-aicc-4lr": r"no AICc of degree 2: 4 runs are too few for 3 terms",
    "deterministic-metric": r"the settings determine it exactly, so there is no chance",
    "empty-cells": r"Best among the runs that exist: opt sgd, mom 0\.9 \(",
    "failed-at-extreme": r"0\.65 points higher with 4e-5 .* no run with 0\.01 has a result",
    "failed-at-extreme-without": r"0\.65 points higher with 4e-5 than with 1e-5, 0\.16 to 1\.14",
    "few-resamples": r"accuracy 81\.3 % \(77\.7 to 85\.0\)",
    "inf-nan": r"1 diverged, not counted",
    "int-as-float": r"Layers: '2\.0' counts as the level that is the same number",
    "integer-factor": r"Recommended: num heads 2, layers 3 \(",
    "list-levels": r"Recommended: layers \[128,128\], lr 0\.1",
    "log-zero": r"weight_decay, row 1 .* has no logarithm, .* write scale: linear or categorical",
    "many-levels": r"36 of the 40 settings run could be the best",
    "none-blank": r"Max depth is empty in 6 runs; that counts as a level of its own, \(blank\)",
    "none-mixed": r"higher with None than with 0",
    "numeric-categories": r"Score depends on y \(9\.2 lower with 0 than with 3",
    "one-outlier": r"Without the run in line 5 of the table, rmse also goes with",
    "percent-points": r"they are read as percentages",
    "pruned": r"F1: no run with A has a result \(14 runs pruned\)",
    "q-family": r"none can be singled out; no detectable effect of any factor",
    "replicate-is-name": r"accuracy 90\.4 % \(89\.7 to 91\.0\)",
    "rerun-after-crash": r"19 runs at 9 settings, 2 replicates; 1 failed, not counted",
    "running": r"1 of 18 runs had not ended",
    "seconds-text": r"a run took 16 s",
    "semicolon": r"0\.8 points higher with 16 than with 64",
    "singleton-cluster": r"there is no estimate of epochs, so no interval and no p-value",
    "small-metric": r"val loss 0\.00135 \(0\.00127 to 0\.00143\)",
    "thousands": r"Recommended: learning rate 4e-5, steps 16000",
    "two-level-default": r"without learning rate², .*, for which there are too few levels",
    "unicode": r"Точность depends on größe \(1\.00 points higher with 16 than with 64",
}


def told(case: str, folder: Path) -> str:
    """The text of the case's report, or the message in its place."""
    table, config = CASES / case / "runs.csv", CASES / case / "config.yaml"
    message = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(message):
        refused = command.main([str(table), "--config", str(config), "--out", str(folder)])
    if refused:
        return message.getvalue()
    pages = pypdf.PdfReader(folder / "report.pdf").pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help="of the cases; without any all")
    given = parser.parse_args()
    missing = []
    for case, sentence in SAID.items():
        if given.names and case not in given.names:
            continue
        if not re.search(sentence, told(case, given.out / case)):
            missing.append(case)
        print(f"{case}: {'not said' if case in missing else 'said'}", flush=True)
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
