"""The Debian package, on a copy of this machine: installed, run as its unit says, rotated, purged."""

import configparser
import json
import os
import shlex
import shutil
import subprocess
import threading

import pytest

from throwaway import ThrowawayMachine, needs_root
from weir_process import PATIENCE, ROOT, binary

UNIT = ROOT / "packaging" / "weir.service"


class Unit(configparser.RawConfigParser):
    """What systemd would read."""

    def __init__(self):
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), interpolation=None)
        self.optionxform = str
        self.read(UNIT)

    def command(self, key):
        return shlex.split(self["Service"][key])

    def environment(self):
        return [f"RUNTIME_DIRECTORY=/run/{self['Service']['RuntimeDirectory']}"]

    def as_the_service(self):
        """The user, groups and capabilities of the unit, for a command behind it."""
        service = self["Service"]
        rights = service["AmbientCapabilities"].lower().replace("cap_", "+")
        assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"]
        return ["setpriv", "--reuid", service["User"], "--regid", service["Group"], "--init-groups",
                "--bounding-set", "-all," + rights, "--inh-caps", "-all," + rights, "--ambient-caps", "-all," + rights,
                "--no-new-privs", "--"]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    needs_root()
    out = tmp_path_factory.mktemp("package")
    done = subprocess.run([ROOT / "scripts" / "package"], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, "WEIR_BIN": str(binary()), "WEIR_PACKAGE_DIR": str(out),
                               "DEB_COMPRESSION": "none"})
    assert done.returncode == 0, done.stderr
    return out / os.path.basename(done.stdout.strip())


@pytest.fixture
def machine(folder):
    with ThrowawayMachine(folder) as it:
        it.run("dpkg", "--purge", "weir", check=False)  # that of this machine, if it has one
        yield it


class Service:
    """The unit's process, started without systemd."""

    def __init__(self, machine):
        unit = Unit()
        self._machine = machine
        machine.run("install", "-d", "-o", "weir", "-g", "weir", "/run/weir")
        self.process = subprocess.Popen(
            [*machine.wrapper, "env", *unit.environment(), *unit.as_the_service(), *unit.command("ExecStart")],
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            if '"code":"ready"' in line:
                break
        else:
            raise AssertionError("".join(self.log))
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self._reader.start()

    def end(self):
        assert self._machine.run("weir", "drain").returncode == 0
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        return status


def install(machine, package):
    machine.put(package, "/tmp/weir.deb")
    return machine.run("dpkg", "--install", "--force-confnew", "/tmp/weir.deb")


def wait_lines(machine, name, count):
    machine.run("sh", "-c", f"until [ $(wc -l </var/log/weir/{name}) -ge {count} ]; do :; done")


def account(machine):
    return machine.run("getent", "passwd", "weir", check=False).stdout


def test_a_package_is_installed_serves_is_rotated_and_leaves_nothing(package, machine):
    before, nobody = machine.files(), account(machine)
    install(machine, package)
    for place, owner in {"/etc/weir/weir.yaml": "root:root 644", "/var/lib/weir": "weir:weir 750",
                         "/var/cache/weir": "weir:weir 750", "/var/log/weir": "weir:weir 750",
                         "/usr/bin/weir": "root:root 755"}.items():
        assert machine.run("stat", "-c", "%U:%G %a", place).stdout.strip() == owner, place
    assert "/usr/sbin/nologin" in account(machine)
    assert machine.run("dpkg", "--verify", "weir").stdout == ""
    assert machine.run("weir", "check", "/etc/weir/weir.yaml").stdout.startswith("/etc/weir/weir.yaml: ok")

    service = Service(machine)
    page = machine.run("curl", "-sS", "http://127.0.0.1:8080/").stdout
    assert "Weir is running" in page
    assert machine.run("curl", "-sS", "http://127.0.0.1:9901/readyz").stdout
    # The root of the machine speaks to it; its reload works as the unit has it, and as the unit's user.
    assert "process" in machine.run("weir", "status").stdout
    unit = Unit()
    machine.run("env", *unit.environment(), *unit.as_the_service(), *unit.command("ExecReload"))
    # Ports of the system are the service's too.
    machine.run("weir", "config", "set", "/listeners/0/address", "127.0.0.1:80")
    assert machine.run("curl", "-sS", "http://127.0.0.1/").stdout == page
    assert machine.run("ls", "/var/lib/weir/versions").stdout

    wait_lines(machine, "access.log", 3)
    rotated = machine.run("logrotate", "--force", "--state", "/tmp/state", "/etc/logrotate.d/weir")
    assert "error" not in rotated.stderr, rotated.stderr
    machine.run("curl", "-sS", "http://127.0.0.1/after")
    wait_lines(machine, "access.log", 1)

    def paths(name):
        lines = machine.run("cat", f"/var/log/weir/{name}").stdout.splitlines()
        return [json.loads(line)["path"] for line in lines]

    assert sorted(paths("access.log.1")) == ["/", "/", "/readyz"] and paths("access.log") == ["/after"]
    assert service.end() == 0, "".join(service.log)

    machine.run("dpkg", "--remove", "weir")
    assert machine.run("cat", "/etc/weir/weir.yaml").stdout  # conffiles and data stay
    assert account(machine)
    machine.run("dpkg", "--purge", "weir")
    assert account(machine) == nobody
    left = machine.files() - before
    assert not {path for path in left if "weir" in path}, left


def test_an_upgrade_keeps_what_the_administrator_wrote(package, machine):
    install(machine, package)
    machine.run("sh", "-c", "echo '# mine' >>/etc/weir/weir.yaml; touch /var/lib/weir/kept")
    machine.run("dpkg", "--install", "--force-confold", "/tmp/weir.deb")
    assert "# mine" in machine.run("cat", "/etc/weir/weir.yaml").stdout
    machine.run("ls", "/var/lib/weir/kept")
    assert machine.run("stat", "-c", "%U", "/var/lib/weir").stdout == "weir\n"


def test_the_package_needs_what_the_program_was_linked_with(package):
    control = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True,
                             timeout=PATIENCE, check=True).stdout
    for name in ("libc6 (>=", "libssl3 (>=", "adduser"):
        assert name in control


def test_systemd_takes_the_unit(package, machine):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not there")
    install(machine, package)
    verified = machine.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/weir.service", check=False)
    assert "weir.service" not in verified.stderr, verified.stderr
    # Of ten points of exposure; an ordinary service has 9.6.
    machine.run("systemd-analyze", "security", "--offline=yes", "--threshold=30", "/lib/systemd/system/weir.service")
