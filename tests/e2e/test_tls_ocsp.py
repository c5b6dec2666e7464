"""OCSP stapling, with openssl as the responder and as the client."""

import re
import subprocess
import time

import pytest

from certificates import Certificates
from weir_process import PATIENCE, WeirProcess

CONFIG = """
admin: "127.0.0.1:0"
listeners:
  - address: "127.0.0.1:0"
    name: main
    tls: {{ certificates: [{{ cert: {cert}, key: {key} }}], ocsp_stapling: {stapling} }}
routes: [{{ respond: hello }}]
"""


class Responder:
    """`openssl ocsp`, which knows one certificate by its serial number."""

    def __init__(self, certs, serial, state="V"):
        index = certs.dir / "index.txt"
        revoked = "250101000000Z" if state == "R" else ""
        index.write_text(f"{state}\t491231235959Z\t{revoked}\t{serial:02X}\tunknown\t/CN=shop\n")
        self._process = subprocess.Popen(
            ["openssl", "ocsp", "-port", "0", "-index", index, "-CA", certs.ca, "-rsigner",
             certs.ca, "-rkey", certs.dir / "ca.key", "-ndays", "2"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = ""
        while not (found := re.search(r"ACCEPT .*:(\d+)", line)):
            line = self._process.stdout.readline()
            assert line, self._process.stderr.read()
        self.url = f"http://127.0.0.1:{found[1]}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def certs():
    return Certificates()


def status(weir, certs):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{weir.port()}", "-servername",
         "shop.example", "-CAfile", certs.ca, "-status"],
        input=b"", capture_output=True, timeout=PATIENCE, check=False)
    return done.stdout.decode(errors="replace")


def wait_for_staple(weir, certs):
    give_up = time.monotonic() + PATIENCE
    while "Cert Status: good" not in (said := status(weir, certs)):
        if time.monotonic() > give_up:
            break
    return said


def make(certs, name, responder, serial):
    cert, key = certs.make(name, "shop.example", serial=serial,
                           more=f"authorityInfoAccess=OCSP;URI:{responder.url}\n")
    cert.write_bytes(cert.read_bytes() + certs.ca.read_bytes())
    return cert, key


def test_the_answer_of_the_responder_is_shown_to_clients(certs):
    with Responder(certs, 0x77) as responder:
        cert, key = make(certs, "shop", responder, 0x77)
        text = CONFIG.format(cert=cert, key=key, stapling="true")
        with WeirProcess(text) as weir:
            assert "Cert Status: good" in wait_for_staple(weir, certs)
            assert weir.reload(text).returncode == 0
            assert "Cert Status: good" in status(weir, certs)
            off = CONFIG.format(cert=cert, key=key, stapling="false")
            assert weir.reload(off).returncode == 0
            assert "OCSP response: no response sent" in status(weir, certs)


def test_an_answer_that_is_not_good_is_told_and_not_shown(certs):
    with Responder(certs, 0x78, state="R") as responder:
        cert, key = make(certs, "revoked", responder, 0x78)
        with WeirProcess(CONFIG.format(cert=cert, key=key, stapling="true")) as weir:
            assert "revoked" in weir.wait_log("ocsp_failed")["reason"]
            assert "OCSP response: no response sent" in status(weir, certs)
