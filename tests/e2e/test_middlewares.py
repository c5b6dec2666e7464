"""Small middlewares, as clients see them."""

from http_client import ask
from program import weir_command
from weir_process import WeirProcess


def config(use, more=""):
    return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ use: [{use}], respond: {{ body: page }} {more} }}]
"""


def test_security_headers_are_sent_where_the_answer_has_none():
    use = "{ security_headers: { frames: deny, content_security_policy: \"default-src 'self'\" } }"
    own = ', response_headers: { set: { Referrer-Policy: no-referrer } }'
    with WeirProcess(config(use, own)) as weir:
        page = ask(weir.port())
    assert page.body == b"page"
    assert page.get("X-Content-Type-Options") == "nosniff"
    assert page.get("X-Frame-Options") == "DENY"
    assert page.get("Content-Security-Policy") == "default-src 'self'"
    assert page.get("Referrer-Policy") == "no-referrer"


def test_a_security_header_that_would_break_the_message_is_refused(folder):
    path = folder / "weir.yaml"
    path.write_text(config('{ security_headers: { permissions_policy: "a\\r\\nSet-Cookie: b" } }'))
    check = weir_command("check", path)
    assert check.returncode != 0
    assert "weir.yaml:3:" in check.stdout + check.stderr


def test_a_rewritten_path_is_what_follows_sees(folder):
    (folder / "new").mkdir()
    (folder / "new" / "a.txt").write_text("here")
    rewrites = """{ rewrite: { prefix: /old, to: /new } },
                  { rewrite: { regex: '/user/(\\d+)', to: '/new/${query.file}?id=$1' } }"""
    text = config(rewrites).replace("respond: { body: page }", f'static_files: "{folder}"')
    with WeirProcess(text) as weir:
        assert ask(weir.port(), "/old/a.txt").body == b"here"
        assert ask(weir.port(), "/user/7?file=a.txt").body == b"here"
        assert ask(weir.port(), "/older/a.txt").status == 404
        for bad in ("..", "%2e%2e", "%2fa.txt"):
            climbing = ask(weir.port(), f"/user/7?file={bad}")
            assert (climbing.status, climbing.reason_code()) == (400, "bad_target"), bad


def test_a_redirect_fills_in_what_its_regex_captured():
    with WeirProcess("""
listeners: [{ address: "127.0.0.1:0", name: main }]
routes:
  - match: { path: /blog/* }
    redirect: { regex: '/blog/(\\d+)/(.*)', to: 'https://new.example/$1?title=$2', status: 301 }
  - redirect: 'https://${host}/other${path}'
""") as weir:
        moved = ask(weir.port(), "/blog/7/a&b")
        assert (moved.status, moved.get("Location")) == (301, "https://new.example/7?title=a%26b")
        assert ask(weir.port(), "/blog/x").status == 404
        assert ask(weir.port(), "/x").get("Location") == "https://shop.example/other/x"


def test_headers_of_all_levels_add_up():
    with WeirProcess("""
use: [{ headers: { response: { add: { X-Level: top } } } }]
listeners:
  - address: "127.0.0.1:0"
    name: main
    use: [{ headers: { response: { add: { X-Level: listener } } } }]
routes:
  - use: [{ headers: { response: { add: { X-Level: '${method} ${path}' } } } }]
    respond: { body: page }
""") as weir:
        assert ask(weir.port(), "/x").all("X-Level") == ["GET /x", "listener", "top"]
