"""scripts/setup on a machine that has next to nothing, played by programs in its PATH."""

import os
import pathlib
import subprocess

SETUP = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "setup"

# Like the real one, it fails when it has never heard of one of the names.
DPKG_QUERY = """#!/bin/sh
failed=0
for name in "$@"; do
  case "$name" in
    -*) ;;
    '${db'*) ;;
    cmake|git) echo "installed $name" ;;
    *) [ "$KNOWS_ALL" ] && echo "installed $name" || failed=1 ;;
  esac
done
exit $failed
"""
APT_CACHE = "#!/bin/sh\necho \"$2:\"\necho '  Candidate: 1.0'\n"


def run_setup(directory, *groups, **environment):
    programs = {
        "dpkg-query": DPKG_QUERY,
        "apt-cache": APT_CACHE,
        "id": "#!/bin/sh\necho 1000\n",
        "sudo": f'#!/bin/sh\necho "$@" >> {directory}/as_root\n',
    }
    for name, text in programs.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    path = f"{directory}:{os.environ['PATH']}"
    done = subprocess.run([SETUP, *groups], env={**os.environ, "PATH": path, **environment},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    log = directory / "as_root"
    return log.read_text().splitlines() if log.exists() else []


def test_a_machine_with_almost_nothing_gets_every_package_that_it_lacks(tmp_path):
    commands = run_setup(tmp_path, "build")
    installs = [line for line in commands if " install " in line]
    assert len(installs) == 1
    names = installs[0].split(" install ")[1].split()
    assert {"clang-19", "mold", "libssl-dev", "libnghttp2-dev"} <= set(names)
    assert not {"cmake", "git"} & set(names)  # those are there


def test_a_machine_that_has_all_is_left_alone(tmp_path):
    assert run_setup(tmp_path, KNOWS_ALL="1") == []
