"""The program as a user starts it: any command line, what it prints, and how it ends."""

import json
import signal
import socket
import subprocess
import threading

from weir_process import PATIENCE, binary


def weir_command(*arguments, **options):
    """Runs a command to its end; gives subprocess.CompletedProcess with texts."""
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False, **options)


class Program:
    """A command that goes on running. Nothing is expected of it until it is asked for.

    `wrapper` is a command that becomes the program behind it, or starts it.
    """

    def __init__(self, folder, *arguments, control=None, wrapper=(), **options):
        self.folder = folder
        self.control = control or folder / "weir.sock"
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()  # reentrant
        self.process = subprocess.Popen(
            [*wrapper, binary(), *map(str, arguments), "--control", str(self.control)], cwd=folder,
            stdin=subprocess.DEVNULL, stdout=open(folder / "stdout", "w", encoding="utf-8"),
            stderr=subprocess.PIPE, text=True, **options)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    # --- what it says ----------------------------------------------------------------------------

    def log(self):
        """What it wrote to standard error so far."""
        with self._changed:
            return "".join(self._lines)

    def output(self):
        return (self.folder / "stdout").read_text()

    def events(self, code):
        """The lines of its log with this code, as objects."""
        entries = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry["code"] == code]

    def wait_event(self, code, number=1):
        """Waits for the first line of its log with this code, or for a later one."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self.events(code)) >= number, PATIENCE)
        found = self.events(code)
        assert len(found) >= number, f"no {code} in the log:\n{self.log()}"
        return found[number - 1]

    def wait_line(self, text):
        """Waits until it has written this somewhere to standard error."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or text in self.log(), PATIENCE)
        assert text in self.log(), self.log()

    def wait_ready(self):
        self.wait_event("ready")
        return self

    def starts(self):
        """Whether it becomes ready; false once it has ended without."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self.events("ready"), PATIENCE)
        return bool(self.events("ready"))

    def wait_exit(self):
        """Its exit status, once it has ended by itself and said everything."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    # --- what it is asked ------------------------------------------------------------------------

    def command(self, verb, *arguments):
        """Speaks to it: weir status, reload, drain, stop, explain."""
        return weir_command(verb, *arguments, "--control", self.control)

    def status(self):
        result = self.command("status", "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def port(self):
        """Of its first listener."""
        return int(self.status()["listeners"][0]["bound"].rpartition(":")[2])

    def curl(self, path="/", *options):
        result = subprocess.run(
            ["curl", "-sS", "--max-time", str(PATIENCE), *options,
             f"http://127.0.0.1:{self.port()}{path}"], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port()), timeout=PATIENCE)

    def rewrite(self, config):
        """Another configuration in its file; nobody is told."""
        (self.folder / "weir.yaml").write_text(config)

    def signal(self, number):
        self.process.send_signal(number)

    def close(self):
        """Ends it if it still runs. What a sanitizer says is a failure."""
        while self.process.poll() is None:
            self.signal(signal.SIGTERM)  # the second one cuts what a test left open
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                continue
        self.wait_exit()
        self.process.stderr.close()
        assert "Sanitizer" not in self.log(), self.log()
