"""python -m tests.simulation: every simulation in full; takes hours of one processor."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tests.simulation import chosen_points, power, random_tables, texts


def results(studies: int) -> Iterator[str]:
    """One line a simulation, with what it should be."""
    yield "texts that replicates share: p < 0.05 in 5 ± 2 %, coverage 93 to 97 %"
    for overlap in texts.OVERLAPS:
        for replicates in (2, 5, 10):
            yield f"  {overlap}, {replicates}: {texts.simulate(overlap, replicates, studies)}"
    yield "chosen points, nothing differs: covered >= 93 %, prices significant <= 5 %"
    for replicates in (2, 5):
        yield f"  {replicates}: {chosen_points.simulate(replicates, studies)}"
    yield "power: 76 to 84 %"
    for replicates in (2, 3, 5):
        for factor in power.FACTORS:
            yield f"  {factor}, {replicates}: {power.simulate(factor, replicates, studies):.3f}"
    yield "random tables: nothing impossible"
    for seed in range(studies // 2):
        found = random_tables.computed(seed)
        for wrong in random_tables.impossible(*found) if found else ():
            yield f"  table {seed}: {wrong}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="simulated a line")
    for line in results(parser.parse_args().studies):
        print(line, flush=True)


if __name__ == "__main__":
    main()
