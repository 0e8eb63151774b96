"""Texts translated there and back by any two programs that read lines and write as many.

A neural translator is given as a command too; the built-in settings call Debian's apertium.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common.errors import UserError
from finetuning.augmentation.settings import Settings

LINES = 200  # given to a program at once: always the same, however many run side by side
PROBE = ("It is a good film.", "The acting was not bad, but the plot is dull.")
KEY = "augmentation.translator"


def check_installed(settings: Settings) -> None:
    """Raises UserError where a program is not there, naming what to install."""
    commands = settings.commands
    needed = [command[0] for command in (commands.there, commands.back, commands.version)]
    if isinstance(settings.translator, str):
        needed.append("apertium")
    for program in needed:
        if shutil.which(program) is None:
            raise UserError(
                f"{KEY}: back_translation needs the program {program}, which is not installed. "
                f"{_advice(settings)}"
            )


def _advice(settings: Settings) -> str:
    if isinstance(settings.translator, str):
        return (
            f"On Debian or Ubuntu, apt-get install {settings.translator}; or name another "
            "translator, or set back_translation to 0."
        )
    return (
        "A translator has to read lines of text and write as many, each with something in it, and "
        "nothing else. Change the command, or set back_translation to 0."
    )


def resolve(settings: Settings) -> dict[str, Any]:
    """What source.json says of the translator: its commands, its version, and what it makes of two
    sentences, which shows that it works.

    Raises:
        UserError: it is not installed or does not do what a translator has to.
    """
    check_installed(settings)
    commands = settings.commands
    version = _run("version", "", settings).split()
    return {
        "there": commands.there,
        "back": commands.back,
        "version": " ".join(version),
        "probe": translated_back(PROBE, settings),
    }


def translated_back(texts: Sequence[str], settings: Settings) -> list[str]:
    """The texts translated there and back, each as one line; the same for any number of processes.

    Raises:
        UserError: a program fails, hangs, writes to its standard error, or does not write a line
            with something in it for each line.
    """
    lines = [" ".join(text.split()) for text in texts]
    chunks = [lines[start : start + LINES] for start in range(0, len(lines), LINES)]
    # Threads that wait: the work is done in the programs.
    with ThreadPoolExecutor(settings.translator_processes) as pool:
        return [line for chunk in pool.map(lambda c: _chunk(c, settings), chunks) for line in chunk]


def _chunk(lines: list[str], settings: Settings) -> list[str]:
    for direction in ("there", "back"):
        said = _run(direction, "".join(f"{line}\n" for line in lines), settings)
        found = [line.strip() for line in said.removesuffix("\n").split("\n")]
        if len(found) != len(lines):
            what = f"it wrote {len(found)} lines for {len(lines)} lines of text"
            raise _wrong(direction, what, settings)
        empty = [given for given, line in zip(lines, found, strict=True) if not line]
        if empty:
            raise _wrong(direction, f"it wrote an empty line for {empty[0][:60]!r}", settings)
        lines = found
    return lines


def _run(name: str, given: str, settings: Settings) -> str:
    """What one of the translator's programs ("there", "back", "version") writes."""
    try:
        program = subprocess.Popen(
            getattr(settings.commands, name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
    except OSError as error:
        raise _wrong(name, f"it cannot be run ({error.strerror})", settings) from None
    with program:
        try:
            found, complaint = program.communicate(given, settings.translator_seconds)
        except subprocess.TimeoutExpired:
            what = f"it was not done after {settings.translator_seconds:g} s"
            what += " (augmentation.translator_seconds)"
            raise _wrong(name, what, settings) from None
        except UnicodeDecodeError:
            raise _wrong(name, "what it wrote is not UTF-8 text", settings) from None
        finally:
            if program.poll() is None:  # with all that it started, which would keep its pipes open
                os.killpg(program.pid, signal.SIGKILL)
    complaint = " ".join(complaint.split())[:200]
    if program.returncode != 0:
        what = f"it failed with exit code {program.returncode} ({complaint or 'without a word'})"
        raise _wrong(name, what, settings)
    if complaint:
        raise _wrong(name, f"it wrote to its standard error: {complaint}", settings)
    return found


def _wrong(name: str, what: str, settings: Settings) -> UserError:
    command = shlex.join(getattr(settings.commands, name))
    return UserError(f"{KEY}.{name}: {command} cannot be used: {what}. {_advice(settings)}")
