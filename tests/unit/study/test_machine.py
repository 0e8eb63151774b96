import resource
from types import SimpleNamespace

import psutil
import pytest

from common.errors import UserError
from study import machine
from study.machine import MB, available_memory, core_rate


@pytest.fixture
def free(monkeypatch):
    """A machine with 8,000 MB free and no limits."""
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: SimpleNamespace(available=8000 * MB, total=16000 * MB)
    )
    monkeypatch.setattr(machine, "_left_in_groups", lambda: iter(()))
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: (unlimited, unlimited))


def group(root, folder, files):
    path = root / "sys/fs/cgroup" / folder
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_text(content)


def cgroup(root, *lines):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines))


def test_a_group_of_the_second_version_leaves_what_it_does_not_need(tmp_path):
    cgroup(tmp_path, "0::/user/job")
    stat = f"anon 5\ninactive_file {500 * MB}\n"
    group(
        tmp_path,
        "user/job",
        {"memory.max": "max", "memory.current": f"{900 * MB}", "memory.stat": stat},
    )
    files = {"memory.max": f"{4000 * MB}", "memory.current": f"{1500 * MB}", "memory.stat": stat}
    for name, content in files.items():
        (tmp_path / "sys/fs/cgroup/user" / name).write_text(content)
    assert list(machine._left_in_groups(tmp_path)) == [3000 * MB]


def test_a_group_of_the_first_version(tmp_path):
    cgroup(tmp_path, "5:devices:/", "4:memory:/job", "0::/")
    group(
        tmp_path,
        "memory/job",
        {
            "memory.limit_in_bytes": f"{2000 * MB}",
            "memory.usage_in_bytes": f"{700 * MB}",
            "memory.stat": f"total_rss 1\ntotal_inactive_file {200 * MB}\n",
        },
    )
    assert list(machine._left_in_groups(tmp_path)) == [1500 * MB]


def test_without_groups_nothing_is_limited(tmp_path):
    assert list(machine._left_in_groups(tmp_path)) == []


def test_the_least_of_all_limits_counts(free, monkeypatch):
    assert available_memory() == 8000
    monkeypatch.setattr(machine, "_left_in_groups", lambda: iter([6000 * MB, 7000 * MB]))
    assert available_memory() == 6000
    monkeypatch.setattr(resource, "getrlimit", lambda _: (9600 * MB, resource.RLIM_INFINITY))
    assert available_memory() == 5000
    monkeypatch.setattr(machine, "_left_in_groups", lambda: iter([-3 * MB]))
    assert available_memory() == 0


def test_memory_that_cannot_be_read_has_to_be_said(free, monkeypatch):
    def unreadable():
        raise FileNotFoundError("/proc/meminfo")

    monkeypatch.setattr(psutil, "virtual_memory", unreadable)
    with pytest.raises(UserError, match=r"meminfo.*--resources mem_mb=8000"):
        available_memory()


def test_the_rate_of_a_core_is_measured_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "_measure_core", lambda: 5e10)
    assert core_rate() == 5e10
    monkeypatch.setattr(machine, "_measure_core", lambda: 1e10)
    assert core_rate() == 5e10
    monkeypatch.setattr(machine, "_processor", lambda: "another")
    assert core_rate() == 1e10
    (kept,) = (tmp_path / "hyperparameter-tradeoffs").iterdir()
    kept.write_text("{")
    assert core_rate() == 1e10


def test_a_core_multiplies_matrices(monkeypatch):
    monkeypatch.setattr(machine, "MEASURED_SECONDS", 0.05)
    assert machine._measure_core() > 1e8
