"""Where checkpoint and texts come from, and what each replicate trains on and is evaluated on."""


rule resolve_source:
    message:
        "Looking for the checkpoint and the texts (source: {config[source]})"
    output:
        f"{RESULTS}/source.json",
    params:
        source=config["source"],
        hub={key: value for key, value in config["hub"].items() if key != "baseline"},
    log:
        f"{LOGS}/resolve_source.log",
    script:
        "../scripts/resolve_source.py"


rule fetch_checkpoint:
    message:
        "Fetching the checkpoint"
    input:
        source=rules.resolve_source.output,
    output:
        directory(f"{RESULTS}/pretrained"),
    log:
        f"{LOGS}/fetch_checkpoint.log",
    script:
        "../scripts/fetch_checkpoint.py"


rule read_texts:
    message:
        "Reading the texts"
    input:
        source=rules.resolve_source.output,
    output:
        f"{RESULTS}/data/texts.parquet",
    params:
        seed=config["seed"],
        films=config["embedded"]["baseline_films"],
        examples=config["embedded"]["baseline_examples"],
    log:
        f"{LOGS}/read_texts.log",
    script:
        "../scripts/read_texts.py"


rule draw_split:
    message:
        "Drawing and tokenising the sets of replicate {wildcards.replicate}"
    input:
        texts=rules.read_texts.output,
        checkpoint=rules.fetch_checkpoint.output,
    output:
        f"{RESULTS}/data/replicate={{replicate}}.safetensors",
    params:
        seed=config["seed"],
        data=config["data"],
    log:
        f"{LOGS}/draw_split/replicate={{replicate}}.log",
    script:
        "../scripts/draw_split.py"
