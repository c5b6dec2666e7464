"""The cache on the disk: what outlives a restart, and what a killed process leaves behind."""

import hashlib
import http.client
import os
import signal
import time

from http_client import ask
from origins import ScriptedOrigin
from program import weir_command
from weir_process import PATIENCE, WeirProcess

LARGE = (1 << 30) if os.environ.get("WEIR_SOAK") else (256 << 20)
PIECE = 1 << 20


def config(origin, directory, more="", disk=""):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
- use: [{{ cache: {{ max_size: 16MiB, max_object: 1MiB,
                     disk: {{ path: "{directory}", max_size: 3GiB, max_object: 2GiB {disk} }} }} }}]
  reverse_proxy: origin
upstreams: {{ origin: {{ endpoints: ["{origin.address}"] }} }}
{more}
"""


def piece(path, number):
    """A mebibyte that is of this path and this place alone."""
    return hashlib.sha256(f"{path} {number}".encode()).digest() * (PIECE // 32)


def digest(path, size):
    whole = hashlib.sha256()
    for number in range(size // PIECE):
        whole.update(piece(path, number))
    return whole.hexdigest()


class Library(ScriptedOrigin):
    """`/NAME/SIZE` is that many mebibytes; `/small/N` a few bytes."""

    def __init__(self):
        self.asked = []
        super().__init__(self._serve_all)

    def _serve_all(self, connection):
        while (head := connection.read_head()) is not None:
            path = str(head[0]).split()[1]
            self.asked.append(path)
            if path.startswith("/small"):
                connection.answer(path.encode() * 1000, headers=[FRESH, "Surrogate-Key: small"])
                continue
            size = int(path.rsplit("/", 1)[1])
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size * PIECE}\r\n{FRESH}\r\n"
                            f"ETag: \"{path}\"\r\n\r\n".encode())
            try:
                for number in range(size):
                    connection.send(piece(path, number))
            except OSError:  # Weir was killed
                return


FRESH = "Cache-Control: max-age=3600"


def wait_for(condition, what):
    """Nothing tells when something that nobody waits for has been done."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not in {PATIENCE} s: {what}"
        os.sched_yield()


def files(directory):
    """The finished responses."""
    return [each for each in directory.glob("??/*") if each.is_file()]


class Download:
    """A large response, read as far as the test wants."""

    def __init__(self, weir, path):
        self._connection = http.client.HTTPConnection("127.0.0.1", weir.port(), timeout=PATIENCE)
        self._connection.request("GET", path, headers={"Host": "shop.example"})
        self.response = self._connection.getresponse()
        self.cache_status = self.response.headers.get("Cache-Status", "")

    def read(self, size):
        assert len(self.response.read(size)) == size

    def digest(self):
        whole = hashlib.sha256()
        while part := self.response.read(PIECE):
            whole.update(part)
        self._connection.close()
        return whole.hexdigest()


def hit(weir, path):
    answer = ask(weir.port(), path)
    assert answer.body == path.encode() * 1000
    return "hit" in answer.get("Cache-Status")


def test_content_outlives_a_restart(folder):
    directory = folder / "cache"
    with Library() as origin:
        with WeirProcess(config(origin, directory)) as weir:
            assert not hit(weir, "/small/1")
            assert Download(weir, "/large/8").digest() == digest("/large/8", 8 * PIECE)
        with WeirProcess(config(origin, directory)) as weir:
            assert hit(weir, "/small/1")
            again = Download(weir, "/large/8")
            assert "detail=disk" in again.cache_status
            assert again.digest() == digest("/large/8", 8 * PIECE)
            part = ask(weir.port(), "/large/8", headers=[f"Range: bytes={3 * PIECE}-{4 * PIECE - 1}"])
            assert (part.status, part.body) == (206, piece("/large/8", 3))
        assert origin.asked == ["/small/1", "/large/8"]


def test_a_process_that_is_killed_leaves_whole_objects_only(folder):
    directory = folder / "cache"
    large = f"/large/{LARGE // PIECE}"
    small = [f"/small/{n}" for n in range(20)]
    with Library() as origin:
        with WeirProcess(config(origin, directory), expect_exit=-signal.SIGKILL) as weir:
            for path in small:
                ask(weir.port(), path)
            assert Download(weir, "/done/16").digest() == digest("/done/16", 16 * PIECE)
            wait_for(lambda: len(files(directory)) == 21, "all of them are on the disk")
            streaming = Download(weir, large)
            streaming.read(LARGE // 2)
            assert list((directory / "unfinished").iterdir()) != []
            weir.signal(signal.SIGKILL)
            weir.wait_exit()
        assert len(files(directory)) == 21
        asked = len(origin.asked)
        with WeirProcess(config(origin, directory)) as weir:
            assert list((directory / "unfinished").iterdir()) == []
            assert all(hit(weir, path) for path in small)
            done = Download(weir, "/done/16")
            assert "hit" in done.cache_status
            assert done.digest() == digest("/done/16", 16 * PIECE)
            assert len(origin.asked) == asked
            again = Download(weir, large)
            assert "fwd=uri-miss" in again.cache_status
            assert again.digest() == digest(large, LARGE)
            wait_for(lambda: len(files(directory)) == 22, "it is on the disk")
            assert Download(weir, large).digest() == digest(large, LARGE)
        assert origin.asked.count(large) == 2


def test_two_processes_do_not_share_a_directory(folder):
    directory = folder / "cache"
    with Library() as origin:
        with WeirProcess(config(origin, directory)) as first:
            assert not hit(first, "/small/1")
            with WeirProcess(config(origin, directory)) as second:
                assert "another process" in second.wait_log("cache_disk_unusable")["reason"]
                assert not hit(second, "/small/1")
                assert hit(second, "/small/1")
            assert hit(first, "/small/1")


def test_a_purge_reaches_the_disk(folder):
    directory = folder / "cache"
    with Library() as origin:
        with WeirProcess(config(origin, directory)) as weir:
            ask(weir.port(), "/small/1")
            ask(weir.port(), "/small/2")
            ask(weir.port(), "/small/3")
            wait_for(lambda: len(files(directory)) == 3, "all of them are on the disk")
            assert "1 response\n" in weir.purge("http://shop.example/small/1")
            assert len(files(directory)) == 2
        with WeirProcess(config(origin, directory)) as weir:
            assert not hit(weir, "/small/1")
            assert hit(weir, "/small/2")
            wait_for(lambda: len(files(directory)) == 3, "it is on the disk again")
            assert "3 responses\n" in weir.purge("--tag", "small")
            assert files(directory) == []


def test_a_reload_keeps_the_disk_and_takes_a_new_size(folder):
    directory = folder / "cache"
    with Library() as origin, WeirProcess(config(origin, directory)) as weir:
        for n in range(10):
            ask(weir.port(), f"/small/{n}")
        wait_for(lambda: len(files(directory)) == 10, "all of them are on the disk")
        # Fewer are allowed.
        assert weir.reload(config(origin, directory).replace("16MiB", "64KiB")).returncode == 0
        assert len(files(directory)) == 10
        assert hit(weir, "/small/0")
        assert origin.asked.count("/small/0") == 1


def test_two_caches_in_one_directory_are_refused(folder):
    path = folder / "weir.yaml"
    use = "use: [{{ cache: {{ name: {}, disk: {} }} }}]"
    directory = folder / "cache"
    path.write_text('listeners: ["127.0.0.1:0"]\nroutes:\n'
                    + "".join(f"- {{ {use.format(name, directory)}, match: {{ host: {name} }}, "
                              "respond: { body: a } }\n" for name in ("a.test", "b.test")))
    check = weir_command("check", path)
    assert check.returncode != 0
    assert "a directory of its own" in check.stdout + check.stderr
    assert not directory.exists()
