#!/usr/bin/env bash
# A Slurm of one controller and two nodes on this machine, and the tests in slurm.py on it.
#
# As root on Debian or Ubuntu. Its processes and its /etc/slurm are seen by these tests alone and
# end with them, whatever happens: they live in namespaces of their own. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${INSIDE:-}" != yes ]; then
  [ "$(id -u)" = 0 ] || { echo "tests/cluster/slurm.sh has to be run as root." >&2; exit 1; }
  if ! type slurmctld slurmd sbatch munged rsync > /dev/null 2>&1; then
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends slurmctld slurmd slurm-client munge rsync
  fi
  INSIDE=yes exec unshare --mount --pid --fork --mount-proc --kill-child tests/cluster/slurm.sh "$@"
fi

mount -t tmpfs tmpfs /etc/slurm
mount -t tmpfs tmpfs /run
install --directory --owner munge /run/munge
pytest -x -v tests/cluster/slurm.py "$@"
