"""Where checkpoint and texts come from, and what each replicate trains on and is evaluated on."""


rule resolve_source:
    output:
        f"{RESULTS}/source.json",
    log:
        f"{LOGS}/resolve_source.log",
    params:
        **{
            kind: {
                key: value
                for key, value in section.items()
                if key not in ("baseline", "data")
            }
            for kind, section in SECTIONS.items()
            if SOURCES[kind].PINNED
        },
        **augmentation.requested(config),
        source=config["source"],
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
        # What no pin depends on, but which texts are read.
        *[
            value
            for kind, section in SECTIONS.items()
            if not SOURCES[kind].PINNED
            for key, value in section.items()
            if key not in made_with.NOT_TEXTS
        ],
        seed=config["seed"],
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
        **{
            f"{kind}_data": section["data"]
            for kind, section in SECTIONS.items()
            if section["data"]
        },
        seed=config["seed"],
        data=made_with.drawn_by(config),
        padded_lengths={
            kind: section["padded_lengths"] for kind, section in SECTIONS.items()
        },
    message:
        "Drawing and tokenising the sets of replicate {wildcards.replicate}"
    script:
        "../scripts/draw_split.py"
