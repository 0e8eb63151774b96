"""docs/licences.md lists the licence of everything that is downloaded."""

import re
from pathlib import Path

from finetuning.augmentation.wordnet import PACKAGE
from finetuning.sources.embedded import ENCODER, SENTENCES

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "licences.md").read_text(encoding="utf-8")


def test_every_locked_package_is_listed_once_with_a_licence():
    locks = [path.read_text(encoding="utf-8") for path in PROJECT.glob("requirements*.lock")]
    locked = {name for lock in locks for name in re.findall(r"^(\S+)==", lock, re.MULTILINE)}
    listed = re.findall(r"^\| (\S+) \| .+ \|$", PAGE.partition("## Dependencies")[2], re.MULTILINE)
    listed = [name for name in listed if name not in ("package", "---")]
    assert len(locked) > 100
    assert sorted(listed) == sorted(locked), "make licences writes the list"


def test_the_files_used_as_data_are_the_listed_ones():
    for wheel in (ENCODER, SENTENCES, PACKAGE):
        assert f"{wheel.project} {wheel.version}" in PAGE
