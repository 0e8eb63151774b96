"""Files that carry a digest: every byte that is cut off or changed is noticed."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import UserError
from common.files import replacing
from finetuning.files import (
    check_made_with,
    read_arrays,
    read_digests,
    read_json,
    read_table,
    replace_atomically,
    sha256,
    write_arrays,
    write_digests,
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


def test_the_bytes_of_a_record_are_what_they_were(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"name": "é", "list": [1]})
    text = '{\n "name": "é",\n "list": [\n  1\n ]'
    digest = hashlib.sha256((text + "\n}\n").encode()).hexdigest()
    assert path.read_text("utf-8") == f'{text},\n "digest": "{digest}"\n}}\n'


def test_arrays_have_the_same_bytes_in_whatever_order_they_are_told(tmp_path):
    for name, made_with in (("one", {"a": 1, "b": 2}), ("other", {"b": 2, "a": 1})):
        arrays = {key: ARRAYS[key] for key in (ARRAYS if name == "one" else reversed(ARRAYS))}
        write_arrays(tmp_path / name, arrays, made_with)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synchronised = tmp_path / "new" / "folder" / "file", []
    monkeypatch.setattr(os, "fsync", lambda number: synchronised.append(path.exists()))
    replace_atomically(path, "text")
    assert synchronised == [False] and path.read_text() == "text"


def test_a_folder_is_sealed_without_hidden_files(tmp_path):
    for name in ("b.txt", "a.txt", ".snakemake_timestamp", "digests.json"):
        (tmp_path / name).write_text(name)
    write_digests(tmp_path, MADE_WITH)
    found = read_digests(tmp_path, MADE_WITH)
    assert list(found) == ["a.txt", "b.txt"] and found["a.txt"] == sha256(tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"made with other settings \(seed: 1 then, 2 now\)"):
        read_digests(tmp_path, MADE_WITH | {"seed": 2})
    (tmp_path / "b.txt").write_text("changed")
    with pytest.raises(UserError, match=r"is damaged: b\.txt is not what was written"):
        read_digests(tmp_path)
    (tmp_path / "b.txt").unlink()
    with pytest.raises(UserError, match=r"is damaged: b\.txt is missing"):
        read_digests(tmp_path)
    (tmp_path / "digests.json").write_text("{}")
    with pytest.raises(UserError, match=r"is damaged: digests\.json is not what was written"):
        read_digests(tmp_path)
    (tmp_path / "digests.json").unlink()
    with pytest.raises(UserError, match=r"is damaged: digests\.json is missing"):
        read_digests(tmp_path)


@pytest.mark.parametrize(
    ("recorded", "wanted", "told"),
    [
        ({"data": {"x": {"y": 1}}}, {"data": {"x": {"y": 2}}}, "data.x.y: 1 then, 2 now"),
        ({"data": {"x": 1, "y": 1}}, {"data": {"x": 1, "y": 2}}, "data.y: 1 then, 2 now"),
        ({"data": {"x": 1, "y": 1}}, {"data": {"x": 1}}, "data: {'x': 1, 'y': 1} then, {'x': 1}"),
        ({}, {"data": {"x": 1}}, "data: None then, {'x': 1} now"),
        ({"data": {"x": 1}}, {"data": 3}, "data: {'x': 1} then, 3 now"),
    ],
)
def test_the_first_difference_is_told_as_deep_as_it_goes(recorded, wanted, told):
    with pytest.raises(UserError) as error:
        check_made_with(Path("file"), recorded, wanted)
    assert f"file was made with other settings ({told}" in str(error.value)
    check_made_with(Path("file"), recorded | wanted, wanted)
