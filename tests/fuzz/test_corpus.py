"""Saved cases: beside each file is the message it is refused with, or the word accepted.

A message that ends in … goes on in the words of a library.

files/ are whole configurations, changes/ are merged into config.yaml, tables/ are analysed with
the config beside them.
"""

from pathlib import Path

import pytest
import yaml

from analysis.fit.estimators import coefficients, fit_all
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from common.configuration import read_config
from common.errors import UserError
from study import configuration, designs
from study.sections import complete

CORPUS = Path(__file__).with_name("corpus")
DEFAULT = (Path(__file__).parents[2] / "config.yaml").read_text()


def use_file(path):
    config = read_config(path)
    configuration.check(config)


def use_change(path):
    config = merged(yaml.safe_load(DEFAULT), read_config(path))
    configuration.check(config)
    settings = Settings.from_config(config)
    full = complete(config)
    full["design"] = designs.noted(full, Path("none"))
    designs.check_estimable(full, settings)
    configuration.check_analysis(config["analysis"])


def use_table(path):
    settings = Settings.from_config(read_config(path.with_name("config.yaml")))
    fits, _ = fit_all(read_study(path, settings), settings)
    assert coefficients(fits, settings)["estimate"].notna().all()


def merged(config, change):
    if not (isinstance(config, dict) and isinstance(change, dict)):
        return change
    return config | {key: merged(config.get(key), value) for key, value in change.items()}


USES = {"files": use_file, "changes": use_change, "tables": use_table}
CASES = sorted(
    path
    for path in CORPUS.glob("*/*")
    if path.suffix in (".yaml", ".csv") and path.stem != "config"
)


def outcome(path):
    try:
        USES[path.parent.name](path)
    except UserError as error:
        return str(error).replace(str(path), path.name)
    return "accepted"


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_saved_case_is_told_as_before(path):
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    told = outcome(path)
    assert told.isprintable()
    assert told.startswith(expected[:-1]) if expected.endswith("…") else told == expected
