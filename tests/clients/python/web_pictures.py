"""The pictures of the preference center for README, with the example catalog: into docs/.

usage: web_pictures.py PATH-TO-MAYSEND     (in the venv of tests/web; needs Debian's pngquant too)
"""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile

import story
from web_browser import Browser
from web_world import World, ask

# A typeface as most people have it, where Debian's own is far wider.
TYPE = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include><match target="pattern"><edit name="family"
mode="prepend" binding="strong"><string>Liberation Sans</string></edit></match></fontconfig>"""

# Name, language, color scheme, CSS pixels across, and how many of the picture make one of those.
PICTURES = [
    ("preference-center", "en", "light", 760, 2),
    ("preference-center-phone", "de", "dark", 360, 2),
]


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="web-pictures-"))
    (work / "fonts.conf").write_text(TYPE)
    os.environ["FONTCONFIG_FILE"] = str(work / "fonts.conf")
    (work / "stubs").mkdir()
    world = World(sys.argv[1], story.stubs(work / "stubs"), work / "data", catalog=story.CATALOG)
    anna = "anna@example.com"
    world.register(anna)
    world.grant(anna, "stadttheater/newsletter", "stadttheater/jugend")
    ask(world.links(anna, campaign="2026-11-advent").unsubscribe_url, {"List-Unsubscribe": "One-Click"})
    link = world.links(anna, campaign="2026-11-advent").preferences_url
    with Browser() as browser:
        for name, language, scheme, width, scale in PICTURES:
            browser.media(scheme)
            size = {"width": width, "height": 400, "deviceScaleFactor": scale, "mobile": scheme == "dark"}
            browser.cdp("Emulation.setDeviceMetricsOverride", size)
            browser.open(f"{link}?lang={language}")
            page = browser.cdp("Page.getLayoutMetrics", {})["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": width, "height": page["height"], "scale": 1}
            shot = browser.cdp("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            small = subprocess.run(["pngquant", "--speed", "1", "96", "-"], input=base64.b64decode(shot["data"]),
                                   check=True, capture_output=True).stdout
            (story.ROOT / "docs" / f"{name}.png").write_bytes(small)
            print(f"{name}: {len(small)} octets")
    world.stop()


if __name__ == "__main__":
    main()
