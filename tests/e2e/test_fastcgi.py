"""FastCGI with Debian's php-fpm: what scripts are told, bodies both ways, and what goes wrong."""

import hashlib
import json
import os
import shutil
import subprocess
import threading

import pytest

from http_client import RawConnection, ask
from php_fpm import PhpFpm, program
from program import weir_command
from weir_process import PATIENCE, WeirProcess, is_sanitized, scratch_dir

pytestmark = pytest.mark.skipif(program() is None, reason="php-fpm is not installed")

SOAK = bool(os.environ.get("WEIR_SOAK"))
UPLOAD = (1 << 30) if SOAK else (64 << 20)

SCRIPTS = {
    "index.php": "<?php echo 'front ', $_SERVER['REQUEST_URI'];",
    "hello.php": "<?php header('X-Tea: green'); echo 'hello ', $_GET['name'] ?? 'nobody';",
    "server.php": "<?php header('Content-Type: application/json'); echo json_encode($_SERVER);",
    "post.php": "<?php echo json_encode([$_POST, array_map(fn($f) => [$f['name'], "
                "hash_file('sha256', $f['tmp_name'])], $_FILES)]);",
    "input.php": "<?php $h = hash_init('sha256'); $f = fopen('php://input', 'r'); $n = 0;"
                 "while (!feof($f)) { $d = fread($f, 65536); hash_update($h, $d); $n += strlen($d); }"
                 "echo json_encode([$n, hash_final($h)]);",
    "large.php": "<?php $block = str_repeat('0123456789abcdef', 4096);"
                 "for ($i = 0; $i < (int)$_GET['blocks']; $i++) echo $block;",
    "sized.php": "<?php header('Content-Length: 5'); echo 'hello';",
    "status.php": "<?php http_response_code((int)$_GET['code']); echo 'body';",
    "redirect.php": "<?php header('Location: /elsewhere');",
    "slow.php": "<?php echo 'begun'; flush(); file_put_contents($_GET['pid'], getmypid());"
                "sleep(600);",
    "silent.php": "<?php sleep(600);",
    "stderr.php": "<?php error_log(\"first\\nsecond\"); echo 'well';",
    "fatal.php": "<?php ini_set('display_errors', '0'); no_such_function();",
    "blog/index.php": "<?php echo 'blog';",
}


class Site:
    def __init__(self):
        self.dir = scratch_dir()
        self.root = self.dir / "html"
        for name, text in SCRIPTS.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.root / "style.css").write_text("body{}")
        (self.root / "evil.png").write_text("<?php echo 'executed';")
        (self.dir / "outside.php").write_text("<?php echo 'executed';")
        (self.root / "out.php").symlink_to("../outside.php")
        (self.root / ".hidden.php").write_text("<?php echo 'executed';")


# As docs/guides/php.md has it.
CONFIG = """
listeners:
  - {{ address: "127.0.0.1:0", name: main }}
routes:
  - match: {{ host: blog.example, path_regex: '.*\\.(css|js|png|jpe?g|gif|svg|ico|webp|woff2?)' }}
    static_files: {root}
  - match: {{ host: blog.example }}
    fastcgi: {{ upstream: php, root: {root}, fallback: /index.php }}
  - fastcgi: {{ upstream: php, root: {root} }}
upstreams:
  php:
    protocol: fastcgi
    endpoints: ["{php}"]
    response_timeout: {timeout}
"""


@pytest.fixture(scope="module")
def site():
    made = Site()
    yield made
    shutil.rmtree(made.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def php(site):
    with PhpFpm(site.dir / "fpm") as running:
        yield running


@pytest.fixture(scope="module")
def weir(site, php):
    with WeirProcess(CONFIG.format(root=site.root, php=php.address, timeout="60s")) as running:
        yield running


def curl(weir, path, *options, text=True):
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--path-as-is", "--max-time", str(PATIENCE), *options,
         weir.url(path)], capture_output=True, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- answers -----------------------------------------------------------------------------------

def test_a_script_answers(weir):
    answer = ask(weir.port(), "/hello.php?name=world")
    assert (answer.status, answer.body) == (200, b"hello world")
    assert answer.get("X-Tea") == "green"
    assert answer.get("X-Powered-By") is None
    assert answer.get("Content-Type").startswith("text/html")
    assert ask(weir.port(), "/sized.php").get("Content-Length") == "5"


@pytest.mark.parametrize("code", [201, 404, 418, 503])
def test_a_script_chooses_its_status(weir, code):
    answer = ask(weir.port(), f"/status.php?code={code}")
    assert (answer.status, answer.body) == (code, b"body")


def test_statuses_without_a_body_and_redirects(weir):
    answer = ask(weir.port(), "/status.php?code=204")
    assert (answer.status, answer.body) == (204, b"")
    answer = ask(weir.port(), "/redirect.php")
    assert (answer.status, answer.get("Location")) == (302, "/elsewhere")


def test_head_has_the_fields_and_no_body(weir):
    head = curl(weir, "/sized.php", "-I")
    assert "200 OK" in head and "Content-Length: 5" in head
    assert ask(weir.port(), "/hello.php").status == 200


def test_a_script_that_fails_is_answered_with_its_500_and_logged(weir):
    assert ask(weir.port(), "/fatal.php").status == 500
    assert "no_such_function" in weir.wait_log("fastcgi_stderr")["text"]


def test_error_output_is_one_line_of_the_log(weir):
    before = weir.log_text().count("fastcgi_stderr")
    assert ask(weir.port(), "/stderr.php").body == b"well"
    entry = weir.wait_log("fastcgi_stderr", before + 1)
    assert "first second" in entry["text"]
    assert entry["upstream"] == "php" and len(entry["request_id"]) == 32


# --- what a script is told ---------------------------------------------------------------------

def test_a_script_is_told_what_cgi_says(weir, site):
    told = json.loads(curl(weir, "/server.php/a%20b/c?x=1&y=%2f", "-H", "X-Some-Thing: 1",
                           "-H", "Host: shop.example:8080"))
    expected = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/server.php", "PATH_INFO": "/a b/c",
        "SCRIPT_FILENAME": f"{site.root}/server.php", "DOCUMENT_ROOT": str(site.root),
        "QUERY_STRING": "x=1&y=%2f", "REQUEST_URI": "/server.php/a%20b/c?x=1&y=%2f",
        "SERVER_NAME": "shop.example", "SERVER_PORT": "8080", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "shop.example:8080", "HTTP_X_SOME_THING": "1",
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_SCHEME": "http"}
    assert {name: told.get(name) for name in expected} == expected
    assert "HTTPS" not in told
    assert told["PHP_SELF"] == "/server.php/a b/c"


def test_attack_39_httpoxy_and_names_that_look_alike(weir):
    told = json.loads(curl(weir, "/server.php", "-H", "Proxy: evil:80", "-H", "X_Forwarded_For: 1",
                           "-H", "X-Forwarded-For: 9.9.9.9", "-H", "Remote_Addr: 9.9.9.9"))
    assert not {"HTTP_PROXY", "HTTP_X_FORWARDED_FOR", "HTTP_REMOTE_ADDR"} & set(told)


@pytest.mark.parametrize("path", [
    "/evil.png/x.php", "/evil.png/.php", "/evil.png%00.php", "/evil.png%0a.php", "/evil.png%20.php",
    "/evil.png", "/out.php", "/../outside.php", "/%2e%2e/outside.php", "/.hidden.php",
    "/blog/..%2f..%2foutside.php", "/evil.png//x.php", "/evil.png/;x.php", "/nothing.php",
    "/hello.php%0a/x", "/HELLO.PHP", "/hello.ph%70x", "/evil.png%5cx.php", "/blog/../evil.png/a.php"])
def test_attack_39_runs_nothing_that_is_no_script(weir, path):
    with RawConnection(weir.port()) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = client.read_to_end()
    assert answer.split(b" ")[1] in (b"400", b"404")
    assert b"executed" not in answer


def test_a_script_is_found_by_its_decoded_path(weir):
    assert curl(weir, "/hell%6F.php?name=x") == "hello x"
    assert curl(weir, "/blog/../hello.php") == "hello nobody"


def test_a_site_with_files_and_a_front_controller(weir):
    blog = ("-H", "Host: blog.example")
    assert curl(weir, "/style.css", *blog) == "body{}"
    assert curl(weir, "/", *blog) == "front /"
    assert curl(weir, "/2024/05/a-post?p=1", *blog) == "front /2024/05/a-post?p=1"
    assert curl(weir, "/hello.php", *blog) == "hello nobody"
    assert curl(weir, "/blog/", *blog) == "blog"
    assert "308 " in curl(weir, "/blog", "-I", *blog)
    assert "404 " in curl(weir, "/none.css", "-I", *blog)
    assert curl(weir, "/evil.png/x.php", *blog) == "front /evil.png/x.php"
    assert curl(weir, "/evil.png", *blog).startswith("<?php")  # a file, as it is


# --- bodies ------------------------------------------------------------------------------------

def test_forms_and_files_arrive(weir, tmp_path):
    content = os.urandom(300_000)
    (tmp_path / "photo.bin").write_bytes(content)
    fields, files = json.loads(curl(weir, "/post.php", "-F", "a=1", "-F", "b=ü",
                                    "-F", f"f=@{tmp_path}/photo.bin"))
    assert fields == {"a": "1", "b": "ü"}
    assert files == {"f": ["photo.bin", hashlib.sha256(content).hexdigest()]}
    fields, _ = json.loads(curl(weir, "/post.php", "-d", "x=1&y=2"))
    assert fields == {"x": "1", "y": "2"}


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_arrives_whole(weir, tmp_path, size, chunked):
    content = os.urandom(size)
    (tmp_path / "body").write_bytes(content)
    options = ["-H", "Transfer-Encoding: chunked"] if chunked else []
    got = json.loads(curl(weir, "/input.php", "-H", "Content-Type: x/y", "-H", "Expect:",
                          "--data-binary", f"@{tmp_path}/body", *options))
    assert got == [size, hashlib.sha256(content).hexdigest()]


def test_a_body_without_a_length_is_kept_only_up_to_a_limit(weir, tmp_path):
    (tmp_path / "body").write_bytes(bytes((1 << 20) + 1))
    answer = curl(weir, "/input.php", "-H", "Transfer-Encoding: chunked", "-H", "Expect:",
                  "--data-binary", f"@{tmp_path}/body")
    assert json.loads(answer)["error"]["code"] == "length_required"


def test_an_upload_streams(site, weir):
    block = os.urandom(1 << 20)
    sum_ = hashlib.sha256()
    with RawConnection(weir.port()) as client:
        client.send(f"POST /input.php HTTP/1.1\r\nHost: a\r\nContent-Type: x/y\r\n"
                    f"Content-Length: {UPLOAD}\r\n\r\n".encode())
        for _ in range(UPLOAD // len(block)):
            client.send(block)
            sum_.update(block)
        answer = client.read_response()
    assert json.loads(answer.body) == [UPLOAD, sum_.hexdigest()]
    if not is_sanitized():
        assert weir.peak_memory() < 64 << 20


def test_a_download_streams_at_the_pace_of_the_client(weir):
    blocks = UPLOAD // 65536
    with RawConnection(weir.port(), receive_buffer=65536) as client:
        client.send(f"GET /large.php?blocks={blocks} HTTP/1.0\r\nHost: a\r\n\r\n".encode())
        client.read_head()
        body = client.read_to_end()
    assert len(body) == UPLOAD
    if not is_sanitized():
        assert weir.peak_memory() < 64 << 20


# --- what goes wrong ---------------------------------------------------------------------------

def test_a_killed_php_fpm_never_gives_a_whole_answer_and_comes_back(site, folder):
    with PhpFpm(folder / "fpm") as php, \
         WeirProcess(CONFIG.format(root=site.root, php=php.address, timeout="60s")) as weir:
        with RawConnection(weir.port()) as client:
            client.send(f"GET /slow.php?pid={folder}/pid HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert client.read_head().status == 200
            client.read_until(b"begun")
            php.kill()
            try:
                assert not client.read_to_end().endswith(b"0\r\n\r\n")
            except ConnectionResetError:
                pass
        assert ask(weir.port(), "/hello.php").status == 502
        php.start()
        assert ask(weir.port(), "/hello.php").status == 200


def test_a_child_that_is_killed_is_no_end_of_the_answer(site, folder):
    with PhpFpm(folder / "fpm", tcp=True) as php, \
         WeirProcess(CONFIG.format(root=site.root, php=php.address, timeout="60s")) as weir:
        with RawConnection(weir.port()) as client:
            client.send(f"GET /slow.php?pid={folder}/pid HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert client.read_head().status == 200
            client.read_until(b"begun")
            pid = folder / "pid"
            while not (pid.exists() and pid.read_text()):
                pass
            os.kill(int(pid.read_text()), 9)
            try:
                assert not client.read_to_end().endswith(b"0\r\n\r\n")
            except ConnectionResetError:
                pass
        assert ask(weir.port(), "/hello.php").status == 200


def test_a_script_that_says_nothing_is_given_up(site, php):
    with WeirProcess(CONFIG.format(root=site.root, php=php.address, timeout="300ms")) as weir:
        answer = ask(weir.port(), "/silent.php")
        assert (answer.status, answer.reason_code()) == (504, "response_timeout")


def test_connections_are_kept_where_asked_for(site, folder):
    config = CONFIG.format(root=site.root, php="{php}", timeout="60s").replace(
        "fallback: /index.php }", "fallback: /index.php, keep_connections: true }")
    with PhpFpm(folder / "fpm", children=8) as php, \
         WeirProcess(config.replace("{php}", php.address)) as weir:
        def visit():
            for i in range(40):
                assert curl(weir, f"/hello.php?name={i}", "-H", "Host: blog.example") == f"hello {i}"
        visitors = [threading.Thread(target=visit) for _ in range(3)]
        for each in visitors:
            each.start()
        for each in visitors:
            each.join()
        php.kill()
        php.start()
        visit()


# --- configuration -----------------------------------------------------------------------------

@pytest.mark.parametrize("change, complaint", [
    (("    protocol: fastcgi\n", ""), "does not speak FastCGI"),
    (("protocol: fastcgi\n", "protocol: fastcgi\n    health: { path: / }\n"), "checks by HTTP"),
    (("protocol: fastcgi\n", "protocol: fastcgi\n    tls: {}\n"), "FastCGI has no TLS"),
    (("fallback: /index.php", "fallback: /index.html"), "does not end with"),
    (("  - fastcgi: { upstream: php", "  - reverse_proxy: { upstream: php"), "speaks FastCGI"),
    (("fallback: /index.php", "params: { a-b: c }"), "name of a variable"),
])
def test_mistakes_are_explained(site, folder, change, complaint):
    text = CONFIG.format(root=site.root, php="unix:/tmp/none.sock", timeout="1s")
    assert change[0] in text
    (folder / "weir.yaml").write_text(text.replace(*change))
    done = weir_command("check", folder / "weir.yaml")
    assert done.returncode != 0
    assert complaint in done.stderr + done.stdout
