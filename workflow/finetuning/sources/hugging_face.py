"""Checkpoints and data sets of the Hugging Face Hub, pinned to a commit.

HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE work as huggingface_hub documents them.
Everything is fetched as a snapshot of one commit into its cache, so that what was fetched once is
read again without a connection, and never from another commit.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd
from huggingface_hub import (
    HfApi,
    RepoCard,
    constants,
    hf_hub_download,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from common.errors import UserError
from finetuning.files import replace_atomically
from finetuning.sources.local import CHECKPOINT_FILES, WEIGHTS, Files, no_safetensors
from finetuning.sources.source import Unreachable

Answer = TypeVar("Answer")
ANSWER_SECONDS = 10
NO_ANSWER = f"no answer within {ANSWER_SECONDS} seconds"
README = "README.md"
FETCHED = {"checkpoint": [*CHECKPOINT_FILES, README], "dataset": None}  # None: every file
# What the network fails with. An answer that is no JSON is that of a proxy that wants a login.
NETWORK = (
    HTTPError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    ssl.SSLError,
    json.JSONDecodeError,
)
NOT_THERE = (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError)
REPOSITORY = {"checkpoint": "model", "dataset": "dataset"}


def pin(kind: str, name: str, revision: str) -> Files:
    """Find the commit a revision stands for and fetch it.

    Args:
        kind: "checkpoint" or "dataset", as in the configuration's keys.
        name: the repository's name on the Hub.
        revision: commit, branch or tag.

    Raises:
        Unreachable: the Hub does not answer.
        UserError: it answers, but there is no such thing, or it is not of the right kind.
    """
    if constants.is_offline_mode():
        try:
            folder = fetch(kind, name, revision)
        except UserError as error:
            raise Unreachable(
                f"HF_HUB_OFFLINE is set, and {name} at revision {revision} is not in the cache"
            ) from error
        return Files(folder, folder.name, _licence(folder))
    ask = HfApi().model_info if kind == "checkpoint" else HfApi().dataset_info
    try:
        information = _answer(lambda: ask(name, revision=revision, timeout=ANSWER_SECONDS))
    except (*NOT_THERE, HfHubHTTPError) as error:
        raise _not_there(kind, name, revision, error) from error
    files = [file.rfilename for file in information.siblings or []]
    if kind == "checkpoint" and "config.json" in files and WEIGHTS not in files:
        raise UserError(no_safetensors(f"hub.checkpoint: {name}", files))
    if kind == "dataset":
        _refuse_script(name, files)
    commit = str(information.sha)
    folder = fetch(kind, name, commit)
    if revision != commit:
        # Where huggingface_hub itself looks a branch up when it is offline.
        replace_atomically(folder.parents[1] / "refs" / revision, commit)
    return Files(folder, commit, _licence(folder))


def bytes_to_fetch(kind: str, name: str, revision: str) -> int:
    """The sizes of a repository's files, as far as they are used and not in the cache.

    Raises as `pin` does.
    """
    if constants.is_offline_mode():
        return 0
    ask = HfApi().model_info if kind == "checkpoint" else HfApi().dataset_info
    try:
        information = _answer(
            lambda: ask(name, revision=revision, files_metadata=True, timeout=ANSWER_SECONDS)
        )
    except (*NOT_THERE, HfHubHTTPError) as error:
        raise _not_there(kind, name, revision, error) from error
    used, commit = FETCHED[kind], information.sha

    def is_missing(file: str) -> bool:
        kept = try_to_load_from_cache(name, file, revision=commit, repo_type=REPOSITORY[kind])
        return (used is None or file in used) and not isinstance(kept, str)

    files = information.siblings or []
    return sum(file.size or 0 for file in files if is_missing(file.rfilename))


def fetch_settings(name: str, revision: str | None) -> Path:
    """The folder with a checkpoint's config.json. Raises as `pin` does."""
    try:
        return Path(_answer(lambda: hf_hub_download(name, "config.json", revision=revision))).parent
    except (*NOT_THERE, HfHubHTTPError) as error:
        raise _not_there("checkpoint", name, revision, error) from error


def fetch(kind: str, name: str, commit: str) -> Path:
    """The folder with a commit's files: from the cache where it is complete, else from the Hub.

    A download that was cut off goes on where it stopped.
    """
    try:
        return Path(
            _patiently(
                lambda: snapshot_download(
                    name,
                    repo_type=REPOSITORY[kind],
                    revision=commit,
                    allow_patterns=FETCHED[kind],
                    max_workers=2,
                )
            )
        )
    except Exception as error:
        if _is_connection_trouble(error):
            raise UserError(
                f"hub.{kind}: {name} at {commit} could not be fetched from the Hub "
                f"({_reason(error)}), and the cache does not have all of it. Rerun: what was "
                "downloaded is kept."
            ) from error
        if _is_definite(error):
            raise _not_there(kind, name, commit, error) from error
        raise  # a full disk, or a fault of this program


def read_rows(folder: Path, configuration: str | None, split: str, name: str) -> pd.DataFrame:
    """Read one split of a fetched data set.

    Returns:
        The rows, as many columns as there are; `attrs["class_names"]` maps each ClassLabel column
        to its names.

    Raises:
        UserError: the configuration or split does not exist, or the files cannot be read.
    """
    import datasets

    datasets.disable_progress_bars()
    where = f"{name} at {folder.name[:12]}"
    try:
        configurations = datasets.get_dataset_config_names(str(folder))
        if configuration is None and len(configurations) > 1 and "default" not in configurations:
            raise UserError(
                f"hub.dataset_configuration: {where} has several configurations; write one of "
                f"{', '.join(configurations)}."
            )
        if configuration is not None and configuration not in configurations:
            raise UserError(
                f"hub.dataset_configuration: {where} has no configuration {configuration!r}; it "
                f"has {', '.join(configurations)}."
            )
        builder = datasets.load_dataset_builder(str(folder), configuration)
        builder.download_and_prepare()
        splits = list(builder.info.splits)
        if split not in splits:
            raise UserError(missing_split(split, splits, where))
        rows = builder.as_dataset(split)
    except UserError:
        raise
    except Exception as error:  # datasets raises whatever its many readers raise
        cause = error.__cause__ or error
        raise UserError(
            f"hub.dataset: {where} cannot be read ({_reason(cause)}). It must hold its rows as "
            "Parquet, CSV or JSON Lines."
        ) from error
    table = rows.to_pandas()
    table.attrs["class_names"] = {
        column: feature.names
        for column, feature in rows.features.items()
        if isinstance(feature, datasets.ClassLabel)
    }
    return table


def missing_split(split: str, splits: list[str], where: str) -> str:
    """The message for a split that a data set does not have."""
    return (
        f"hub.training_split / hub.evaluation_split: {where} has no split {split!r}; it has "
        f"{', '.join(splits)}. (evaluation_split: null draws both sets from the training split.)"
    )


def _answer(call: Callable[[], Answer]) -> Answer:
    """What the Hub says to one short question, or Unreachable after ANSWER_SECONDS.

    In a thread of its own, as looking up a host name cannot be given a time limit.
    """
    answers: list[Answer] = []
    errors: list[Exception] = []
    deadline = time.monotonic() + ANSWER_SECONDS

    def ask() -> None:
        try:
            answers.append(_patiently(call, deadline))
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if answers:
        return answers[0]
    if not errors:
        raise Unreachable(NO_ANSWER)
    if _is_connection_trouble(errors[0]):
        raise Unreachable(_reason(errors[0])) from errors[0]
    raise errors[0]


def _patiently(call: Callable[[], Answer], deadline: float | None = None) -> Answer:
    """Call again, three times at most, where a server is busy or a connection breaks."""
    for wait in (1, 2, 4, None):
        try:
            return call()
        except Exception as error:
            late = deadline is not None and wait is not None and time.monotonic() + wait > deadline
            if wait is None or late or not _may_pass(error):
                raise
            time.sleep(wait)
    raise AssertionError("unreachable")


def _status(error: BaseException) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _may_pass(error: Exception) -> bool:
    """Whether trying again may help: busy, overloaded, or a connection that broke midway."""
    status = _status(error)
    if status is not None:
        return status in (408, 429, 500, 502, 503, 504)
    return type(error).__name__ in ("ReadError", "RemoteProtocolError", "ReadTimeout")


def _is_connection_trouble(error: Exception) -> bool:
    """Whether it is the connection or the server, not the question or this program, that failed."""
    if isinstance(error, LocalEntryNotFoundError):  # what made it look into the cache
        cause = error.__cause__
        return not isinstance(cause, Exception) or _is_connection_trouble(cause)
    return isinstance(error, NETWORK) and not _is_definite(error)


def _is_definite(error: Exception) -> bool:
    """Whether the Hub answered that there is no such thing, or not for this user."""
    return isinstance(error, NOT_THERE) or _status(error) == 401


def _reason(error: BaseException) -> str:
    status = _status(error)
    if status is not None:
        return f"it answered with HTTP status {status}"
    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        return _reason(error.__cause__)
    if type(error).__name__ in ("ConnectTimeout", "ReadTimeout"):
        return NO_ANSWER
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
    return re.sub(r"//[^/@\s]*@", "//", text)  # no name and password of an endpoint


def _not_there(kind: str, name: str, revision: str | None, error: Exception) -> UserError:
    if isinstance(error, GatedRepoError):
        return UserError(
            f"hub.{kind}: {name} is gated. Accept its conditions on its page and set HF_TOKEN."
        )
    if isinstance(error, RevisionNotFoundError):
        return UserError(
            f"hub.{kind}_revision: {name} has no revision {revision!r}. Write a commit, branch or "
            "tag that it has, such as main."
        )
    return UserError(
        f"hub.{kind}: the Hub has no {REPOSITORY[kind]} {name!r} that you may read. Check the "
        "spelling (owner/name); a private one needs a valid HF_TOKEN; a local path starts with ./"
    )


def _refuse_script(name: str, files: list[str]) -> None:
    script = f"{name.split('/')[-1]}.py"
    if script in files:
        raise UserError(
            f"hub.dataset: {name} is loaded by a script ({script}), which is never run. Take a "
            "revision that holds the rows themselves; the Hub's own Parquet copy is "
            "dataset_revision: refs/convert/parquet."
        )


def _licence(folder: Path) -> str | None:
    if not (folder / README).is_file():
        return None
    try:
        licence = RepoCard.load(folder / README, ignore_metadata_errors=True).data.get("license")
    except ValueError:  # a card without a readable header states no licence
        return None
    return ", ".join(licence) if isinstance(licence, list) else licence
