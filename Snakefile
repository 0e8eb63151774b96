"""How fine-tuning hyperparameters move a text classifier: one study, from its source to its report.

Each phase has its file in workflow/rules. Targets: plan, grid, runs, analysis, figures, report, all.
"""

from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

min_version("9.0")


# Built from workflow/container.def. A plain run uses the environment that Snakemake itself runs in;
# then the path is a relative one, since Snakemake refuses even an unused image if its path has a space.
USES_IMAGE = (
    DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
)


container: f"{workflow.basedir if USES_IMAGE else '.'}/workflow/container.sif"


# Of the page that snakemake --report writes.
report: "workflow/report/workflow.rst"


include: "workflow/rules/configuration.smk"  # config.yaml, or that of --configfile
include: "workflow/rules/common.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/baseline.smk"
include: "workflow/rules/augmentation.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/report.smk"


# On a cluster these run where Snakemake does: they need the internet, or next to nothing.
localrules:
    plan_design,
    resolve_source,
    fetch_checkpoint,
    fetch_wordnet,
    read_texts,
    runs,


rule all:
    default_target: True
    input:
        rules.figures.output,
        rules.interactive.output,
        rules.report.output,


rule plan:
    # What a study will cost is printed whenever it is started: onstart in workflow/rules/common.smk.
    # A rule that does something and makes no file is never up to date.
    input:
        rules.plan_design.output,
    log:
        f"{LOGS}/plan.log",
    shell:
        ": > {log:q}"


rule grid:
    input:
        every_cell("metrics.json"),


onsuccess:
    if Path(f"{RESULTS}/report.pdf").exists():
        print(f"The report is in {RESULTS}/report.pdf", file=sys.stderr)
