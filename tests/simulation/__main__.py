"""python -m tests.simulation: every simulation in full, in as many processes as there are cores.

Prints a table in Markdown, that of docs/simulations.md. Ends with 1 where a share is further from
what is promised than chance explains (2.6 standard errors, p 0.005).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.simulation import (
    chosen_points,
    coverage,
    false_findings,
    later_pages,
    margins,
    power,
    random_tables,
    texts,
)

NOMINAL = (0.93, 0.97)  # of 95 % for a whole family
AT_LEAST = (0.93, 1.0)  # of 95 %, where it is a part of a family, or Hsu's for any true means
FALSE = (0.0, 0.07)  # of at most 5 %
FOUND = (0.76, 0.84)  # of 80 %
AT_LEAST_FOUND = (0.76, 1.0)  # of 80 % for the least favourable of several factors
NEVER = (0.0, 0.0)
UNLIKELY = 2.6  # standard errors


@dataclass(frozen=True)
class Simulation:
    """``run`` takes ``arguments`` and the number of studies, and returns shares of them by name;
    ``promised`` is where each share should be."""

    name: str
    run: Callable[..., dict[str, float]]
    arguments: tuple[Any, ...]
    studies: int
    promised: dict[str, tuple[float, float]]

    def results(self) -> dict[str, float]:
        return self.run(*self.arguments, self.studies)


def simulations(share: float) -> Iterator[Simulation]:
    """All of them, each of this share of its studies in full."""

    def studies(full: int) -> int:
        return max(1, round(share * full))

    for replicates in (2, 3, 4):
        yield Simulation(
            f"power, {replicates} replicates",
            power.simulate,
            (replicates,),
            studies(500),
            dict.fromkeys(power.SETTINGS.factor_names, FOUND),
        )
    for table in coverage.TABLES:
        yield Simulation(
            f"first page, {table}",
            coverage.simulate_all_means,
            (table,),
            studies(1000),
            {"means of all settings": NOMINAL},
        )
        for effects in coverage.EFFECTS:
            yield Simulation(
                f"first page, {table}, {effects}",
                coverage.simulate,
                (table, effects),
                studies(200),
                dict.fromkeys(coverage.KINDS, AT_LEAST),
            )
        yield Simulation(
            f"later pages, {table}",
            later_pages.simulate,
            (table,),
            studies(500),
            dict.fromkeys(later_pages.kinds(table), NOMINAL),
        )
    for replicates in (2, 5):
        yield Simulation(
            f"chosen points, {replicates} replicates",
            chosen_points.simulate,
            (replicates,),
            studies(500),
            {"optimum covered": AT_LEAST, "price significant": FALSE},
        )
    for replicates in (2, 5, 10, 20):
        yield Simulation(
            f"noise, {replicates} replicates",
            false_findings.families,
            (replicates,),
            studies(400),
            dict.fromkeys(("global", "any factor", "any term"), FALSE),
        )
    yield Simulation(
        "noise, one trajectory decides",
        false_findings.singleton,
        (),
        studies(400),
        {"p < 0.05": FALSE, "one trajectory has a p": NEVER},
    )
    for replicates in (2, 5):
        yield Simulation(
            f"equivalence, {replicates} replicates",
            margins.simulate,
            (replicates,),
            studies(300),
            {
                "as large as the margin, called equivalent": FALSE,
                "no difference, called equivalent": AT_LEAST_FOUND,
            },
        )
    for overlap in texts.OVERLAPS:
        for replicates in (2, 5, 10):
            yield Simulation(
                f"texts shared by replicates: {overlap}, {replicates} replicates",
                texts.simulate,
                (overlap, replicates),
                studies(1000),
                {"p < 0.05": FALSE, "coverage": NOMINAL},
            )
    for first in range(0, 500, 100):
        yield Simulation(
            f"random tables from {first}",
            random_tables.simulate,
            (first,),
            studies(100),
            {"something impossible": NEVER},
        )


def kept(share: float, promised: tuple[float, float], studies: int) -> bool:
    low, high = (UNLIKELY * (end * (1 - end) / studies) ** 0.5 for end in promised)
    return promised[0] - low <= share <= promised[1] + high


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names; without any all are run")
    parser.add_argument("--share", type=float, default=1.0, help="of the studies, default 1")
    parser.add_argument("--processes", type=int, help="default: one a core")
    options = parser.parse_args()
    beginnings = tuple(options.names) or ("",)
    every = [each for each in simulations(options.share) if each.name.startswith(beginnings)]
    all_kept = True
    print("| simulation | share | promised | seen ± standard error | studies | |")
    print("|---|---|---|---|---|---|")
    with ProcessPoolExecutor(options.processes) as pool:
        for each, found in zip(every, pool.map(Simulation.results, every), strict=True):
            for name, promised in each.promised.items():
                share = found[name]
                good = kept(share, promised, each.studies)
                all_kept &= good
                error = (share * (1 - share) / each.studies) ** 0.5
                print(
                    f"| {each.name} | {name} | {promised[0]:.0%} to {promised[1]:.0%} | "
                    f"{100 * share:.1f} ± {100 * error:.1f} % | {each.studies} | "
                    f"{'' if good else 'not kept'} |",
                    flush=True,
                )
    sys.exit(not all_kept)


if __name__ == "__main__":
    main()
