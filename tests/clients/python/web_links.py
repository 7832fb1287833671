"""Stories of links: forwarded, forged, expired, declined and accepted, read by a scanner."""

import re
import shutil
import subprocess
import tempfile

from story import expect
from web_browser import FLAGS
from web_truth import agrees, tells
from web_world import Outside, ask

# Seconds of the browser's time that a scanner gives a page; it passes as fast as the page allows.
SCANNED = 20


def a_forwarded_unsubscribe_link_cannot_say_yes(world, browser):
    fay, friend = "fay@example.org", "friend@example.org"
    world.register(fay)
    links, own = world.links(fay, "theater/premieren"), world.links(friend, "theater/premieren")
    browser.open(links.unsubscribe_url)
    browser.press("Unsubscribe")
    browser.says("You are unsubscribed", "Premieren (Stadttheater)")
    expect(world.answer(fay, "theater/premieren"), "DENIED_OPTED_OUT_TOPIC", "after the no")
    kinds, sent = world.kinds(fay), world.sent(fay)
    token = links.unsubscribe_token
    for page in ("p", "r", "c"):
        browser.open(f"{world.pages}/{page}/{token}")
        expect(browser.title(), "This link does not work", f"the token under /{page}/")
    # Forms of whoever the mail was forwarded to: with the seals of pages that they may open.
    browser.open(own.preferences_url)
    seals = ["", browser.seal()]
    browser.open(links.unsubscribe_url)
    seals.append(browser.seal())
    yeses = [{"topic": "theater/premieren"}, {"answer": "accept"}, {"was": "festival/newsletter", "topic": "theater/jugend"}]
    outside = Outside()
    for page in ("p", "r", "c"):
        for seal in seals:
            for form in [*yeses, {}]:
                status, _ = ask(f"{world.pages}/{page}/{token}", {"seal": seal, **form})
                expect(status, 404, f"{form} to /{page}/")
    # The same from a page of somebody else's, through the browser.
    fields = "".join(f"<input name='{name}' value='{value}'>" for name, value in
                     [("seal", seals[2]), ("topic", "theater/premieren"), ("answer", "accept")])
    for target in [f"/p/{token}", f"/u/{token}", f"/p/{own.preferences_token}"]:
        form = f"<form method=post action='{world.pages}{target}'>{fields}<button>Win</button></form>"
        browser.open(outside.serve("/forged", f"<!doctype html>{form}"))
        browser.press("Win")
        answers = ("This link does not work", "That did not work", "You are unsubscribed")
        assert browser.title() in answers, browser.text()
    # What a form with this page's own seal says to /u/ is no, whatever else it holds.
    expect((world.kinds(fay), world.sent(fay), world.sent(friend)), ([*kinds, "OPTED_OUT"], sent, set()), "no yes came of it")


def an_expired_link_says_no_and_not_yes(world, browser):
    """On a server whose clock goes on by 401 days."""
    gil = "gil@example.org"
    world.register(gil)
    world.grant(gil, "theater/premieren")
    links, asked = world.links(gil), world.links(gil, campaign="ask")
    expect(world.sent(gil), {"festival/newsletter", "festival/programm", "theater/premieren"}, "what is sent")
    world.jump(401)
    browser.open(links.preferences_url)
    browser.says("This link is too old to subscribe with; you can unsubscribe with it.")
    expect({box.get_attribute("value") for box in browser.all("input[name=topic]:disabled")},
           {topic for topic, ticked in browser.boxes().items() if not ticked}, "the boxes that cannot be ticked")
    status, page = ask(links.preferences_url, {
        "seal": browser.seal(), "was": ["festival/newsletter", "festival/programm"],
        "topic": ["festival/newsletter", "festival/programm", "theater/jugend"]})
    assert status == 200 and "Not everything could be saved" in page and "this link is too old" in page, page
    expect(world.answer(gil, "theater/jugend"), "DENIED_NOT_REQUESTED", "a yes that was forged into the form")
    browser.tick("theater/premieren")
    browser.press("Save")
    agrees(world, browser, gil)
    expect(world.sent(gil), {"festival/newsletter", "festival/programm"}, "the no is taken")
    browser.open(asked.preferences_url)
    browser.says("This link is too old to subscribe with")
    expect([button.text for button in browser.all("button")], ["No, thank you"], "the buttons of an old request")
    status, page = ask(asked.preferences_url, {"seal": browser.seal(), "answer": "accept"})
    assert status == 200 and "Not subscribed: this link is too old" in page, page
    browser.press("No, thank you")
    expect(world.answer(gil, "festival/newsletter"), "DENIED_REFUSED", "declined with an old link")
    browser.open(links.unsubscribe_url)
    browser.press("Unsubscribe from everything from Bühne GmbH")
    expect(world.sent(gil), set(), "unsubscribed with an old link")


def a_consent_request_is_declined_then_accepted(world, browser):
    hal = "hal@example.org"
    world.register(hal)
    link = world.links(hal, "orient/arabic", "ask").preferences_url
    assert link.startswith(f"{world.pages}/r/"), link
    browser.open(link)
    expect(browser.title(), "May we write to you?", "the page")
    browser.press("No, thank you")
    browser.says("You declined")
    expect(world.answer(hal, "orient/arabic"), "DENIED_REFUSED", "after the no")
    common = world.s["common"]
    status = world.consent.GetStatus(world.s["consent"].GetStatusRequest(address=hal))
    states = {(scope.scope.topic.topic, common.ConsentState.Name(scope.state)) for scope in status.consents}
    assert ("arabic", "CONSENT_STATE_REFUSED") in states, states
    expect(world.kinds(hal), ["REGISTERED", "CONSENT_REFUSED"], "what is on record")
    browser.open(link)
    browser.press("Yes, I agree")
    browser.says("Thank you: you are subscribed")
    tells(world, browser, hal, "orient/arabic")
    expect(world.answer(hal, "orient/arabic"), "ALLOWED_CONSENT", "after the yes")
    yes = world.history(hal)[-1]
    expect(common.EventKind.Name(yes.kind), "EVENT_KIND_RESUBSCRIBED", "what is on record")
    shown = ["مسرح الشرق (2026).\nBühne GmbH asks whether it may send you: ", "\nBy pressing \u201cYes, I agree\u201d you agree that Bühne GmbH"]
    assert all(part in yes.evidence.wording for part in shown), yes.evidence
    expect(yes.evidence.source, "consent request", "where it was said")
    expect(world.sent(hal), {"festival/newsletter", "festival/programm", "orient/arabic"}, "that alone was asked for")
    world.block(hal, "orient")
    browser.open(link)
    browser.press("Yes, I agree")
    tells(world, browser, hal, "orient/arabic")
    assert browser.title() != "Thank you: you are subscribed", "what staff stopped is promised"


def scan(url):
    """A mail scanner that renders: it loads, runs scripts, and lets time pass. The page as it is then."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [shutil.which("chromium"), *FLAGS, f"--user-data-dir={profile}"]
        command += [f"--virtual-time-budget={SCANNED * 1000}", "--dump-dom", url]
        return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode()


def a_link_scanner_changes_nothing(world, browser):
    ivy = "ivy@example.org"
    world.register(ivy)
    links, asked = world.links(ivy), world.links(ivy, campaign="ask")
    # It would find a page out that sends something by itself: after most of its time.
    outside = Outside()
    trap = f"<script>setTimeout(() => fetch('/sent', {{method: 'POST'}}), {SCANNED * 900})</script>"
    scan(outside.serve("/trap", trap))
    expect(len(outside.asked_for("POST /sent")), 1, "a page that sends something by itself is found out")
    pages = [links.unsubscribe_url, links.preferences_url, f"{links.preferences_url}/data", asked.preferences_url,
             world.confirm_link(ivy, "theater/premieren"), f"{world.pages}/s/festival", f"{world.pages}/"]
    head, kinds, followed = world.head(), world.kinds(ivy), set(pages)
    for url in pages:
        page = scan(url)
        assert "<main>" in page and "<h1>" in page, page
        for href in re.findall(r"href=[\"']([^\"']*)", page):
            href = href.replace("&amp;", "&")
            target = href if href.startswith("http") else world.pages + href if href.startswith("/") else url + href
            if target.startswith(world.pages):
                followed.add(target)
    for url in followed:
        for method in ("GET", "HEAD", "OPTIONS"):
            status, _ = ask(url, method=method)
            assert status < 500, f"{method} {url}: {status}"
    expect((world.head(), world.kinds(ivy)), (head, kinds), "the ledger's head, after every page and link")
    assert len(followed) >= 2 * len(pages), followed
    return f"{len(pages)} pages for {SCANNED} s each, {len(followed)} links by GET, HEAD and OPTIONS"


STORIES = [
    a_forwarded_unsubscribe_link_cannot_say_yes, a_consent_request_is_declined_then_accepted,
    a_link_scanner_changes_nothing,
]
