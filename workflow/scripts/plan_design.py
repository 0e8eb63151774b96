"""Tells what the design will tell: to the terminal, as a table and as a page."""

from pathlib import Path
from typing import TYPE_CHECKING

from job import job  # isort: split

from finetuning.files import replace_atomically
from study.design_page import design_page
from study.design_plan import as_table, in_words, plan_designs

if TYPE_CHECKING:
    from snakemake.script import snakemake

with job(snakemake.log[0]) as tell:
    plan = plan_designs(snakemake.config)
    replace_atomically(Path(snakemake.output.table), as_table(plan).to_csv(index=False))
    page = design_page(plan, snakemake.config["study"])
    replace_atomically(Path(snakemake.output.page), page)
    tell("\n".join(["", *in_words(plan), ""]))
