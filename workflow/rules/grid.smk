"""The cells: trained together where one run passes through several of them, else one by one."""

CELL_FILES = {
    "metrics": "metrics.json",
    "predictions": "predictions.safetensors",
    "history": "history.csv",
    "timing": "timing.json",
}
CELL = f"{CELLS}/{GRID.folder_pattern}"
TRAJECTORY = [
    CELL.replace("{epochs}", str(epochs)) for epochs in GRID.levels.get("epochs", [0])
]


rule finetune_trajectory:
    input:
        checkpoint=rules.make_baseline.output,
        split=rules.draw_split.output,
        # Asked of every job: with 10,000 cells it takes seconds to hear that there are none.
        copies=copies_to_train_on if GRID.copies else [],
    output:
        **{
            name: [f"{cell}/{file}" for cell in TRAJECTORY]
            for name, file in CELL_FILES.items()
        },
    log:
        f"{LOGS}/cells/{GRID.run_pattern}.log",
    wildcard_constraints:
        # Runs whose schedule looks ahead pass through no other cell.
        schedule="|".join(filter(GRID.shares, GRID.levels.get("schedule", ())))
        or "none",
    threads: config["training"]["threads"]
    resources:
        mem_mb=memory_of_run,
        gpu=config["training"]["gpus"],
        runtime=config["training"]["runtime_minutes"],
    params:
        seed=config["seed"],
        fixed=GRID.fixed,
        runtime=RUNTIME,
    message:
        "Fine-tuning: {wildcards}"
    script:
        "../scripts/finetune.py"


use rule finetune_trajectory as finetune_cell with:
    output:
        **{name: [f"{CELL}/{file}"] for name, file in CELL_FILES.items()},
    log:
        f"{LOGS}/cells/{GRID.folder_pattern}.log",
    wildcard_constraints:
        **GRID.constraints,


if GRID.shares(GRID.fixed.get("schedule", "constant")):

    ruleorder: finetune_trajectory > finetune_cell

else:

    ruleorder: finetune_cell > finetune_trajectory
