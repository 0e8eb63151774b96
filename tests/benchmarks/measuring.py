"""What every benchmark needs: timed processes, the machine's description, a table and JSON."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("tensorflow", "keras", "keras-hub", "snakemake", "torch", "transformers", "keras-tuner")


@dataclass(frozen=True)
class Run:
    """A process from its start to its end.

    processor_seconds: user and system time, of it and of the processes it started and waited for;
    peak_memory_mb (2**20 bytes): resident, of the largest of them.
    """

    seconds: float
    processor_seconds: float
    peak_memory_mb: int


def run(command: Sequence[str], folder: Path = PROJECT, **environment: str) -> Run:
    """Runs a command to its end. Ends this program with the command's last lines if it fails."""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{log.read()[-3000:]}")
    return Run(
        round(seconds, 3),
        round(usage.ru_utime + usage.ru_stime, 3),
        usage.ru_maxrss // 1024,
    )


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this folder."""
    return [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]


def line(what: str, ours: float, theirs: float | None, unit: str, ratio: bool = True) -> dict:
    """A line of a benchmark's table: two figures in the same unit, and the first over the second.

    theirs: None where ours stands alone; ratio: False where it would say nothing.
    """
    return {
        "what": what,
        "ours": round(ours, 4),
        "theirs": None if theirs is None else round(theirs, 4),
        "unit": unit,
        "ratio": round(ours / theirs, 4) if ratio and theirs is not None else None,
    }


def paired(what: str, ours: Sequence[float], theirs: Sequence[float], unit: str) -> dict:
    """A line of several rounds: the medians of both sides, and of the rounds' ratios."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return line(what, median(ours), median(theirs), unit) | {"ratio": round(median(ratios), 4)}


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def report(
    out: Path, benchmark: str, settings: Mapping, table: Sequence[Mapping], raw: Mapping
) -> None:
    """Prints the table and writes it to a JSON file with settings, raw figures and machine."""
    content = {
        "benchmark": benchmark,
        "machine": MACHINE,
        "settings": settings,
        "table": table,
        "raw": raw,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    temporary.write_text(json.dumps(content, indent=1, default=_plain) + "\n")
    temporary.replace(out)
    for row in table:
        theirs = "" if row["theirs"] is None else f" against {row['theirs']:g}"
        ratio = "" if row["ratio"] is None else f", ratio {row['ratio']:.2f}"
        print(f"{row['what']}: {row['ours']:g}{theirs} {row['unit']}{ratio}")


def _plain(value: object) -> object:
    return asdict(value) if isinstance(value, Run) else str(value)


def _describe_machine() -> dict:
    """The load tells whether the machine was doing something else when the benchmark began."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(int((_first("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 2**20),
        "system": platform.system(),
        "date": datetime.date.today().isoformat(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _first(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


MACHINE = _describe_machine()
