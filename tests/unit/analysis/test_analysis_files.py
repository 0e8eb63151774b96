"""A file that could not be finished leaves the earlier one and nothing beside it."""

import pytest

from common import files


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    with files.replacing(path) as unfinished:
        unfinished.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(ZeroDivisionError), files.replacing(path) as unfinished:
        unfinished.write_text("tw")
        raise ZeroDivisionError
    assert path.read_text() == "one"
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]
