"""What each page keeps to itself, and how little it takes: no other host, no cookie, no referrer, no
script, no picture, under 30 kB.
"""

from story import expect
from web_browser import DESK, PHONE, Browser
from web_looks import CONTROLS, MEASURE
from web_truth import agrees
from web_world import Outside

# Octets on the wire, headers and all.
LARGEST = 30_000


class Traffic:
    """What a browser's pages asked for."""

    def __init__(self, world, browser):
        self.world, self.browser, self.largest = world, browser, 0
        browser.forget_traffic()

    def wrong(self, page):
        """What the pages since the last look did that they should not."""
        wrong = []
        events = self.browser.traffic("requestWillBeSent", "responseReceivedExtraInfo", "loadingFinished")
        for kind, event in events:
            if kind == "requestWillBeSent":
                url = event["request"]["url"]
                wrong += [] if url.startswith((self.world.pages + "/", "data:")) else [f"{page}: asks {url}"]
            elif kind == "responseReceivedExtraInfo":
                headers = {name.lower(): value for name, value in event["headers"].items()}
                if "set-cookie" in headers or headers.get("referrer-policy") != "no-referrer":
                    wrong.append(f"{page}: {headers}")
            else:
                octets = event["encodedDataLength"]
                self.largest = max(self.largest, octets)
                wrong += [] if octets < LARGEST else [f"{page}: {octets} octets"]
        cookies = self.browser.driver.get_cookies()
        return wrong + ([f"{page}: {cookies}"] if cookies else [])


def no_referrer_goes_out(world, browser):
    outside = Outside()
    url = outside.serve("/imprint", "<!doctype html><title>imprint</title>")
    link = world.links("ruth@example.org")
    for page in (link.preferences_url, link.unsubscribe_url, f"{world.pages}/p/none"):
        browser.open(page)
        # A link as a brand may have it, without the attribute that ours bear.
        browser.run("const a = document.createElement('a'); a.href = arguments[0]; a.textContent = 'Out';"
                    "document.querySelector('main').append(a)", url)
        browser.press("Out")
        expect(browser.driver.title, "imprint", "outside")
    asked = outside.asked_for("/imprint")
    expect((len(asked), [headers for headers in asked if "Referer" in headers]), (3, []), "referrers")
    # A link that it has.
    browser.open(link.preferences_url)
    browser.forget_traffic()
    browser.leads_on(browser.find("Imprint").click)
    imprint = "https://sommerfestival.example/impressum"
    sent = [event["request"] for _, event in browser.traffic("requestWillBeSent") if event["request"]["url"] == imprint]
    expect([(request["referrerPolicy"], "Referer" in request["headers"]) for request in sent], [("no-referrer", False)],
           "the request of a link to the imprint")
    # It would be seen: from a page without the policy.
    browser.open(outside.serve("/from", f"<!doctype html><a href='{url}'>Out</a>"))
    browser.press("Out")
    expect(outside.asked_for("/imprint")[-1].get("Referer"), outside.url + "/from", "where there is no policy")


def without_scripts_and_pictures(world, browser):
    sue = "sue@example.org"
    world.register(sue)
    outside = Outside()
    proof = outside.serve("/script", "<!doctype html><title>off</title><script>document.title = 'on'</script>")
    with Browser(script=False, images=False) as bare:
        bare.open(proof)
        expect(bare.driver.title, "off", "scripts")
        bare.open(world.links(sue).preferences_url)
        expect(bare.run("return document.querySelector('.sender img').naturalWidth"), 0, "pixels of a picture")
        bare.says("Summer Festival")
        bare.tick("theater/premieren")
        bare.press("Save")
        bare.says("Saved.")
        agrees(world, bare, sue)
        expect(world.sent(sue), {"festival/newsletter", "festival/programm", "theater/premieren"}, "what is sent")
        bare.open(world.links(sue).unsubscribe_url)
        bare.press("Unsubscribe from everything from Bühne GmbH")
        expect(world.sent(sue), set(), "what is sent")


def large_type(world, browser):
    """Twice the type, as people set it in their browser: nothing is cut off or pushed aside."""
    tom = "tom@example.org"
    world.register(tom)
    links = world.links(tom)
    with Browser(font=32) as large:
        for size in (PHONE, DESK):
            large.size(size)
            for url in (links.preferences_url, links.unsubscribe_url, world.links(tom, campaign="ask").preferences_url,
                        world.confirm_link(tom, "theater/lang"), f"{world.pages}/p/none"):
                large.open(url)
                expect(large.run("return getComputedStyle(document.documentElement).fontSize"), "32px", "the type")
                seen = large.run(MEASURE, CONTROLS, size[0])
                assert seen["scroll"] <= size[0] and not seen["over"], f"{url} at {size}: {seen}"
                written = large.run("return Math.min(...[...document.querySelectorAll('main *')]"
                                    ".map(e => parseFloat(getComputedStyle(e).fontSize)))")
                assert written >= 26, f"{url} at {size}: {written} pixels"


STORIES = [no_referrer_goes_out, without_scripts_and_pictures, large_type]
