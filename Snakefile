"""How fine-tuning hyperparameters move a text classifier: one study, from its source to its report.

Each phase has its file in workflow/rules. Targets: grid, runs, analysis, figures, report, all.
"""

from snakemake.utils import min_version

min_version("9.0")

# A configuration given with --configfile replaces this one; merged, its factors would add up.
if not workflow.config_settings.configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/baseline.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.figures.output,
        rules.report.output,


rule grid:
    input:
        expand(
            "{folder}/metrics.json",
            folder=[f"{CELLS}/{GRID.folder(cell)}" for cell in GRID.cells()],
        ),


onsuccess:
    if Path(f"{RESULTS}/report.pdf").exists():
        print(f"The report is in {RESULTS}/report.pdf", file=sys.stderr)
