#!/usr/bin/env bash
# A Slurm of one controller and two nodes on this machine, and the tests in slurm.py on it.
#
# As root on Debian or Ubuntu. Its processes and its /etc/slurm are seen by these tests alone and
# end with them, whatever happens: they live in namespaces of their own.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" = 0 ] || { echo "tests/cluster/slurm.sh has to be run as root." >&2; exit 1; }
  if ! command -v slurmctld slurmd sbatch munged > /dev/null; then
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends slurmctld slurmd slurm-client munge
  fi
  exec unshare --mount --pid --fork --mount-proc --kill-child "$0" --inside
fi

mkdir -p /etc/slurm
mount -t tmpfs tmpfs /etc/slurm
mkdir -p /run/munge
mount -t tmpfs -o "uid=$(id -u munge),mode=755" tmpfs /run/munge
pytest -x -v tests/cluster/slurm.py
