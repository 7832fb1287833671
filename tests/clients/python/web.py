"""The owner's pages in a real browser, and what they promise, asked of the real gRPC side.

usage: web.py PATH-TO-MAYSEND AXE SHOTS [PART-OF-A-STORY'S-NAME]

AXE is axe.min.js; pictures of every page go to the folder SHOTS. Called by tests/web.
"""

import pathlib
import shutil
import sys
import tempfile
import time

import story
import web_choices
import web_links
import web_looks
import web_private
import web_rights
import web_sign_up
from web_browser import Browser
from web_gallery import OLD, PAGES, Gallery
from web_looks import Looks
from web_private import Traffic
from web_world import World


class Tests:
    def __init__(self, binary, axe, shots, only):
        self.binary, self.axe, self.shots, self.only = binary, axe, shots, only
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="web-"))
        (self.work / "stubs").mkdir()
        self.stubs = story.stubs(self.work / "stubs")
        self.failed, self.open = [], []

    def told(self, name, act):
        name = name.replace("_", " ")
        if self.only not in name:
            return
        began = time.monotonic()
        try:
            told = act() or "ok"
        except (Exception, SystemExit) as error:
            self.failed.append(name)
            kind = "" if isinstance(error, SystemExit) else f"FAILED: {type(error).__name__}: "
            told = f"{kind}{error}"
        print(f"  {name}: {told} ({time.monotonic() - began:.1f} s)", flush=True)

    def world(self, name, **options):
        world = World(self.binary, self.stubs, self.work / name, **options)
        self.open.append(world)
        return world

    def run(self):
        with Browser() as browser:
            self.open.append(mailbox := web_sign_up.Mailbox())
            world = self.world("plain", relay=mailbox.port)
            stories = [*web_choices.STORIES, *web_links.STORIES, *web_rights.STORIES, web_looks.by_keyboard_alone,
                       *web_private.STORIES]
            for tell in stories:
                self.told(tell.__name__, lambda: tell(world, browser))
            for tell in web_sign_up.STORIES:
                self.told(tell.__name__, lambda: tell(world, browser, mailbox))
            clocked = self.world("clocked", clocked=True)
            self.told("an expired link says no and not yes",
                      lambda: web_links.an_expired_link_says_no_and_not_yes(clocked, browser))
        self.told("every page looked at", lambda: self.gallery(mailbox))

    def gallery(self, mailbox):
        """Every page in both languages, on a phone and a desk, light and dark."""
        world = self.world("gallery", relay=mailbox.port, clocked=True)
        with Browser() as browser:
            looks, traffic = Looks(browser, self.axe, self.shots), Traffic(world, browser)
            galleries = [Gallery(world, browser, language) for language in ("de", "en")]

            def show(pages):
                for page in pages:
                    for gallery in galleries:
                        getattr(gallery, page)()
                        looks.faults += traffic.wrong(page)
                        looks.look(page, gallery.language)

            show(PAGES)
            for gallery in galleries:
                gallery.mint()
            world.jump(401)
            show(OLD)
        assert not looks.faults, "".join(f"\n    {fault}" for fault in looks.faults)
        return f"{looks.pictures} pictures, the largest page {traffic.largest} octets on the wire"

    def end(self):
        # The relay last: a server that drains has letters yet.
        for each in reversed(self.open):
            each.stop()


def main():
    binary, axe, shots, *only = sys.argv[1:]
    tests = Tests(binary, axe, shots, *(only or [""]))
    try:
        tests.run()
    finally:
        tests.end()
    if tests.failed:
        raise SystemExit(f"FAILED: {len(tests.failed)}: {', '.join(tests.failed)}; servers' logs: {tests.work}")
    shutil.rmtree(tests.work)
    print("the pages keep what they promise")


if __name__ == "__main__":
    main()
