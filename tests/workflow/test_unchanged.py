"""The command that compares what two versions of the code make of the example."""

import shutil

from tests import unchanged


def test_a_changed_byte_and_a_missing_file_are_found(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "analysis").mkdir(parents=True)
    for name in ("same.csv", "changed.csv"):
        (one / "analysis" / name).write_bytes(b"metric\naccuracy\n")
    shutil.copytree(one, other)
    assert unchanged.differing(one, other) == []
    (other / "analysis" / "changed.csv").write_bytes(b"metric\naccuracz\n")
    (other / "report.pdf").write_bytes(b"%PDF")
    assert unchanged.differing(one, other) == ["analysis/changed.csv", "report.pdf"]


def test_cells_with_other_predictions_are_found(tmp_path):
    example = unchanged.ROOT / unchanged.EXAMPLE
    study = shutil.copytree(example / "baseline", tmp_path / "baseline").parent
    other = shutil.copytree(tmp_path, tmp_path.with_name("other"))
    assert unchanged.differing_cells(study, other) == []
    path = study / "baseline" / "replicate=1" / "predictions.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert unchanged.differing_cells(study, other) == ["baseline/replicate=1"]


def test_the_last_commit_makes_the_same_as_itself(tmp_path):
    with unchanged.checked_out("HEAD") as code:
        for name in ("one", "two"):
            unchanged.build(code, tmp_path / name)
    assert (tmp_path / "one" / "report.pdf").exists()
    assert unchanged.differing(tmp_path / "one", tmp_path / "two") == []
