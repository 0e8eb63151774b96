"""From the cells to tables and figures. Nothing here imports TensorFlow."""


rule runs:
    input:
        source=rules.resolve_source.output,
        # Of what the cells were computed from, and whether they are intact.
        checkpoint=rules.make_baseline.output,
        splits=every_replicate("data/replicate={replicate}.safetensors"),
        metrics=every_cell("metrics.json"),
        predictions=every_cell("predictions.safetensors"),
        history=every_cell("history.csv"),
        texts=rules.read_texts.output if GRID.copies else [],
        copied_texts=all_copies("parquet"),
        copies=all_copies("safetensors"),
        copying_time=ancient(all_copies("timing.json")),
        # A cell computed again has the same results, only another timing: no reason to go on.
        timing=ancient(every_cell("timing.json")),
        baseline=every_replicate("baseline/replicate={replicate}/metrics.json"),
        baseline_predictions=every_replicate(
            "baseline/replicate={replicate}/predictions.safetensors"
        ),
    output:
        **(
            {
                "augmentation": f"{RESULTS}/augmentation.csv",
                "augmentation_examples": f"{RESULTS}/augmentation_examples.csv",
            }
            if GRID.copies
            else {}
        ),
        runs=report(
            f"{RESULTS}/runs.csv",
            category="Runs",
            labels={"file": "Every run (CSV)"},
            caption="../report/runs.rst",
        ),
        histories=f"{RESULTS}/histories.csv",
        provenance=f"{RESULTS}/provenance.json",
    log:
        f"{LOGS}/runs.log",
    params:
        baselines={kind: section["baseline"] for kind, section in SECTIONS.items()},
    message:
        "Gathering the runs"
    script:
        "../scripts/gather_runs.py"


rule analysis:
    input:
        runs=rules.runs.output.runs,
        # All of it is read: what was gathered is checked once more.
        gathered=rules.runs.output,
        metrics=every_cell("metrics.json"),
        history=every_cell("history.csv"),
        predictions=every_cell("predictions.safetensors"),
        baseline=every_replicate("baseline/replicate={replicate}/metrics.json"),
        baseline_predictions=every_replicate(
            "baseline/replicate={replicate}/predictions.safetensors"
        ),
    output:
        report(
            directory(f"{RESULTS}/analysis"),
            patterns=["{table}.csv"],
            category="Tables",
            labels=table_labels,
            caption="../report/tables.rst",
        ),
    log:
        f"{LOGS}/analysis.log",
    params:
        factors=config["factors"],
        analysis=config["analysis"],
        seed=config["seed"],
    message:
        "Fitting the models"
    script:
        "../scripts/analyse.py"


rule figures:
    input:
        runs=rules.runs.output.runs,
        gathered=rules.runs.output,
        tables=rules.analysis.output,
    output:
        report(
            directory(f"{RESULTS}/figures"),
            patterns=["{figure}.svg"],
            category="Figures",
            labels=figure_labels,
            caption="../report/figures.rst",
        ),
    log:
        f"{LOGS}/figures.log",
    # One process a thread, fewer where Snakemake has fewer cores; the figures are the same.
    threads: 4
    message:
        "Drawing the figures"
    script:
        "../scripts/draw_figures.py"


rule interactive:
    input:
        runs=rules.runs.output.runs,
        gathered=rules.runs.output,
        tables=rules.analysis.output,
    output:
        surfaces=report(
            f"{RESULTS}/interactive/surfaces.html",
            category="Interactive",
            labels={"page": "Fitted surfaces"},
            caption="../report/surfaces.rst",
        ),
        runs=report(
            f"{RESULTS}/interactive/runs.html",
            category="Interactive",
            labels={"page": "Every run"},
            caption="../report/sortable_runs.rst",
        ),
    log:
        f"{LOGS}/interactive.log",
    message:
        "Writing the interactive pages"
    script:
        "../scripts/write_pages.py"
