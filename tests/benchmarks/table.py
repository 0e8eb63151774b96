"""Renders the Markdown tables of README and docs from the JSON files, so that no figure is typed.

python -m tests.benchmarks.table tests/benchmarks/results/*.json
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

HEAD = "| what | this project | compared with | unit | ratio |\n|---|---|---|---|---|"


def rows(content: dict) -> Iterable[str]:
    for row in content["table"]:
        theirs = "" if row["theirs"] is None else figure(row["theirs"])
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        yield f"| {row['what']} | {figure(row['ours'])} | {theirs} | {row['unit']} | {ratio} |"


def figure(number: float) -> str:
    """Four digits, or all of those before the point."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def describe(machine: dict) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items() if v)
    return (
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, {machine['system']}, load before {machine['load_before']}, "
        f"Python {machine['python']}, {versions}"
    )


def describe_settings(settings: dict) -> str:
    """What was measured, and how often: a grid's settings say which study it is of."""
    rounds = settings.get("rounds", 1)
    told = [f"Medians of {rounds} rounds" if rounds > 1 else "One round"]
    told += [
        f"{name.replace('_', ' ')}: {_plain(value)}"
        for name, value in settings.items()
        if name != "rounds"
    ]
    return "; ".join(told) + "."


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(v)}" for name, v in value.items())
    if isinstance(value, list):
        return " / ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, nargs="+", help="JSON files of benchmarks")
    for path in parser.parse_args().results:
        content = json.loads(path.read_text())
        print(f"### {path.stem}\n\n{describe(content['machine'])}\n")
        print(f"{describe_settings(content['settings'])}\n")
        print(HEAD, *rows(content), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
