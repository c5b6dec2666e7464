"""A copy of this machine that is thrown away: its own files (an overlay in memory), network and processes.

What is installed there is not on this machine, whatever this machine has installed itself. Needs root.
"""

import os
import shutil
import subprocess

import pytest

from weir_process import PATIENCE

# PID 1 of the copy. It waits until its standard input ends.
_BEGIN = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
read -r outside rest </proc/self/stat
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
ip link set lo up
echo "$outside"
cat >/dev/null
"""


class ThrowawayMachine:
    """`with ThrowawayMachine(folder) as machine:`; `folder` is an empty directory."""

    def __init__(self, folder):
        self._root = folder / "root"
        self._keeper = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
             "sh", "-c", _BEGIN, "sh", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._first = self._keeper.stdout.readline().strip()
        if not self._first:
            reason = self._keeper.stderr.read().strip()
            self._end()
            pytest.skip(f"this machine cannot be copied: {reason}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def _end(self):
        self._keeper.stdin.close()
        self._keeper.wait(PATIENCE)
        self._keeper.stdout.close()
        self._keeper.stderr.close()

    @property
    def wrapper(self):
        """Put before a command, it runs there."""
        return ["nsenter", "-t", self._first, "-m", "-n", "-p", "-i", "-u", "--", "chroot", str(self._root)]

    def run(self, *command, check=True, **options):
        done = subprocess.run([*self.wrapper, *map(str, command)], capture_output=True, text=True,
                              timeout=PATIENCE, cwd="/", stdin=subprocess.DEVNULL, **options)
        if check:
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def put(self, source, place):
        """Copies a file of this machine there."""
        self.run_with_input(source.read_bytes(), "sh", "-c", f"cat >{place}")

    def run_with_input(self, data, *command):
        subprocess.run([*self.wrapper, *command], input=data, check=True, timeout=PATIENCE, cwd="/",
                       capture_output=True)

    def files(self):
        """Every path outside of what is made anew at each start."""
        listing = self.run("find", "/", "-xdev", "-path", "/tmp", "-prune", "-o", "-path", "/run", "-prune",
                           "-o", "-path", "/var/lib/dpkg/info", "-prune", "-o", "-print").stdout
        return set(listing.splitlines())


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("only root may install packages")
    for tool in ("unshare", "nsenter", "dpkg-deb", "dpkg-shlibdeps", "adduser", "logrotate"):
        if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None:
            pytest.skip(f"{tool} is not there")
