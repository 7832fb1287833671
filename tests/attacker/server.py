"""A real maysend on a port of its own."""

import pathlib
import re
import ssl
import subprocess
import time

CATALOG = pathlib.Path(__file__).resolve().parents[2] / "examples/catalog.toml"


def start(program, folder, options=()):
    """The process and its address, once it serves; its log is `folder/log`."""
    fixed = ["--data-dir", folder / "store", "--catalog", CATALOG, "--listen", "127.0.0.1:0"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([program, "serve", *fixed, *options], stderr=log)
    for _ in range(1000):
        found = re.search(r'serving address="https?://127.0.0.1:(\d+)"', (folder / "log").read_text())
        if found:
            return process, ("127.0.0.1", int(found[1]))
        time.sleep(0.02)
    process.kill()
    raise SystemExit("no server: " + (folder / "log").read_text())


def pages(folder):
    """Where the owner's pages of a server are that was started with WEB."""
    found = re.search(r'pages are there address="http://127.0.0.1:(\d+)"', (folder / "log").read_text())
    return "127.0.0.1", int(found[1])


WEB = ["--web-listen", "127.0.0.1:0", "--public-url", "https://mail.example"]


def certificate(folder):
    """A certificate of its own, as options of `serve`."""
    cert, key = folder / "tls.pem", folder / "tls.key"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", *new, *name, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return ["--tls-cert", cert, "--tls-key", key]


def stranger():
    """What a client needs to shake hands with anybody."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.set_alpn_protocols(["h2"])
    return tls
