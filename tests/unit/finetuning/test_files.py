import numpy as np

from finetuning.files import read_arrays, write_arrays


def test_arrays_have_the_same_bytes_whenever_they_are_written(tmp_path):
    arrays = {"tokens": np.arange(5), "labels": np.zeros(2)}
    written = set()
    for number in range(20):
        path = tmp_path / f"{number}.safetensors"
        write_arrays(path, arrays, {"seed": 1, "data": {"examples": 2}})
        written.add(path.read_bytes())
    assert len(written) == 1
    assert read_arrays(path, {"data": {"examples": 2}, "seed": 1}).keys() == arrays.keys()
