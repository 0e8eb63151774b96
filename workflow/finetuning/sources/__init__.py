"""Where the checkpoint and the texts come from, resolved once and pinned."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import UserError
from finetuning.configuration import check_layers
from finetuning.dataset import tokenise
from finetuning.draws import Candidates, data_settings, draw_split
from finetuning.files import sha256
from finetuning.sameness import unusable
from finetuning.sources import embedded, hub, local

# Label names that say nothing but their number.
NAMELESS = re.compile(r"(label_)?-?\d+", re.IGNORECASE)


def resolve(config: Mapping) -> dict:
    """Decide on the source, fetch it, check it, and say what it is.

    Nothing is left to fail later: the checkpoint's files, the data set's columns and labels, every
    replicate's draw and the tokenizer are tried here.

    Args:
        config: the study's configuration.

    Returns:
        The content of source.json: kind ("hub", which includes local files, or "embedded"),
        sentence, checkpoint, checkpoint_revision and dataset, dataset_revision (the commit; None
        for local files), sha256 (file -> hexadecimal), licence, labels, texts (part ->
        number), left_out (reason -> number of texts that no set may hold) and requested.

    Raises:
        UserError: the source cannot be had or does not fit.
    """
    requested = {"source": config["source"]} | {
        key: config["hub"][key]
        for key in ("checkpoint", "checkpoint_revision", "dataset", "dataset_revision")
    }
    source = _choose(config) | {"requested": requested}
    texts = read_texts(source, config)
    with tempfile.TemporaryDirectory(prefix="checkpoint-") as directory:
        write_checkpoint(source, Path(directory))
        check_layers(config, local.read_config(Path(directory), source["checkpoint"])["n_layers"])
        longest = config[source["kind"]]["padded_lengths"][-1]
        tokenised = tokenise(texts["text"], Path(directory), longest)
        contradictions = data_settings(config)["contradictions"]
        left_out = unusable(texts, tokenised, Path(directory), contradictions)
    candidates = Candidates.of(texts, tokenised, left_out)
    for replicate in range(config["replicates"]):
        draw_split(candidates, config, replicate)
    source["left_out"] = {reason: int(rows.sum()) for reason, rows in left_out.items()}
    source["sentence"] += _left_out_sentence(source["left_out"])
    source["texts"] = texts["part"].value_counts().sort_index().to_dict()
    return source


def read_texts(source: Mapping, config: Mapping) -> pd.DataFrame:
    """All texts of a resolved source, in an order that is always the same.

    Returns:
        Columns text, label (int, the checkpoint's label number), group (text; empty: none) and
        part ("baseline", "study", or "study_training" and "study_evaluation" where the data set
        comes divided). Repeated texts of one label are there once, the first time.

    Raises:
        UserError: a column, label or text is missing or does not fit, or a file changed since
            the source was resolved.
    """
    if source["kind"] == "embedded":
        return embedded.read_sentences(config)
    settings = config["hub"]
    if settings["evaluation_split"] is None:
        parts = {"study": settings["training_split"]}
    else:
        parts = {
            "study_training": settings["training_split"],
            "study_evaluation": settings["evaluation_split"],
        }
    folder = _folder(source, "dataset")
    _check_unchanged(source, "dataset", folder)
    tables = []
    for part, split in parts.items():
        where = f"{source['dataset']}, split {split}"
        if source["dataset_revision"] is None:
            if split != "train":
                raise UserError(hub.missing_split(split, ["train"], source["dataset"]))
            rows = local.read_table(folder)
        else:
            rows = hub.read_rows(
                folder, settings["dataset_configuration"], split, source["dataset"]
            )
        tables.append(_texts(rows, settings, source["labels"], where).assign(part=part))
    return pd.concat(tables).drop_duplicates(["text", "label"], ignore_index=True)


def write_checkpoint(source: Mapping, directory: Path) -> None:
    """Write the checkpoint as a Hugging Face directory.

    From the Hub or local files it is the fine-tuned classifier, from the embedded source the
    encoder without a classification head.

    Raises:
        UserError: it cannot be fetched, or a file changed since the source was resolved.
    """
    directory = Path(directory)
    if source["kind"] == "embedded":
        embedded.write_encoder(directory)
        return
    folder = _folder(source, "checkpoint")
    _check_unchanged(source, "checkpoint", folder)
    local.check_checkpoint(folder, source["checkpoint"])
    local.copy_checkpoint(folder, directory)


def match_labels(names: Sequence[str], labels: Sequence[str]) -> list[int] | None:
    """The checkpoint's label number for each of a data set's label names, or None.

    Names match if they are equal but for case, or, where each has exactly one such partner, if one
    begins with the other (neg and NEGATIVE).
    """
    names = [name.strip().casefold() for name in names]
    known = [label.strip().casefold() for label in labels]
    for matches in (str.__eq__, lambda a, b: bool(a) and (a.startswith(b) or b.startswith(a))):
        found = [
            [number for number, label in enumerate(known) if matches(name, label)] for name in names
        ]
        numbers = [options[0] for options in found if len(options) == 1]
        if len(numbers) == len(names) == len(set(numbers)):
            return numbers
    return None


def _left_out_sentence(left_out: Mapping[str, int]) -> str:
    what = {
        "without_tokens": "in which the model sees nothing",
        "contradictory": "that are the same to the model but have different labels",
    }
    told = [f"{number} {what[reason]}" for reason, number in left_out.items() if number]
    return f" Texts left out: {', '.join(told)}." if told else ""


def _choose(config: Mapping) -> dict:
    wanted = config["source"]
    if wanted == "embedded":
        return _embedded("The embedded model and sentences, as source: embedded asks.")
    settings = config["hub"]
    try:
        return _named(config)
    except hub.HubSilent as silent:
        own = [key for key in ("checkpoint", "dataset") if _is_local(settings, key)]
        if wanted == "hub" or own:
            missing = [key for key in ("checkpoint", "dataset") if key not in own]
            raise UserError(
                f"source: {wanted} needs {' and '.join(f'hub.{key}' for key in missing)} from the "
                f"Hugging Face Hub, which did not answer ({silent}). Check the connection and "
                "HF_ENDPOINT, give local files instead, set HF_HUB_OFFLINE=1 if all is in the "
                "cache, or write source: embedded."
            ) from silent
        return _embedded(
            f"The Hugging Face Hub did not answer ({silent}): the EMBEDDED model and sentences "
            f"were used instead of {settings['checkpoint']} and {settings['dataset']}.",
        )


def _embedded(sentence: str) -> dict:
    return embedded.describe() | {"sentence": sentence}


def _named(config: Mapping) -> dict:
    """The checkpoint and data set that the configuration names, from the Hub or this disk."""
    settings = config["hub"]
    source: dict = {"kind": "hub", "licence": {}, "sha256": {}}
    folders, places = {}, {}
    for key in ("checkpoint", "dataset"):
        name = source[key] = settings[key]
        if _is_local(settings, key):
            folders[key], places[key] = Path(name), "local files"
            source[f"{key}_revision"] = source["licence"][key] = None
        else:
            found = hub.pin(key, name, settings[f"{key}_revision"])
            folders[key], places[key] = found.folder, "the Hugging Face Hub"
            source[f"{key}_revision"] = found.commit
            source["licence"][key] = found.licence
    source["labels"] = local.check_checkpoint(folders["checkpoint"], settings["checkpoint"])
    for key, folder in folders.items():
        source["sha256"] |= _hashes(key, folder)
    source["sentence"] = " and ".join(
        f"{'the checkpoint' if key == 'checkpoint' else 'the data set'} {source[key]} from "
        + places[key]
        + (f" at commit {source[f'{key}_revision']}" if source[f"{key}_revision"] else "")
        for key in folders
    )
    source["sentence"] = source["sentence"][0].upper() + source["sentence"][1:] + "."
    return source


def _is_local(settings: Mapping, key: str) -> bool:
    """A path is what looks like one (./, ../, /, ~, or a table's file name) or exists."""
    name = settings[key]
    if key == "dataset" and Path(name).suffix in local.TABLE_SUFFIXES:
        return True
    return name.startswith((".", "/", "~")) or Path(name).exists()


def _folder(source: Mapping, key: str) -> Path:
    if source[f"{key}_revision"] is None:
        return Path(source[key]).expanduser()
    return hub.fetch(key, source[key], source[f"{key}_revision"])


def _hashes(key: str, path: Path) -> dict[str, str]:
    if path.is_file():
        files = {path.name: path}
    elif key == "checkpoint":
        files = {name: path / name for name in local.CHECKPOINT_FILES}
    else:
        files = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*"))}
    return {f"{key}/{name}": sha256(file) for name, file in files.items() if file.is_file()}


def _check_unchanged(source: Mapping, key: str, path: Path) -> None:
    expected = {name: value for name, value in source["sha256"].items() if name.startswith(key)}
    now = _hashes(key, path)
    changed = sorted(name for name in expected | now if expected.get(name) != now.get(name))
    if changed:
        raise UserError(
            f"{source[key]} is not what the study's source.json was made from: "
            f"{', '.join(changed)} changed. Put the old content back, or delete source.json to "
            "begin the study anew."
        )


def _texts(
    rows: pd.DataFrame, settings: Mapping, labels: Sequence[str], where: str
) -> pd.DataFrame:
    """The columns text, label and group of a data set's rows, checked."""
    text = rows[_column(rows, settings, "text_column", where)]
    names = rows.attrs.get("class_names", {}).get(settings["label_column"])
    label = rows[_column(rows, settings, "label_column", where)]
    _refuse(~text.map(lambda value: isinstance(value, str)), text, "text_column", "no text", where)
    text = text.astype(str).str.strip()
    _refuse(text == "", text, "text_column", "an empty text", where)
    missing = label.isna() | (label.astype(str).str.strip() == "")
    _refuse(missing, label, "label_column", "no label", where)
    group = ""
    if settings["group_column"] is not None:
        group = rows[_column(rows, settings, "group_column", where)]
        _refuse(group.isna() | (group.astype(str) == ""), group, "group_column", "no group", where)
        group = group.astype(str)
    return pd.DataFrame(
        {"text": text, "label": _numbers(label, names, labels, where), "group": group}
    )


def _column(rows: pd.DataFrame, settings: Mapping, key: str, where: str) -> str:
    name = settings[key]
    if name in rows.columns:
        return name
    columns = [str(column) for column in rows.columns]
    near = difflib.get_close_matches(str(name), columns, n=1, cutoff=0.4)
    raise UserError(
        f"hub.{key}: {where} has no column {name!r}; it has {', '.join(columns)}."
        + (f" Did you mean {near[0]!r}?" if near else "")
    )


def _refuse(bad: pd.Series, values: pd.Series, key: str, what: str, where: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        shown = repr(values.iloc[rows[0]])[:60]
        raise UserError(
            f"hub.{key}: {where}, row {rows[0] + 1} has {what} ({shown}), as have "
            f"{len(rows)} of {len(values)} rows. Remove them from the data set."
        )


def _short(name: str) -> str:
    """A label as a message can show it, even where the column holds whole texts."""
    return " ".join(name.split())[:40]


def _numbers(
    label: pd.Series, names: Sequence[str] | None, labels: Sequence[str], where: str
) -> np.ndarray:
    """The checkpoint's label numbers: by name where names match, else by number.

    `names` are those of a ClassLabel column, whose values are numbers.
    """
    if pd.api.types.is_bool_dtype(label):
        label = label.astype(int)
    values = label.astype(str).str.strip()
    theirs = list(names) if names else sorted(values.unique())
    matched = match_labels(theirs, labels)
    by_number = {str(number): number for number in range(len(labels))}
    if matched is None:
        # Numbers mean the same only where one side has no names that could contradict it.
        nameless = all(map(NAMELESS.fullmatch, theirs)) or all(map(NAMELESS.fullmatch, labels))
        known = by_number if nameless else {}
    elif names:
        known = {str(number): ours for number, ours in enumerate(matched)}
    else:
        known = dict(zip(theirs, matched, strict=True))
    unknown = np.flatnonzero(~values.isin(known))
    if len(unknown):
        value = _short(values.iloc[unknown[0]])
        raise UserError(
            f"hub.label_column: {where} has the labels {', '.join(map(_short, theirs[:10]))}"
            f"{', ...' if len(theirs) > 10 else ''} (row {unknown[0] + 1}: {value}), but the "
            f"checkpoint's labels are "
            f"{', '.join(f'{number} {name}' for number, name in enumerate(labels))}. The data "
            "set's labels must be the checkpoint's, as names (in any case) or as numbers"
            + ("; -1 marks texts without a label: choose another split." if value == "-1" else ".")
        )
    return values.map(known).to_numpy(dtype=int)
