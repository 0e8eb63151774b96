import os
import sys
from pathlib import Path

# Scripts, here and on a cluster's nodes, import the two packages and workflow/scripts/job.py.
FOLDERS = [workflow.basedir, f"{workflow.basedir}/workflow", f"{workflow.basedir}/workflow/scripts"]
sys.path[:0] = FOLDERS
os.environ["PYTHONPATH"] = os.pathsep.join([*FOLDERS, os.environ.get("PYTHONPATH", "")]).rstrip(
    os.pathsep
)

from snakemake.exceptions import WorkflowError

from analysis.settings import InputError, Settings
from finetuning import configuration
from finetuning.errors import StudyError
from finetuning.grid import Grid

try:
    configuration.check(config)
    SETTINGS = Settings.from_config(config)
except (StudyError, InputError) as error:
    raise WorkflowError(f"The configuration cannot be used: {error}") from None

GRID = Grid.from_config(config)
RESULTS = f"results/{config['study']}"
CELLS = f"{RESULTS}/cells"
LOGS = f"{RESULTS}/logs"


wildcard_constraints:
    replicate=r"\d+",
    **{factor: GRID.constraint(factor) for factor in GRID.levels},
