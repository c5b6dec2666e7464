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
