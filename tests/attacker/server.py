"""A real maysend on a port of its own."""

import pathlib
import re
import subprocess
import time

CATALOG = pathlib.Path(__file__).resolve().parents[2] / "examples/catalog.toml"


def start(program, folder, options=()):
    """The process and its address, once it serves; its log is `folder/log`."""
    fixed = ["--data-dir", folder / "store", "--catalog", CATALOG, "--listen", "127.0.0.1:0"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([program, "serve", *fixed, *options], stderr=log)
    for _ in range(1000):
        found = re.search(r'address="http://127.0.0.1:(\d+)"', (folder / "log").read_text())
        if found:
            return process, ("127.0.0.1", int(found[1]))
        time.sleep(0.02)
    process.kill()
    raise SystemExit("no server: " + (folder / "log").read_text())
