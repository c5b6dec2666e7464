"""Certificates made on the spot, with openssl."""

import re
import subprocess

from weir_process import PATIENCE, scratch_dir


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                   timeout=PATIENCE)


class Certificates:
    """An authority and what it signs."""

    def __init__(self):
        self.dir = scratch_dir()
        self.ca = self.dir / "ca.pem"
        self._ca_key = self._key("ca")
        openssl("req", "-x509", "-new", "-key", self._ca_key, "-subj", "/CN=Test CA", "-days", "2",
                "-out", self.ca)

    def _key(self, name):
        path = self.dir / f"{name}.key"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        return path

    def make(self, name, *hosts, file=None, serial=None, more=""):
        """(certificate, key) for the hosts; `file` is where the certificate goes, `more` are
        further lines of its extensions."""
        key = self._key(name)
        request, cert = self.dir / f"{name}.csr", file or self.dir / f"{name}.pem"
        names = self.dir / f"{name}.ext"
        kinds = [f"IP:{host}" if re.fullmatch(r"[\d.]+", host) else f"DNS:{host}" for host in hosts]
        names.write_text(f"subjectAltName={','.join(kinds)}\n{more}")
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key, "-days",
                "2", "-set_serial", str(serial or abs(hash(str(cert) + name)) % 10**9), "-extfile", names,
                "-out", cert)
        return cert, key
