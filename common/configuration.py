"""The strict reading of a YAML configuration."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from common.errors import UserError
from common.messages import one_line, shown

OTHER_NUMBER = re.compile(r"[-+]?(0[\d_]+|.*:.*)")  # 010 is 8, and 1:30 is 90
CONFIG_BYTES = 1_000_000
CONFIG_VALUES = 100_000


def read_config(path: Path) -> dict[str, Any]:
    """The mapping that a config file holds.

    Raises UserError for a file that cannot be read, is not YAML or no mapping, and for what YAML
    would pass over: a key given twice, keys that are no text, control characters, references that
    unfold without end.
    """
    try:
        with path.open("rb") as file:
            content = file.read(CONFIG_BYTES + 1)
        if len(content) > CONFIG_BYTES:
            raise UserError(f"{path}: larger than a megabyte, so it is no config.")
        text = content.decode("utf-8-sig")
        documents = [*yaml.compose_all(text, yaml.SafeLoader)]
        if len(documents) > 1:
            place = f"{path}, line {documents[1].start_mark.line + 1}"
            raise UserError(f"{place}: a second document (after ---), but a config is one.")
        for document in documents:
            _refuse_ambiguous(document, path)
        config = yaml.safe_load(text)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: not UTF-8 text.") from None
    except RecursionError:
        raise UserError(f"{path}: lists or mappings are nested too deeply.") from None
    except UserError:
        raise
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date of month 13
        raise UserError(f"{path}: not YAML ({one_line(error)}).") from None
    if config is None:
        raise UserError(f"{path}: empty; a mapping of keys to values is needed.")
    if not isinstance(config, dict):
        raise UserError(f"{path}: not a mapping of keys to values.")
    return config


def _refuse_ambiguous(root: yaml.Node, path: Path) -> None:
    sizes: dict[int, int] = {}  # values that a node unfolds to; 0 while its parts are counted

    def size(node: yaml.Node) -> int:
        line = f"{path}, line {node.start_mark.line + 1}"
        if id(node) in sizes:
            if not sizes[id(node)]:
                raise UserError(f"{line}: it refers to itself.")
            return sizes[id(node)]
        sizes[id(node)] = 0
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.ScalarNode):
            text = node.value.replace("\n", "").replace("\t", "")
            if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
                raise UserError(f"{line}: {shown(node.value)} holds control characters.")
            number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
            if number and OTHER_NUMBER.fullmatch(node.value):
                raise UserError(
                    f"{line}: YAML takes {node.value} for another number; write it with neither a "
                    "colon nor leading zeros, or in quotes."
                )
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        else:
            seen = set()
            for key, value in node.value:
                line = f"{path}, line {key.start_mark.line + 1}"
                if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                    raise UserError(f"{line}: a key has to be text; write it in quotes.")
                if key.value in seen:
                    raise UserError(f"{line}: {shown(key.value)} is there twice.")
                seen.add(key.value)
                parts += [key, value]
        sizes[id(node)] = 1 + sum(size(part) for part in parts)
        if sizes[id(node)] > CONFIG_VALUES:
            raise UserError(f"{line}: it unfolds to more than {CONFIG_VALUES} values.")
        return sizes[id(node)]

    size(root)
