#!/usr/bin/env python3
"""Runs the ExecStart of packaging/systemd/maysend.service as systemd would: its words, its
environment, a NOTIFY_SOCKET that this script owns, its ExecReload and SIGTERM. Only the three
directories lie elsewhere.

    exec_start.py BINARY
"""
import os, pathlib, shlex, signal, socket, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 60


def unit():
    """The lines of [Service]; a key that stands twice has all its values."""
    settings, section = {}, None
    for line in (ROOT / "packaging/systemd/maysend.service").read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            settings.setdefault(key, []).append(value)
    return settings


def words(line, variables):
    """As systemd splits them: ${NAME} is one word, $NAME as many as it has."""
    result = []
    for word in line.split():
        if word.startswith("$") and not word.startswith("${"):
            result += shlex.split(variables.get(word[1:], ""))
        else:
            for name, value in variables.items():
                word = word.replace("${%s}" % name, value)
            result.append(word)
    assert not any("$" in word for word in result), result
    return result


def hear(manager, name):
    """Listens until `name` is said; READY, RELOADING and STOPPING must come in their order."""
    while True:
        said = dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())
        if name in said:
            return said
        early = {"READY", "RELOADING", "STOPPING"} & set(said)
        assert not early, f"{early} before {name}"


def main(binary):
    service = unit()
    assert service["Type"] == ["notify"]
    with tempfile.TemporaryDirectory() as folder:
        moved = {
            "/usr/bin/maysend": binary,
            "/var/lib/maysend": f"{folder}/lib",
            "/run/maysend": f"{folder}/run",
            "/etc/maysend/catalog.toml": str(ROOT / "examples/catalog.toml"),
        }
        os.mkdir(f"{folder}/run")
        os.mkdir(f"{folder}/lib", 0o700)

        def move(text):
            for source, target in moved.items():
                text = text.replace(source, target)
            return text

        variables = dict(value.split("=", 1) for value in service["Environment"])
        for line in (ROOT / "packaging/systemd/maysend.default").read_text().splitlines():
            if line and not line.startswith("#"):
                name, value = line.split("=", 1)
                variables[name] = value
        variables = {name: move(value) for name, value in variables.items()}
        (start,), (reload,) = service["ExecStart"], service["ExecReload"]
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(f"{folder}/notify")
        manager.settimeout(LIMIT)
        watchdog = int(service["WatchdogSec"][0].rstrip("s")) * 1_000_000
        environment = {
            "NOTIFY_SOCKET": f"{folder}/notify",
            "WATCHDOG_USEC": str(watchdog),
            "PATH": os.environ["PATH"],
        }
        with open(f"{folder}/log", "w") as log:
            server = subprocess.Popen(words(move(start), variables), env=environment, stderr=log)
        try:
            ready = hear(manager, "READY")
            print("READY:", ready["STATUS"].replace(folder, "..."))
            asked = subprocess.run(
                [binary, "--server", variables["MAYSEND_LISTEN"], "healthcheck"],
                capture_output=True, text=True)
            assert (asked.returncode, asked.stdout) == (0, "SERVING\n"), asked
            subprocess.run(words(reload, {"MAINPID": str(server.pid)}), check=True)
            assert int(hear(manager, "RELOADING")["MONOTONIC_USEC"]) > 0
            hear(manager, "READY")
            print("RELOADING, READY")
            server.send_signal(signal.SIGTERM)
            hear(manager, "STOPPING")
            assert server.wait(LIMIT) == 0
            print("STOPPING, ended with status 0")
        except BaseException:
            print(pathlib.Path(f"{folder}/log").read_text(), file=sys.stderr)
            raise
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


main(sys.argv[1])
