"""Copies of the training texts, once for each replicate and way of copying; cells share them."""

METHODS_USED = augmentation.used(config)
WORDNET_KEYS = [METHODS_USED[m] for m in augmentation.FROM_WORDNET if m in METHODS_USED]


rule fetch_wordnet:
    input:
        source=rules.resolve_source.output,
    output:
        directory(f"{RESULTS}/wordnet"),
    log:
        f"{LOGS}/fetch_wordnet.log",
    params:
        key=WORDNET_KEYS[0] if WORDNET_KEYS else None,
    message:
        "Fetching WordNet"
    script:
        "../scripts/fetch_wordnet.py"


rule copy_texts:
    input:
        source=rules.resolve_source.output,
        texts=rules.read_texts.output,
        split=rules.draw_split.output,
        checkpoint=rules.fetch_checkpoint.output,
        wordnet=rules.fetch_wordnet.output if WORDNET_KEYS else [],
    output:
        copies=f"{COPIES}.parquet",
        timing=f"{COPIES}.timing.json",
    log:
        f"{LOGS}/copy_texts/{{copies}}/replicate={{replicate}}.log",
    threads:
        config["augmentation"]["translator_processes"]
        if "back_translation" in METHODS_USED
        else 1
    params:
        seed=config["seed"],
    message:
        "Copying the training texts of replicate {wildcards.replicate} ({wildcards.copies})"
    script:
        "../scripts/copy_texts.py"


rule judge_copies:
    input:
        source=rules.resolve_source.output,
        checkpoint=rules.make_baseline.output,
        split=rules.draw_split.output,
        copies=rules.copy_texts.output.copies,
    output:
        f"{COPIES}.safetensors",
    log:
        f"{LOGS}/judge_copies/{{copies}}/replicate={{replicate}}.log",
    threads: config["training"]["threads"]
    resources:
        mem_mb=memory_of_evaluating_the_baseline,
        gpu=config["training"]["gpus"],
        runtime=config["training"]["runtime_minutes"],
    params:
        runtime=RUNTIME,
        keep_if_baseline_agrees=config["augmentation"]["keep_if_baseline_agrees"],
    message:
        "Asking the baseline for labels of the copies of replicate {wildcards.replicate} ({wildcards.copies})"
    script:
        "../scripts/judge_copies.py"
