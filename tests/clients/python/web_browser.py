"""A person at a browser: headless Chromium, driven through chromedriver.

It waits for what is to come, never for a time. A profile is fresh and goes with its browser.
"""

import json
import shutil
import tempfile

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from web_world import PATIENCE

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]
PHONE, DESK = (320, 640), (1280, 900)
GERMAN, ENGLISH = "de-AT,de;q=0.9,en;q=0.5", "en-GB,en;q=0.9"
# Around each name that a sentence of ours holds, so that its direction stays its own.
ISOLATES = dict.fromkeys(map(ord, "\u2068\u2069"))


class Browser:
    def __init__(self, languages=ENGLISH, script=True, images=True, font=None):
        self.profile = tempfile.mkdtemp(prefix="web-profile-")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in [*FLAGS, f"--user-data-dir={self.profile}"]:
            options.add_argument(flag)
        preferences = {"intl.accept_languages": ",".join(tag.split(";")[0] for tag in languages.split(","))}
        block = "profile.managed_default_content_settings."
        preferences |= {} if script else {block + "javascript": 2}
        preferences |= {} if images else {block + "images": 2}
        preferences |= {"webkit.webprefs.default_font_size": font} if font else {}
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        self.cdp = self.driver.execute_cdp_cmd
        self.run, self.visits = self.driver.execute_script, 0
        self.size(DESK)

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # How it shows.
    def size(self, of):
        width, height = of
        self.cdp("Emulation.setDeviceMetricsOverride",
                 {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": of == PHONE})

    def media(self, scheme="light", media=""):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.cdp("Emulation.setEmulatedMedia", {"media": media, "features": features})

    # What one does.
    def open(self, url):
        self.driver.get(url)

    def press(self, label):
        """The button or link of this label, and what it leads to."""
        self.leads_on(self.find(label).click)

    def leads_on(self, act):
        """Until another document than this one is there, whole."""
        self.visits += 1
        self.run("window.visit = arguments[0]", self.visits)
        act()
        self.wait(self.is_elsewhere)

    def is_elsewhere(self, _):
        try:
            return self.run("return document.readyState == 'complete' && window.visit !== arguments[0]", self.visits)
        except WebDriverException:
            # Between two documents there is none.
            return False

    def tick(self, topic):
        self.check(f'input[name=topic][value="{topic}"]')

    def check(self, box):
        # Its words are what a finger meets.
        self.one(box).find_element(By.XPATH, "ancestor::label").click()

    def double_click(self, label):
        button = self.find(label)
        self.leads_on(ActionChains(self.driver, duration=0).double_click(button).perform)

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    # What one sees.
    def wait(self, until):
        return WebDriverWait(self.driver, PATIENCE, 0.02).until(until)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def find(self, label):
        found = [e for e in self.all("a, button") if plain(e.text) == label]
        assert len(found) == 1, f"{len(found)} of `{label}` on: {self.text()}"
        return found[0]

    def title(self):
        return plain(self.one("h1").text)

    def text(self):
        return plain(self.one("body").text)

    def says(self, *parts):
        text = self.text()
        for part in parts:
            assert part in text, f"the page does not say `{part}`:\n{text}"

    def boxes(self):
        """Which topics are ticked."""
        return {box.get_attribute("value"): box.is_selected() for box in self.all("input[name=topic]")}

    def focused(self):
        """The name of the field that one would type into."""
        return self.run("return document.activeElement.name")

    def seal(self):
        return self.one("input[name=seal]").get_attribute("value")

    # What it asked for.
    def forget_traffic(self):
        self.driver.get_log("performance")

    def traffic(self, *methods):
        """The events of the network since the last look."""
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [(entry["method"].removeprefix("Network."), entry["params"]) for entry in entries
                if entry["method"].removeprefix("Network.") in methods]


def plain(text):
    return text.translate(ISOLATES).strip()
