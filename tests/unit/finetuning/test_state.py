import numpy as np
import pytest

from finetuning import state
from finetuning.state import State

ARRAYS = {"variable.0": np.arange(6, dtype=np.float32), "variable.1": np.array(3)}
RECORD = {"progress": {"epoch": 1, "order": {"state": 2**100}}, "seconds": 1 / 3}
MADE_WITH = {"seeds": {"order": 1}}


@pytest.fixture
def path(tmp_path):
    State(tmp_path / "states" / "state.safetensors", MADE_WITH, every=9).write(ARRAYS, RECORD)
    return tmp_path / "states" / "state.safetensors"


def read(path, made_with=MADE_WITH):
    lines = []
    return State(path, made_with, every=9).read(lines.append), lines


def test_a_state_is_read_as_it_was_written(path):
    (arrays, record), lines = read(path)
    assert record == RECORD
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert not lines


def test_no_state_is_nothing_to_speak_of(tmp_path):
    assert read(tmp_path / "none") == (None, [])


def test_a_state_of_another_format_is_not_used(path, monkeypatch):
    monkeypatch.setattr(state, "FORMAT", state.FORMAT + 1)
    found, (line,) = read(path)
    assert found is None and "format: 1 then, 2 now" in line


@pytest.mark.parametrize("position", [0, 5, 40, 200, -20, -1])
def test_a_changed_byte_is_noticed(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    found, (line,) = read(path)
    assert found is None
    assert str(path) in line and "Training starts from the baseline" in line


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_cut_state_is_noticed(path, length):
    path.write_bytes(path.read_bytes()[:length])
    found, (line,) = read(path)
    assert found is None and "is damaged" in line


@pytest.mark.parametrize("made_with", [{"seeds": {"order": 2}}, MADE_WITH | {"format": 0}])
def test_a_foreign_or_older_state_is_not_used(path, made_with):
    found, (line,) = read(path, made_with)
    assert found is None and "was made with other settings" in line


def test_it_is_due_after_its_interval(tmp_path):
    assert State(tmp_path / "state", {}, every=0).is_due()
    assert not State(tmp_path / "state", {}, every=60).is_due()


def test_a_discarded_state_is_gone(path):
    state = State(path, MADE_WITH, every=9)
    state.discard()
    state.discard()
    assert not path.exists()


def test_it_is_due_as_soon_as_its_interval_is_over_and_again_after_it_was_written(
    tmp_path, monkeypatch
):
    now = [100.0]
    monkeypatch.setattr(state.time, "monotonic", lambda: now[0])
    kept = State(tmp_path / "state", {}, every=9)
    for seconds, due in ((100, False), (108.9, False), (109, True), (200, True)):
        now[0] = seconds
        assert kept.is_due() == due
    kept.write({}, {})
    for seconds, due in ((208.9, False), (209, True)):
        now[0] = seconds
        assert kept.is_due() == due
