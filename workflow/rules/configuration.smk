"""The study's configuration: read, and refused here if it cannot be run."""

import base64
import json
import sys
from pathlib import Path

sys.path[:0] = [workflow.basedir, f"{workflow.basedir}/workflow"]

from analysis.runs.settings import Settings
from common.configuration import read_config
from common.errors import UserError
from finetuning.sources import SOURCES, candidates, check_layers
from study import configuration, designs, overwriting
from study.sections import complete

# What the study's file says; what it leaves out is as in the project's own config.yaml.
OWN = workflow.config_settings.configfiles or [
    *filter(Path.exists, [Path("config.yaml")])
]

try:
    if len(OWN) > 1:
        raise UserError(
            f"--configfile takes one file, but {len(OWN)} were given "
            f"({', '.join(path.name for path in OWN)}). Write one file a study."
        )
    for path in OWN:
        # Snakemake's own reader is less strict, and evaluates YTE templates.
        if "__use_yte__" in read_config(path):
            raise UserError(
                f"{path}: __use_yte__ is no key of a study: no template is evaluated."
            )
except UserError as error:
    sys.exit(f"The configuration cannot be used: {error}")

if OWN and not workflow.config_settings.configfiles:

    configfile: "config.yaml"


OVERWRITE = (
    str(config.pop(overwriting.KEY, "")).lower() == "true"
)  # Snakemake gives text

try:
    if OWN and "study" not in config:
        raise UserError(
            f"{OWN[0]}: study is missing. Its results go to results/<study>; write study: my-study."
        )
    full = configuration.resolved(config)
    configuration.check(full)
    config.clear()
    config.update(complete(full))  # the same object: jobs are given it
    RESULTS = f"results/{config['study']}"
    settings = Settings.from_config(config)
    config["design"] = designs.noted(config, Path(RESULTS))
    configuration.check_runs_differ(config)
    designs.check_estimable(config, settings)
    configuration.check_analysis(config["analysis"])
    if Path(RESULTS).exists() and not Path(RESULTS).is_dir():
        raise UserError(f"study: {RESULTS} is a file. Give the study another name.")
    if not OVERWRITE:
        overwriting.check_overwrites(Path(RESULTS), config)
    # Without a record of it Snakemake looks at times alone, and would find nothing to do.
    record = base64.b64encode(f"{RESULTS}/runs.csv".encode()).decode()
    if not Path(".snakemake", "metadata", record).exists():
        configuration.check_gathered_with(Path(RESULTS), config)
    fetched = Path(RESULTS, "pretrained", "config.json")
    if fetched.exists():  # else the source is checked with it
        check_layers(config, json.loads(fetched.read_text("utf-8")))
except UserError as error:
    sys.exit(f"The configuration cannot be used: {error}")
