from finetuning.files import write_json
from study.progress import describe


def write(cell, started, finished, process=1):
    cell.mkdir()
    timing = {"started": started, "finished": finished, "process": process}
    write_json(cell / "timing.json", timing)


def test_time_left_follows_what_was_done_side_by_side(tmp_path):
    cells = [tmp_path / str(number) for number in range(10)]
    assert describe(cells) == "0 of 10 cells done"
    # two runs side by side for 100 seconds, each of two cells; then a pause nobody trained in
    write(cells[0], 0.0, 50.0, process=1)
    write(cells[1], 0.0, 100.0, process=1)
    write(cells[2], 0.0, 60.0, process=2)
    write(cells[3], 0.0, 100.0, process=2)
    assert describe(cells) == "4 of 10 cells done, about 2 minutes left"
    write(cells[4], 1000.0, 1025.0, process=3)
    assert describe(cells) == "5 of 10 cells done, about 2 minutes left"
    write(cells[5], 1000.0, 1025.0, process=4)
    assert describe(cells) == "6 of 10 cells done, about 83 seconds left"
    (cells[5] / "timing.json").write_bytes(b"")
    assert describe(cells) == "6 of 10 cells done, about 2 minutes left"
