"""error_pages and maintenance, as people, programs and a person who reloads see them."""

import pytest

from http_client import RawConnection, ask
from origins import ScriptedOrigin, refusing_port
from weir_process import WeirProcess

PEOPLE = ["Accept: text/html,application/xhtml+xml,*/*;q=0.8"]
PROGRAMS = ["Accept: application/json"]


@pytest.fixture(name="pages")
def folder_of_pages(folder):
    (folder / "404.html").write_text("<h1>Lost: ${header.x-word}</h1> mention ${request_id}")
    (folder / "sorry.html").write_text("<h1>Sorry ${status}</h1>")
    (folder / "site").mkdir()
    return folder


def config(pages, routes, upstreams="", more=""):
    return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
use:
  - error_pages: {{ pages: {{ 404: {pages}/404.html, 5xx: {pages}/sorry.html }} {more} }}
routes: [{routes}]
upstreams: {{ {upstreams} }}
"""


def test_people_get_the_page_of_a_status_and_programs_get_json(pages):
    with WeirProcess(config(pages, f"{{ static_files: {pages}/site }}")) as weir:
        page = ask(weir.port(), "/nothing", headers=PEOPLE + ["X-Word: <b>\"&", "X-Request-Id: r7"])
        program = ask(weir.port(), "/nothing", headers=PROGRAMS)
    assert page.status == program.status == 404
    assert page.get("Content-Type").startswith("text/html")
    assert page.body.startswith(b"<h1>Lost: &lt;b&gt;&quot;&amp;</h1> mention ")
    assert program.reason_code() == "not_found"


def test_the_page_of_a_class_is_shown_where_the_status_has_none(pages):
    with refusing_port() as nobody:
        port = nobody.getsockname()[1]
        text = config(pages, "{ reverse_proxy: down }",
                      f'down: {{ endpoints: ["127.0.0.1:{port}"], retries: {{ attempts: 1 }} }}')
        with WeirProcess(text) as weir:
            page = ask(weir.port(), headers=PEOPLE)
            program = ask(weir.port(), headers=PROGRAMS)
    assert (page.status, page.body) == (502, b"<h1>Sorry 502</h1>")
    assert (program.status, program.reason_code()) == (502, "connect_refused")


def unwell(connection):
    """A script: an origin with error pages of its own."""
    while connection.read_head() is not None:
        connection.answer(b"<p>the origin's own", status="503 Busy",
                          headers=["Retry-After: 7", "Content-Type: text/html", 'ETag: "a"'])


@pytest.mark.parametrize("intercept", [False, True])
def test_what_an_origin_answers_is_replaced_only_where_that_is_asked_for(pages, intercept):
    with ScriptedOrigin(unwell) as origin:
        text = config(pages, "{ reverse_proxy: app }", f'app: {{ endpoints: ["{origin.address}"] }}',
                      ", intercept: true" if intercept else "")
        with WeirProcess(text) as weir:
            page = ask(weir.port(), headers=PEOPLE)
            program = ask(weir.port(), headers=PROGRAMS)
    assert page.status == program.status == 503
    assert page.get("Retry-After") == "7"
    if intercept:
        assert page.body == b"<h1>Sorry 503</h1>"
        assert page.get("ETag") is None
        assert program.reason_code() == "origin"
    else:
        assert page.body == program.body == b"<p>the origin's own"


def test_a_page_that_was_changed_is_shown_after_a_reload(pages):
    text = config(pages, f"{{ static_files: {pages}/site }}")
    with WeirProcess(text) as weir:
        (pages / "404.html").write_text("another")
        assert ask(weir.port(), "/x", headers=PEOPLE).body.startswith(b"<h1>Lost")
        assert weir.reload(text).returncode == 0
        assert ask(weir.port(), "/x", headers=PEOPLE).body == b"another"
        (pages / "404.html").unlink()
        assert weir.reload(text).returncode != 0
        assert ask(weir.port(), "/x", headers=PEOPLE).body == b"another"


# --- maintenance --------------------------------------------------------------------------------

def test_maintenance_begins_and_ends_with_a_reload_and_lets_those_in_who_may(pages):
    def text(enabled):
        return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
use:
  - maintenance:
      enabled: {enabled}
      page: {pages}/sorry.html
      retry_after: 30m
      unless: 'header.x-team == "ours"'
routes: [{{ respond: {{ body: open }} }}]
"""

    with WeirProcess(text("false")) as weir, RawConnection(weir.port()) as visitor:
        assert visitor.ask().body == b"open"
        assert weir.reload(text("true")).returncode == 0
        page = visitor.ask(headers=PEOPLE)
        program = visitor.ask(headers=PROGRAMS)
        team = visitor.ask(headers=["X-Team: ours"])
        assert weir.reload(text("false")).returncode == 0
        assert visitor.ask().body == b"open", "on the same connection"
    assert (page.status, page.body) == (503, b"<h1>Sorry 503</h1>")
    assert page.get("Retry-After") == program.get("Retry-After") == "1800"
    assert (program.status, program.reason_code()) == (503, "maintenance")
    assert (team.status, team.body) == (200, b"open")
