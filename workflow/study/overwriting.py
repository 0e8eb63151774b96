"""Runs of one configuration are not replaced by those of another unless that is asked for.

The configuration that a study was last started with is kept in its folder.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from common.errors import UserError
from common.files import STARTED_WITH
from design.grid import Cell, Grid
from finetuning import sources
from finetuning.files import read_json, replace_atomically, write_json
from study import made_with
from study.configuration import of_results

HEADING = "# What the study was last started with, in full. It is rewritten at every start.\n"
KEY = "overwrite"  # given as --config overwrite=true; no key of a study
NAMED = 5  # differences that a message names at most


def keep_configuration(folder: Path, config: Mapping[str, Any]) -> None:
    """Notes in results/<study> what it is started with: a record, and a file to read and reuse."""
    write_json(folder / STARTED_WITH, config)
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    replace_atomically(folder / "config.yaml", HEADING + text)


def check_overwrites(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuses to start where finished runs of another configuration would be lost.

    folder: results/<study>. Raises UserError, naming the keys that differ and how many runs.
    """
    then = last_configuration(folder)
    if then is None:
        return
    then, now = (_of_runs(each) for each in (then, config))
    lost = lost_runs(folder, then, now)
    if lost:
        told = [f"{key}: {a} then, {b} now" for key, a, b in differences(then, now)]
        more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
        raise UserError(
            f"{folder} holds {len(lost)} finished runs of another configuration "
            f"({'; '.join(told[:NAMED])}{more}); they would be replaced. To keep them, give the "
            f"study another name; to replace them, add --config {KEY}=true to the command."
        )


def lost_runs(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Cell]:
    """The finished cells of a configuration that another would compute again.

    Cells that the other grid does not have stay where they are.
    """
    if then == now or not (folder / "source.json").exists():
        return []
    source = read_json(folder / "source.json")
    alike = _inputs(then, source) == _inputs(now, source)
    then, now = (_sized(each, source) for each in (then, now))
    before, after = Grid.from_config(then), Grid.from_config(now)
    kept = {after.folder(cell) for cell in after.cells()}
    return [
        cell
        for cell in before.cells()
        if before.folder(cell) in kept
        and (folder / "cells" / before.folder(cell) / "metrics.json").exists()
        and not (
            alike
            and made_with.cell(then, before, cell, {}) == made_with.cell(now, after, cell, {})
            and _copies(then, before, cell, source) == _copies(now, after, cell, source)
        )
    ]


def differences(
    then: Mapping[str, Any], now: Mapping[str, Any], *path: str
) -> Iterator[tuple[str, Any, Any]]:
    """Key, value then and value now, for every value that is not the same in two configurations."""
    for key in {**then, **now}:
        a, b = then.get(key), now.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, *path, key)
        elif a != b:
            yield ".".join((*path, key)), a, b


def _copies(
    config: Mapping[str, Any], grid: Grid, cell: Cell, source: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What the copies that a cell trains on are made with; the source is the same then and now."""
    copies = grid.copies_of(cell)
    return None if copies is None else made_with.copied(config, source, copies)


def last_configuration(folder: Path) -> dict[str, Any] | None:
    """As kept at the last start, or by the tables of a study from before that was done."""
    if (folder / STARTED_WITH).exists():
        return read_json(folder / STARTED_WITH)
    if (folder / "provenance.json").exists():
        return read_json(folder / "provenance.json")["settings"]
    return None


def _of_runs(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration changes runs; what they are asked does not."""
    return {key: value for key, value in of_results(config).items() if key != "analysis"}


def _sized(config: Mapping[str, Any], source: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the sizes of the source's section, where that is still asked for."""
    return sources.sized(config, source["kind"]) if source["kind"] in config else config


def _inputs(config: Mapping[str, Any], source: Mapping[str, Any]) -> tuple:
    """What every cell of a configuration is computed from."""
    if source["kind"] not in config:  # the section of a source that is no longer asked for
        return (made_with.source(config),)
    return (
        made_with.source(config),
        made_with.checkpoint(config, source),
        made_with.split(config, source),
    )
