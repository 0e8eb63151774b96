"""The runs that a study's design chooses: once chosen, kept and not computed again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.coding import codings_over
from analysis.fit.estimable import check_plan, require_planned
from analysis.fit.model import Block, Model
from analysis.runs.formula import Term, model_terms, polynomial
from analysis.runs.settings import Settings
from common.errors import UserError
from design import DEFAULT, FILES, NOTED, files_of, full, settings_of
from design.grid import Grid
from design.space import Setting, Space, delivers_epochs
from finetuning.files import sha256
from study.configuration import check_number_of_cells
from study.overwriting import last_configuration


def noted(config: Mapping[str, Any], folder: Path) -> str | dict[str, Any]:
    """The key ``design`` of a complete configuration with the settings that it chooses.

    folder: results/<study>, which keeps the configuration of the last start; its settings are taken
    where everything that they follow from is still the same. Raises UserError where the factors do
    not suit the design.
    """
    design = config["design"]
    if design == DEFAULT:
        return design
    files = {str(path): sha256(path) for path in files_of(config) if path.is_file()}
    kept = last_configuration(folder)
    if kept is not None and kept.get("design", DEFAULT) != DEFAULT:
        same_files = kept["design"].get(FILES) == files
        if same_files and _follows_from(kept) == _follows_from(config):
            return kept["design"]
    return {**design, FILES: files, NOTED: choose(config)}


def choose(config: Mapping[str, Any]) -> list[Setting]:
    """The settings that a complete configuration's design chooses.

    Where its variance ratio is to be that of a finished study, the mean over the metrics is taken.
    Raises UserError where the factors do not suit the design.
    """
    design = config["design"]
    given = design.get("variance_ratio")
    if isinstance(given, str):
        # All of analysis; it takes a second, which every job would wait for.
        from study.noise import measured_noise

        found = measured_noise(given, Settings.from_config(config), "design.variance_ratio")
        ratio = float(np.mean([each.ratio for each in found.values()]))
        design = {**design, "variance_ratio": ratio}
    return list(settings_of({**config, "design": design}))


def _follows_from(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings depend on beside files."""
    design = {k: v for k, v in config["design"].items() if k not in (FILES, NOTED)}
    model = {key: config["analysis"].get(key) for key in ("degree", "formula")}
    chosen = {key: config[key] for key in ("seed", "factors")}
    return {"design": design, "delivers": delivers_epochs(config), **model, **chosen}


def planned_runs(grid: Grid) -> pd.DataFrame:
    """A row for each cell: the factors, replicate and trajectory."""
    rows = [{**cell, "trajectory": grid.trajectory(cell)} for cell in grid.cells()]
    return pd.DataFrame(rows)


def planned_model(
    runs: pd.DataFrame, settings: Settings, terms: tuple[Term, ...], replicates: int
) -> Model:
    """The model of these terms over planned runs, with the replicates as blocks."""
    blocks = (Block("replicate", tuple(range(replicates))),) if replicates > 1 else ()
    return Model(codings_over(runs, settings.factors, "absolute", {}), terms, blocks)


def check_estimable(config: Mapping[str, Any], settings: Settings) -> None:
    """Refuses, before anything is run, a model that the planned runs cannot estimate.

    config: complete, its design noted. Where the config leaves the model open, main effects have
    to be possible. Raises UserError naming the terms and what would do.
    """
    if config["design"] == DEFAULT:
        space = Space.of(config)
        axes = (*space.axes, *((space.delivered,) if space.delivered else ()))
        levels = {axis.name: {"levels": full.levels(axis)} for axis in axes}
        check_plan(settings, levels, config["replicates"])
        return
    grid = Grid.from_config(config)
    check_number_of_cells(sum(1 for _ in grid.cells()))
    is_open = settings.degree is None and settings.formula is None
    terms = polynomial(settings.factors, 1) if is_open else model_terms(settings)
    runs = planned_runs(grid)
    model = planned_model(runs, settings, terms, grid.replicates)
    needed, trajectories = coefficients_between(config, model), runs["trajectory"].nunique()
    if trajectories <= needed:
        raise UserError(
            f"design: it has {trajectories} training runs over all replicates, and {needed} "
            "coefficients do not vary within a run, so that nothing would be left to judge them "
            f"by: at least {needed + 1} runs are needed. Ask for more trajectories or replicates, "
            "or set analysis.degree or analysis.formula to a smaller model."
        )
    require_planned(model, model.matrix(runs, runs))


def coefficients_between(config: Mapping[str, Any], model: Model) -> int:
    """How many coefficients of the model only differences between training runs tell."""
    delivered = "epochs" if delivers_epochs(config) else None
    within = {term.name for term in model.terms if delivered in dict(term.powers)}
    return 1 + len(model.blocks) + sum(term not in within for _, term in model.columns)
