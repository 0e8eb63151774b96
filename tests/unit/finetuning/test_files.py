"""Files that carry a digest: every byte that is cut off or changed is noticed."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from common.files import replacing
from finetuning.files import (
    read_arrays,
    read_json,
    read_table,
    replace_atomically,
    write_arrays,
    write_json,
    write_table,
)

ARRAYS = {"x": np.arange(3), "none": np.zeros((0, 2), np.float32), "y": np.array(3.0)}
TABLE = pd.DataFrame({"text": ['a "b"', "c\nd", ""], "label": [1, 0, 1]})
MADE_WITH = {"seed": 1, "lengths": [16, 40]}


def test_json_comes_back_and_every_change_is_noticed(tmp_path):
    path = tmp_path / "record.json"
    record = {"rate": 1.1e-5, "name": "é", "nested": {"digest": None}, "list": [1, []]}
    write_json(path, record)
    assert read_json(path) == record
    for spoilt in spoilt_contents(path):
        path.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"record\.json is damaged"):
            read_json(path)


def test_arrays_come_back_and_every_change_is_noticed(tmp_path):
    path = tmp_path / "arrays.safetensors"
    write_arrays(path, ARRAYS, MADE_WITH)
    found = read_arrays(path, MADE_WITH)
    assert {*found} == {*ARRAYS}
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
    for spoilt in spoilt_contents(path):
        path.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"arrays\.safetensors is damaged"):
            read_arrays(path)


def test_a_table_comes_back_and_no_change_of_it_is_taken_for_it(tmp_path):
    path = tmp_path / "table.parquet"
    write_table(path, TABLE, MADE_WITH)
    pd.testing.assert_frame_equal(read_table(path, MADE_WITH), TABLE)
    noticed = 0
    for spoilt in [*spoilt_contents(path)][::7]:
        path.write_bytes(spoilt)
        try:
            pd.testing.assert_frame_equal(read_table(path, MADE_WITH), TABLE)
        except UserError as error:  # parquet also has bytes that mean nothing
            assert "table.parquet is damaged" in str(error)
            noticed += 1
    assert noticed > 100


def test_what_was_made_with_something_else_is_refused(tmp_path):
    write_arrays(tmp_path / "arrays", ARRAYS, MADE_WITH)
    with pytest.raises(UserError, match=r"arrays was made with .*\(seed: 1 then, 2 now\)"):
        read_arrays(tmp_path / "arrays", MADE_WITH | {"seed": 2})
    write_table(tmp_path / "table", TABLE, MADE_WITH)
    with pytest.raises(UserError, match=r"table was made with .*\(seed: 1 then, 2 now\)"):
        read_table(tmp_path / "table", MADE_WITH | {"seed": 2})


def test_all_files_may_be_read_by_the_same_people(tmp_path):
    write_arrays(tmp_path / "arrays", ARRAYS, MADE_WITH)
    write_table(tmp_path / "table", TABLE, MADE_WITH)
    replace_atomically(tmp_path / "text", "text")
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1


def test_what_does_not_say_what_it_was_made_with_is_refused(tmp_path):
    write_arrays(tmp_path / "arrays", ARRAYS, {})
    with pytest.raises(UserError, match=r"made with other settings \(seed: None then, 1 now\)"):
        read_arrays(tmp_path / "arrays", {"seed": 1})
    assert set(read_arrays(tmp_path / "arrays", {})) == set(ARRAYS)


def test_an_open_file_keeps_what_it_was_opened_with(tmp_path):
    path = tmp_path / "file"
    replace_atomically(path, "old")
    with path.open() as file:
        replace_atomically(path, "much newer")
        assert file.read() == "old"
    assert path.read_text() == "much newer"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "folder" / "file"
    replace_atomically(path, "old")
    with pytest.raises(KeyError), replacing(path) as unfinished:
        unfinished.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_other_processes_write_the_same_bytes(tmp_path):
    program = f"""
import sys; sys.path[:0] = {sys.path!r}
from pathlib import Path
import numpy as np
from finetuning.files import write_arrays
write_arrays(Path(sys.argv[1]), {{"b": np.ones(2), "a": np.zeros(3)}}, {MADE_WITH!r})
"""
    contents = set()
    for number in range(4):
        path = tmp_path / f"{number}.safetensors"
        subprocess.run([sys.executable, "-c", program, str(path)], check=True)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def spoilt_contents(path):
    """The file's content, emptied, cut off anywhere, and with a bit changed anywhere."""
    content = path.read_bytes()
    for place in range(len(content)):
        yield content[:place]
        yield content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
