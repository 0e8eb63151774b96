"""A whole study on a real Slurm: the files of a local run, though a node is lost in the middle.

Run by slurm.sh, which gives these tests an /etc/slurm and process numbers of their own.
"""

import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.tiny import whole_config, write_tiny_distilbert, write_tiny_sentences

PROJECT = Path(__file__).parents[2]
PROFILE = PROJECT / "workflow" / "profiles" / "slurm"
# This Slurm has no accounting; and it answers at once, so Snakemake may ask often.
NO_ACCOUNTING = ["--slurm-status-command", "squeue", "--slurm-no-account"]
QUICK = ["--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "10"]

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
StateSaveLocation={folder}/controller
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdSpoolDir={folder}/spool-%n
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdTimeout=10
GresTypes=gpu
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17001 CPUs=1 RealMemory=8000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17002 CPUs=1 RealMemory=8000 Gres=gpu:1
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def wait_for(condition: Callable[[], object], what: str, seconds: float = 300) -> object:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.5)
    return found


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Cluster:
    """A controller, and nodes that live each in process numbers of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "controller").mkdir()
        Path("/etc/slurm/slurm.conf").write_text(CONFIGURATION.format(folder=folder))
        # A file that stands for a GPU: Slurm counts it, nothing opens it.
        Path("/etc/slurm/gres.conf").write_text("NodeName=n2 Name=gpu File=/dev/null\n")
        self.nodes = {}
        self.log = (folder / "daemons.log").open("w")
        munge = pwd.getpwnam("munge").pw_uid
        self.munge = self._start("munged", "--foreground", user=munge)
        wait_for(Path("/run/munge/munge.socket.2").exists, "munged", 20)
        self.controller = self._start("slurmctld", "-D")
        for node in ("n1", "n2"):
            self.start_node(node)

    def _start(self, *command: str, user: int = 0) -> subprocess.Popen:
        return subprocess.Popen(command, user=user, stdout=self.log, stderr=self.log)

    def start_node(self, name: str) -> None:
        alone = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        self.nodes[name] = self._start(*alone, "slurmd", "-D", "-N", name)
        wait_for(lambda: self.state(name) == "idle", f"node {name} to be idle", 60)

    def lose_node(self, name: str) -> None:
        """Its daemon and all that runs on it end at once, without a word to the controller."""
        self.nodes[name].kill()
        self.nodes[name].wait()

    def state(self, node: str) -> str:
        return output_of("sinfo", "--noheader", "--nodes", node, "--format", "%t").strip()

    def jobs(self, *options: str) -> dict[str, str]:
        """Number and rule of Slurm's jobs."""
        lines = output_of("squeue", "--noheader", "--format", "%i %k", *options).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def field(self, job: str, name: str) -> str | None:
        fields = output_of("scontrol", "show", "job", job).split()
        return dict(field.partition("=")[::2] for field in fields).get(name)

    def stop(self) -> None:
        for daemon in (*self.nodes.values(), self.controller, self.munge):
            daemon.kill()
            daemon.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("slurm"))
    yield running
    running.stop()


def start_snakemake(study: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
    with (study / "snakemake.log").open("a") as log:
        return subprocess.Popen(
            [*command, "--configfile", "config.yaml", *arguments],
            cwd=study,
            stdout=log,
            stderr=log,
        )


def start_on_slurm(study: Path, *arguments: str) -> subprocess.Popen:
    return start_snakemake(study, "--profile", str(PROFILE), *NO_ACCOUNTING, *QUICK, *arguments)


def finish(study: Path, running: subprocess.Popen) -> None:
    assert running.wait() == 0, (study / "snakemake.log").read_text()[-5000:]


def results(study: Path) -> dict[str, bytes]:
    """All files that Snakemake made for us, but logs, and how long things took."""
    folder = study / "results" / "tiny"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.relative_to(folder).parts[0] != "logs"
        and path.name not in ("timing.json", ".snakemake_timestamp", ".lock")
    }


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    """The study after snakemake --cores 2."""
    study = tmp_path_factory.mktemp("local")
    write_tiny_distilbert(study / "checkpoint")
    write_tiny_sentences(study / "sentences.csv", films=24)
    (study / "config.yaml").write_text(yaml.safe_dump(whole_config(), sort_keys=False))
    finish(study, start_snakemake(study, "--cores", "2"))
    return study


def test_the_study_is_that_of_a_local_run_though_a_node_is_lost(cluster, local, tmp_path):
    study = tmp_path
    shutil.copytree(local / "checkpoint", study / "checkpoint")
    for file in ("sentences.csv", "config.yaml"):
        shutil.copy(local / file, study)

    running = start_on_slurm(study, "grid")
    on_lost_node = ["--states", "running", "--nodelist", "n2"]

    def training_on_n2() -> str | None:
        """A job of n2 that has written a cell and has not written all of its own."""
        assert running.poll() is None, (study / "snakemake.log").read_text()[-5000:]
        for job, rule in cluster.jobs(*on_lost_node).items():
            if "finetune_trajectory" in rule and int(cluster.field(job, "RunTime")[-2:]) >= 10:
                return job
        return None

    job = wait_for(training_on_n2, "a training job on n2")
    asked = {name: cluster.field(job, name) for name in ("NumCPUs", "MinMemoryNode", "TimeLimit")}
    cluster.lose_node("n2")
    wait_for(lambda: cluster.field(job, "Restarts") == "1", "the lost job to be started again")
    cluster.start_node("n2")
    finish(study, running)

    training = yaml.safe_load((study / "config.yaml").read_text())["training"]
    hours, minutes = divmod(training["runtime_minutes"], 60)
    assert asked == {
        "NumCPUs": str(training["threads"]),
        "MinMemoryNode": f"{training['memory_mb']}M",
        "TimeLimit": f"{hours:02}:{minutes:02}:00",
    }

    # How long training took goes into the tables: with the same durations, all has the same bytes.
    for timing in (local / "results").rglob("timing.json"):
        shutil.copy(timing, study / timing.relative_to(local))
    finish(study, start_on_slurm(study))
    expected, made = results(local), results(study)
    assert made.keys() == expected.keys()
    assert [name for name in made if made[name] != expected[name]] == []
    assert "report.pdf" in made and sum(name.endswith("metrics.json") for name in made) == 26


def test_a_job_that_asks_for_a_gpu_is_placed_where_one_is(cluster, local, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(local, study)
    for cell in (study / "results" / "tiny" / "cells").glob("*/batch_size=4/*/replicate=0"):
        shutil.rmtree(cell)
    before = cluster.jobs("--states", "all")
    finish(study, start_on_slurm(study, "grid", "--set-resources", "finetune_trajectory:gpu=1"))
    jobs = cluster.jobs("--states", "all").keys() - before.keys()
    assert len(jobs) == 2
    for job in jobs:
        assert cluster.field(job, "TresPerJob") == "gres:gpu:1"
        assert cluster.field(job, "NodeList") == "n2"


def test_jobs_that_share_no_files_fetch_them_from_a_storage(cluster, local, tmp_path):
    """What Kubernetes needs, tried here: every job copies its files from and to a storage."""
    study, volume = tmp_path / "study", tmp_path / "volume"
    shutil.copytree(local, study, ignore=shutil.ignore_patterns("results", ".snakemake"))
    volume.mkdir()
    config = yaml.safe_load((study / "config.yaml").read_text()) | {"replicates": 1}
    (study / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    storage = ["--default-storage-provider", "fs", "--default-storage-prefix", str(volume)]
    storage += ["--remote-job-local-storage-prefix", f"{tmp_path}/job-$SLURM_JOB_ID"]
    still_shared = ["persistence", "sources", "source-cache", "software-deployment"]
    finish(study, start_on_slurm(study, *storage, "--shared-fs-usage", *still_shared))
    expected, made = results(local), results(volume)
    cells = {name for name in expected if name.startswith("cells") and "replicate=0" in name}
    assert len(cells) == 36 and all(made[name] == expected[name] for name in cells)
    assert "report.pdf" in made
