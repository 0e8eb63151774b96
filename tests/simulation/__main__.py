"""python -m tests.simulation: every simulation in full, in as many processes as there are cores.

Prints a table in Markdown, that of docs/simulations.md; ends with 1 where a promise is not kept.
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
    power,
    random_tables,
    texts,
)

NOMINAL = (0.93, 0.97)  # of 95 %
CHOSEN = (0.93, 1.0)  # of 95 % for all at once, where one of them is told of
FALSE = (0.0, 0.07)  # of 5 %, none more than 5 % for the family of q
FOUND = (0.76, 0.84)  # of 80 %


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
        for effects in coverage.EFFECTS:
            yield Simulation(
                f"first page, {table}, {effects}",
                coverage.simulate,
                (table, effects),
                studies(400),
                coverage_promised(),
            )
    for replicates in (2, 5):
        yield Simulation(
            f"chosen points, {replicates} replicates",
            chosen_points.simulate,
            (replicates,),
            studies(500),
            {"optimum covered": CHOSEN, "price significant": FALSE},
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
        {"p < 0.05": FALSE, "one trajectory has a p": (0.0, 0.0)},
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
            {"something impossible": (0.0, 0.0)},
        )


def coverage_promised() -> dict[str, tuple[float, float]]:
    """Nominal for whole families, of which at least one is least favourable; no less for a part."""
    return {
        "means of all settings": NOMINAL,
        "mean of the recommended": CHOSEN,
        "at most below its own best": CHOSEN,
        "distances to the best": CHOSEN,
        "average differences of a factor": CHOSEN,
        "largest difference of a factor": CHOSEN,
        "all differences shown of a factor": CHOSEN,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the studies, default 1")
    parser.add_argument("--processes", type=int, help="default: one a core")
    options = parser.parse_args()
    every = list(simulations(options.share))
    kept = True
    print("| simulation | share | promised (%) | seen (%) | studies | |\n|---|---|---|---|---|---|")
    with ProcessPoolExecutor(options.processes) as pool:
        for each, found in zip(every, pool.map(Simulation.results, every), strict=True):
            for name, (low, high) in each.promised.items():
                seen = found[name]
                error = (seen * (1 - seen) / each.studies) ** 0.5
                inside = low <= seen <= high
                kept &= inside
                print(
                    f"| {each.name} | {name} | {100 * low:g} to {100 * high:g} | "
                    f"{100 * seen:.1f} ± {100 * error:.1f} | {each.studies} | "
                    f"{'' if inside else 'not kept'} |",
                    flush=True,
                )
    sys.exit(not kept)


if __name__ == "__main__":
    main()
