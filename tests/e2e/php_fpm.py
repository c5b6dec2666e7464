"""A php-fpm of its own for a test: one pool, on a Unix socket or a TCP port, in a folder."""

import os
import shutil
import signal
import socket
import subprocess
import threading

from weir_process import PATIENCE


def program():
    """Debian's, of whatever version."""
    found = sorted(name for name in os.listdir("/usr/sbin") if name.startswith("php-fpm"))
    return shutil.which(found[-1], path="/usr/sbin") if found else None


class PhpFpm:
    """Runs scripts as whoever runs the test. `tcp`: on a port that is passed by number."""

    def __init__(self, folder, children=4, settings="", tcp=False):
        folder.mkdir(parents=True, exist_ok=True)
        if tcp:
            with socket.socket() as probe:  # php-fpm takes no descriptor and no port 0
                probe.bind(("127.0.0.1", 0))
                self.address = "127.0.0.1:%d" % probe.getsockname()[1]
            listen = self.address
        else:
            self.address = f"unix:{folder}/fpm.sock"
            listen = f"{folder}/fpm.sock"
        (folder / "tmp").mkdir(exist_ok=True)
        config = folder / "fpm.conf"
        config.write_text(f"""
[global]
daemonize = no
error_log = /proc/self/fd/2
[www]
listen = {listen}
pm = static
pm.max_children = {children}
catch_workers_output = yes
clear_env = no
{"user = root" if os.geteuid() == 0 else ""}
{"group = root" if os.geteuid() == 0 else ""}
php_admin_value[sys_temp_dir] = {folder}/tmp
php_admin_value[upload_tmp_dir] = {folder}/tmp
php_admin_value[post_max_size] = 0
php_admin_value[upload_max_filesize] = 2G
php_admin_value[output_buffering] = 0
php_admin_value[date.timezone] = UTC
php_admin_value[log_errors] = on
{settings}
""")
        options = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
        self._command = [program(), "--nodaemonize", "--fpm-config", str(config), *options]
        self._process = None
        self.start()

    def start(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                         text=True, start_new_session=True)
        said = ""
        for line in self._process.stderr:
            said += line
            if "ready to handle connections" in line:
                break
        else:
            raise AssertionError(said)
        # What it says later must not fill the pipe.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def kill(self):
        """kill -9, children too."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.kill()
