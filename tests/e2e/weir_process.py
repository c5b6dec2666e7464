"""A Weir under test: a real process, on ports that the kernel chose."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60  # seconds until a wait is given up: a guard against hanging, never an expectation


def binary():
    """The program under test: WEIR_BIN, or the release build of this tree."""
    return Path(os.environ.get("WEIR_BIN", ROOT / "build" / "release" / "weir"))


def is_sanitized():
    """Whether memory figures of the program mean nothing."""
    return "checked" in binary().parts


def scratch_dir():
    """A directory in memory where there is one: bodies of a gigabyte go there."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="weir-e2e-", dir=base))


class WeirProcess:
    """Starts with the text of a configuration, whose listeners have names and port 0.

    `with WeirProcess(text) as weir:` gives it running; `weir.port("main")` is where a listener is.
    At the end it is told to stop and must exit with status 0. WEIR_ENGINE chooses the engine.
    `wrapper` is a command that becomes the program behind it.
    """

    def __init__(self, config, *options, expect_exit=0, wrapper=()):
        self._dir = scratch_dir()
        self.config_path = self._dir / "weir.yaml"
        self._control = self._dir / "weir.sock"
        self._expect_exit = expect_exit
        self._log = []
        self._changed = threading.Condition()
        self._log_ended = False
        self.write_config(config)
        program = str(binary())
        if "WEIR_ENGINE" in os.environ and "--engine" not in options:
            options += ("--engine", os.environ["WEIR_ENGINE"])
        self._verb = [program]
        self._process = subprocess.Popen(
            [*wrapper, program, "run", str(self.config_path), "--control", str(self._control), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            self.wait_log("ready")
            self._ports = {each["name"]: int(each["bound"].rsplit(":", 1)[1])
                           for each in self.status()["listeners"]}
        except BaseException:
            self._process.kill()
            self._clean_up()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop(check=kind is None)
        finally:
            self._clean_up()

    @property
    def pid(self):
        return self._process.pid

    def port(self, name="main"):
        return self._ports[name]

    def url(self, path="/", name="main"):
        return f"http://127.0.0.1:{self.port(name)}{path}"

    # --- what it says --------------------------------------------------------------------------

    def _read_log(self):
        for line in self._process.stderr:
            with self._changed:
                self._log.append(line)
                self._changed.notify_all()
        with self._changed:
            self._log_ended = True
            self._changed.notify_all()

    def _logged(self, code):
        found = []
        for line in self._log:
            if line.startswith("{"):
                entry = json.loads(line)
                if entry.get("code") == code:
                    found.append(entry)
        return found

    def wait_log(self, code, count=1):
        """Waits for the `count`th line of its log with this code, and gives that line."""
        def settled():
            return self._log_ended or len(self._logged(code)) >= count
        with self._changed:
            self._changed.wait_for(settled, PATIENCE)
            found = self._logged(code)
        assert len(found) >= count, f"no {code} in the log:\n{self.log_text()}"
        return found[count - 1]

    def log_text(self):
        with self._changed:
            return "".join(self._log)

    def status(self):
        """What `weir status --json` says."""
        done = self._command("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _memory(self, field):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"the kernel tells no {field}")

    def peak_memory(self):
        """The most memory that it ever held, in bytes."""
        return self._memory("VmHWM")

    def memory(self):
        """What it holds now, in bytes."""
        return self._memory("VmRSS")

    # --- what it is told -----------------------------------------------------------------------

    def _command(self, verb, *options):
        return subprocess.run([*self._verb, verb, *options, "--control", str(self._control)],
                              capture_output=True, text=True, timeout=PATIENCE)

    def write_config(self, config):
        """Replaces the file as a whole; a reload brings it in force."""
        fresh = self.config_path.with_suffix(".new")
        fresh.write_text(config)
        fresh.rename(self.config_path)

    def reload(self, config=None):
        """`weir reload`: returns when the configuration is in force or refused."""
        if config is not None:
            self.write_config(config)
        return self._command("reload")

    def purge(self, *options):
        """What `weir purge` says."""
        done = self._command("purge", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def signal(self, number):
        self._process.send_signal(number)

    def wait_exit(self):
        return self._process.wait(PATIENCE)

    def stop(self, check=True):
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:  # somebody is still connected: cut them off
                self.signal(signal.SIGTERM)
        try:
            status = self.wait_exit()
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join(PATIENCE)
        if check:
            assert status == self._expect_exit, f"exit status {status}\n{self.log_text()}"

    def _clean_up(self):
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._process.stderr.close()
        shutil.rmtree(self._dir, ignore_errors=True)
