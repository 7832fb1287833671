#!/usr/bin/env python3
"""Holds the list of packages that BINARY carries (section .dep-v0, which `cargo auditable build`
writes and scanners of vulnerabilities read) against Cargo.lock and what Cargo says of this build:
every package that is compiled is in it, and nothing that the graph of this build has not.

    sbom.py BINARY
"""
import json, subprocess, sys, tempfile, tomllib, zlib


def fail(text, packages=()):
    names = ", ".join(" ".join(package) for package in sorted(packages))
    sys.exit(f"tests/sbom.py: {text}{': ' if names else ''}{names}")


def output(*words):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout


def carried(binary):
    """The list inside the binary."""
    with tempfile.NamedTemporaryFile() as section:
        # Without such a section it says so, and ends with 0 all the same.
        subprocess.run(["objcopy", "--dump-section", f".dep-v0={section.name}", binary, "/dev/null"],
                       check=True)
        octets = section.read()
    if not octets:
        fail(f"{binary} has no list of its packages inside")
    return json.loads(zlib.decompress(octets))["packages"]


def compiled(target, edges):
    """What Cargo compiles for the binary: its own resolver, features of this build alone."""
    lines = output("cargo", "tree", "--locked", "--target", target, "--edges", edges,
                   "--prefix", "none", "--format", "{p}").splitlines()
    return {(words[0], words[1].removeprefix("v")) for words in map(str.split, lines)}


def graph(target):
    """What `cargo metadata` reaches without the edges of tests. That is a little more than is
    compiled: it adds up the features that tests want, and optional packages that are asked for
    only if they are there."""
    told = json.loads(output("cargo", "metadata", "--locked", "--format-version", "1",
                             "--filter-platform", target))
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    reached, left = set(), [told["resolve"]["root"]]
    while left:
        node = left.pop()
        if node in reached:
            continue
        reached.add(node)
        left += [edge["pkg"] for edge in nodes[node]["deps"]
                 if any(kind["kind"] != "dev" for kind in edge["dep_kinds"])]
    return {(p["name"], p["version"]) for p in told["packages"] if p["id"] in reached}


def main(binary):
    listed = carried(binary)
    every = {(p["name"], p["version"]) for p in listed}
    if len(every) != len(listed):
        fail("a package is listed twice")
    running = {(p["name"], p["version"]) for p in listed if p.get("kind", "runtime") == "runtime"}

    target = next(line.split()[1] for line in output("rustc", "-vV").splitlines()
                  if line.startswith("host:"))
    built = compiled(target, "normal,build")
    if built - every:
        fail("compiled, and not in the list", built - every)
    # Scanners pass over what is listed as of the build alone.
    linked = compiled(target, "normal,no-proc-macro")
    if linked - running:
        fail("linked, and listed as of the build alone", linked - running)
    if every - graph(target):
        fail("in the list, and not in the graph of this build", every - graph(target))

    with open("Cargo.lock", "rb") as file:
        locked = {(p["name"], p["version"]): p for p in tomllib.load(file)["package"]}
    for package in listed:
        key = package["name"], package["version"]
        if key not in locked:
            fail("in the list, and not in Cargo.lock", [key])
        if (package["source"] == "crates.io") != ("checksum" in locked[key]):
            fail(f"from {package['source']}, where Cargo.lock says otherwise", [key])
    roots = [(p["name"], p["version"]) for p in listed if p.get("root")]
    if [name for name, _ in roots] != ["maysend"]:
        fail("not a list of maysend's, but of", roots)
    print(f"{len(every)} packages, each in Cargo.lock: all {len(linked)} that are linked and all "
          f"{len(built)} that are compiled")
    print("listed beyond those, as cargo metadata counts them:",
          ", ".join(" ".join(package) for package in sorted(every - built)) or "none")


main(*sys.argv[1:])
