"""The checkpoint that every cell starts from, and how good it is before any fine-tuning."""

# What the bits of baseline and cells depend on besides what they are computed from.
RUNTIME = made_with.runtime(config)


rule make_baseline:
    input:
        source=rules.resolve_source.output,
        checkpoint=rules.fetch_checkpoint.output,
        texts=rules.read_texts.output,
    output:
        directory(f"{RESULTS}/baseline/checkpoint"),
    log:
        f"{LOGS}/make_baseline.log",
    threads: max(config[kind].get("threads", 1) for kind in candidates(config))
    resources:
        mem_mb=memory_of_making_the_baseline,
        runtime=config["training"]["runtime_minutes"],
    params:
        **{
            kind: {key: section[key] for key in made_with.BASELINE}
            for kind, section in SECTIONS.items()
            if SOURCES[kind].MAKES_BASELINE
        },
        seed=config["seed"],
    message:
        "Making the baseline"
    script:
        "../scripts/make_baseline.py"


rule evaluate_baseline:
    input:
        checkpoint=rules.make_baseline.output,
        split=rules.draw_split.output,
    output:
        metrics=f"{RESULTS}/baseline/replicate={{replicate}}/metrics.json",
        predictions=f"{RESULTS}/baseline/replicate={{replicate}}/predictions.safetensors",
    log:
        f"{LOGS}/evaluate_baseline/replicate={{replicate}}.log",
    threads: config["training"]["threads"]
    resources:
        mem_mb=memory_of_evaluating_the_baseline,
        gpu=config["training"]["gpus"],
        runtime=config["training"]["runtime_minutes"],
    params:
        runtime=RUNTIME,
    message:
        "Evaluating the baseline on replicate {wildcards.replicate}"
    script:
        "../scripts/evaluate_baseline.py"
