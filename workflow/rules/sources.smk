"""Where checkpoint and texts come from, and what each replicate trains on and is evaluated on."""


rule resolve_source:
    output:
        f"{RESULTS}/source.json",
    log:
        f"{LOGS}/resolve_source.log",
    params:
        source=config["source"],
        hub={key: value for key, value in config["hub"].items() if key != "baseline"},
    message:
        "Looking for the checkpoint and the texts (source: {config[source]})"
    script:
        "../scripts/resolve_source.py"


rule fetch_checkpoint:
    input:
        source=rules.resolve_source.output,
    output:
        directory(f"{RESULTS}/pretrained"),
    log:
        f"{LOGS}/fetch_checkpoint.log",
    message:
        "Fetching the checkpoint"
    script:
        "../scripts/fetch_checkpoint.py"


rule read_texts:
    input:
        source=rules.resolve_source.output,
    output:
        f"{RESULTS}/data/texts.parquet",
    log:
        f"{LOGS}/read_texts.log",
    params:
        seed=config["seed"],
        films=config["embedded"]["baseline_films"],
        examples=config["embedded"]["baseline_examples"],
    message:
        "Reading the texts"
    script:
        "../scripts/read_texts.py"


rule draw_split:
    input:
        source=rules.resolve_source.output,
        texts=rules.read_texts.output,
        checkpoint=rules.fetch_checkpoint.output,
    output:
        f"{RESULTS}/data/replicate={{replicate}}.safetensors",
    log:
        f"{LOGS}/draw_split/replicate={{replicate}}.log",
    params:
        seed=config["seed"],
        data=config["data"],
        padded_lengths={
            kind: config[kind]["padded_lengths"] for kind in ("hub", "embedded")
        },
    message:
        "Drawing and tokenising the sets of replicate {wildcards.replicate}"
    script:
        "../scripts/draw_split.py"
