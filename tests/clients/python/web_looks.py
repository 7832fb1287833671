"""How each page looks and how it is used: narrow, large type, dark, from right to left, by keyboard,
by ear and by axe-core, on paper.

`look` takes the page that a browser is on; what is wrong with it goes to `faults`.
"""

import base64
import pathlib
import re
import subprocess

from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.keys import Keys

from web_browser import DESK, PHONE

# What one may press, tick, type into or follow.
CONTROLS = "a[href], button, input:not([type=hidden])"
# CSS pixels (WCAG 2.5.8).
TARGET = 24

MEASURE = """
const all = selector => [...document.querySelectorAll(selector)].filter(e => e.getClientRects().length > 0);
const box = e => { const r = e.getBoundingClientRect(); return {x: r.x, right: r.right, width: r.width, height: r.height}; };
const name = e => `${e.localName} ${(e.innerText || e.value || '').slice(0, 40)}`;
return {
  scroll: document.scrollingElement.scrollWidth,
  controls: all(arguments[0]).map(e => ({name: name(e), ...box(e)})),
  over: all('body *').filter(e => box(e).right > arguments[1] + 0.5).map(name),
  ticks: all('.tick').map(e => ({name: name(e), box: box(e.children[0]), words: box(e.children[1])})),
  turned: all('h1, p:not(.text)').filter(e => getComputedStyle(e).direction != 'ltr').map(name),
};
"""

AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})
  .then(r => done(r.violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html).join(' | ')}`)))
  .catch(e => done([String(e)]));
"""

# Luminance of what is written, 0 (black) to 255.
INK = """
const channels = e => getComputedStyle(e).color.match(/[\\d.]+/g).map(Number);
const light = e => { const [r, g, b] = channels(e); return .2126 * r + .7152 * g + .0722 * b; };
const printed = [...document.querySelectorAll('main, main *, header *')]
  .filter(e => e.getClientRects().length > 0 && e.textContent.trim());
return Math.max(...printed.map(light));
"""

FOCUSED = """
const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
return {at: [...document.querySelectorAll(arguments[0])].indexOf(e), style: s.outlineStyle,
        width: parseFloat(s.outlineWidth), top: r.top + scrollY, visible: r.top >= -1 && r.bottom <= innerHeight + 1};
"""


class Looks:
    """`shots` is where pictures go; `axe` is the source of axe-core."""

    def __init__(self, browser, axe, shots):
        self.browser, self.axe, self.shots = browser, pathlib.Path(axe).read_text(), pathlib.Path(shots)
        self.shots.mkdir(parents=True, exist_ok=True)
        self.pictures, self.faults = 0, []

    def look(self, page, language):
        self.page = f"{page}, {language}"
        browser = self.browser
        browser.run(self.axe)
        browser.size(DESK)
        self.by_keyboard()
        self.by_ear()
        self.on_paper(f"{page}-{language}-paper")
        # Last: to picture what is below the fold moves the fold.
        for size in (PHONE, DESK):
            browser.size(size)
            self.fits(size[0])
            for scheme in ("light", "dark"):
                browser.media(scheme)
                self.no_violation(scheme)
                self.picture(f"{page}-{language}-{size[0]}-{scheme}")
        browser.media()

    def right(self, is_right, what):
        if not is_right:
            self.faults.append(f"{self.page}: {what}")

    def fits(self, width):
        """Nothing goes beyond the right edge, and what one presses is large enough."""
        seen = self.browser.run(MEASURE, CONTROLS, width)
        self.right(seen["scroll"] <= width and not seen["over"], f"scrolls sideways at {width}: {seen}")
        small = [control for control in seen["controls"] if min(control["width"], control["height"]) < TARGET]
        self.right(not small, f"smaller than {TARGET} pixels: {small}")
        covered = [tick for tick in seen["ticks"] if tick["box"]["right"] > tick["words"]["x"]]
        self.right(not covered, f"boxes on their words: {covered}")
        self.right(len({tick["box"]["x"] for tick in seen["ticks"]}) <= 1, f"boxes out of line: {seen['ticks']}")
        # A name that runs from right to left does not turn our sentence around it.
        self.right(not seen["turned"], f"sentences from right to left: {seen['turned']}")

    def no_violation(self, scheme):
        found = self.browser.driver.execute_async_script(AXE)
        self.right(not found, f"{scheme}: axe-core: {found}")

    def picture(self, name):
        """The whole page, also what is below the fold."""
        size = self.browser.cdp("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.browser.cdp("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        (self.shots / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
        self.pictures += 1

    def by_keyboard(self):
        """Tab comes to each control, in the order of reading, and shows where it is."""
        browser = self.browser
        usable = [i for i, e in enumerate(browser.all(CONTROLS)) if e.is_enabled()]
        # From the top, also where a field that lacks something has the focus from the start.
        browser.run("const b = document.body; b.tabIndex = -1; b.focus(); b.removeAttribute('tabindex'); scrollTo(0, 0)")
        browser.cdp("Runtime.evaluate", {"expression": "getSelection().removeAllRanges()"})
        reached, top = [], 0
        for _ in usable:
            browser.keys(Keys.TAB)
            try:
                browser.wait(lambda _: browser.run(FOCUSED, CONTROLS)["visible"])
            except TimeoutException:
                self.right(False, f"the focus is out of sight: {browser.run(FOCUSED, CONTROLS)}")
            seen = browser.run(FOCUSED, CONTROLS)
            self.right(seen["style"] not in ("none", "hidden") and seen["width"] >= 2, f"no focus to be seen: {seen}")
            self.right(seen["top"] >= top - 30, f"the focus jumps back: {seen}")
            top = seen["top"]
            reached.append(seen["at"])
        browser.run("document.activeElement.blur()")
        self.right(reached == usable, f"Tab reaches {reached} of {usable}")

    def by_ear(self):
        """What a screen reader is given: the name of each control, and beside each topic how it stands."""
        nodes = [node for node in self.browser.cdp("Accessibility.getFullAXTree", {})["nodes"] if not node["ignored"]]
        controls = [{part: str(node.get(part, {}).get("value", "")).strip() for part in ("role", "name", "description")}
                    for node in nodes]
        controls = [control for control in controls if control["role"] in ("button", "link", "checkbox", "textbox")]
        self.right(len(controls) == len(self.browser.all(CONTROLS)), f"controls of another role: {controls}")
        self.right(all(control["name"] for control in controls), f"without a name: {controls}")
        described = [control for control in controls if control["role"] == "checkbox" and control["description"]]
        self.right(len(described) >= len(self.browser.all(".topic")), f"how they stand goes unsaid: {controls}")

    def on_paper(self, name):
        """It prints in black, also where the screen is dark, and without what paper cannot do."""
        browser = self.browser
        printed = base64.b64decode(browser.cdp("Page.printToPDF", {"printBackground": False})["data"])
        text = subprocess.run(["pdftotext", "-", "-"], input=printed, check=True, capture_output=True).stdout.decode()
        command = ["pdftoppm", "-png", "-singlefile", "-r", "72", "-", str(self.shots / name)]
        subprocess.run(command, input=printed, check=True)
        self.pictures += 1
        squeezed = lambda words: re.sub(r"\s|[\u2066-\u2069\u200e\u200f]", "", words)
        self.right(squeezed(browser.title()) in squeezed(text), f"its heading is not on paper: {text}")
        browser.media("dark", "print")
        shown = [e.text for e in browser.all("button, .language a") if e.is_displayed()]
        self.right(not shown, f"on paper, and useless there: {shown}")
        ink = browser.run(INK)
        self.right(ink <= 64, f"printed in a light color: {ink}")
        browser.media()


def by_keyboard_alone(world, browser):
    """A whole story without a mouse."""
    pia = "pia@example.org"
    world.register(pia)
    browser.open(world.links(pia).preferences_url)

    def go_to(selector):
        for _ in range(40):
            browser.keys(Keys.TAB)
            if browser.run("return document.activeElement.matches(arguments[0])", selector):
                return
        raise AssertionError(f"Tab does not come to {selector}")

    go_to("[value='festival/newsletter']")
    browser.keys(Keys.SPACE)
    go_to("[value='theater/premieren']")
    browser.keys(Keys.SPACE)
    go_to("main button")
    browser.leads_on(lambda: browser.keys(Keys.ENTER))
    browser.says("Saved.")
    assert world.sent(pia) == {"festival/programm", "theater/premieren"}, world.sent(pia)
    # Enter in a box saves what is ticked, and never the button that ends everything.
    go_to("[value='orient/hebrew']")
    browser.keys(Keys.SPACE)
    browser.leads_on(lambda: browser.keys(Keys.ENTER))
    assert world.sent(pia) == {"festival/programm", "theater/premieren", "orient/hebrew"}, world.sent(pia)
    browser.open(world.links(pia, "orient/hebrew").unsubscribe_url)
    go_to("main button")
    browser.leads_on(lambda: browser.keys(Keys.SPACE))
    assert world.sent(pia) == {"festival/programm", "theater/premieren"}, world.sent(pia)
