"""What a page says of a topic, held against what Check says of its mailing."""

from story import expect
from web_browser import plain
from web_world import TOPICS

# The sentences of a page by the verdict of Check, in German and English: written down here once more,
# so that a page that mixes two of them up is found.
SAYS = {
    "ALLOWED": ("Sie erhalten das.", "You receive this."),
    "BLOCKED": ("Wird nicht gesendet: Wir haben es von uns aus gesperrt.", "Not sent: we have stopped it ourselves."),
    "OPTED_OUT": ("Wird nicht gesendet: Sie haben sich abgemeldet.", "Not sent: you unsubscribed."),
    "REFUSED": ("Wird nicht gesendet: Sie haben es abgelehnt.", "Not sent: you declined it."),
    "ERASURE_PENDING": ("Wird nicht gesendet: Die Löschung Ihrer Daten wurde verlangt.",
                        "Not sent: the erasure of your data has been asked for."),
    "NONE": ("Wird nicht gesendet: Sie haben sich dafür nicht angemeldet.", "Not sent: you have not subscribed to it."),
}


def sentence(verdict, language):
    kind = verdict.removeprefix("DENIED_")
    if verdict.startswith("ALLOWED"):
        kind = "ALLOWED"
    elif kind.startswith("OPTED_OUT"):
        kind = "OPTED_OUT"
    elif kind in ("UNKNOWN_ADDRESS", "NOT_REQUESTED", "PENDING"):
        kind = "NONE"
    return SAYS[kind][("de", "en").index(language)]


def agrees(world, browser, address):
    """The preference center, line by line: the box, and the sentence beside it."""
    language = browser.one("html").get_attribute("lang")
    boxes = browser.boxes()
    expect(sorted(boxes), sorted(TOPICS), "the topics of the controller, all and no others")
    for topic, ticked in boxes.items():
        verdict = world.answer(address, topic)
        note = plain(browser.one(f'[id="n-{topic}"]').text)
        told = sentence(verdict, language)
        assert note.startswith(told), f"{topic} is {verdict}, and the page says `{note}`"
        # What is stopped by other than the owner's choice the owner may have ticked all the same.
        if verdict not in ("DENIED_BLOCKED", "DENIED_ERASURE_PENDING"):
            expect(ticked, verdict.startswith("ALLOWED"), f"the box of {topic}, which is {verdict}")


def tells(world, browser, address, topic):
    """A page that ends a request or a sign-up: the sentence of its topic, and all else that is sent."""
    language = browser.one("html").get_attribute("lang")
    lines = [plain(line.text) for line in browser.all(".stands .note")]
    told = sentence(world.answer(address, topic), language)
    others = [sentence("ALLOWED", language)] * len(world.sent(address) - {topic})
    expected = sorted([told, *others])
    assert len(lines) == len(expected), f"the page says {lines}, and Check {expected}"
    assert all(line.startswith(right) for line, right in zip(sorted(lines), expected)), f"the page says {lines}, and Check {expected}"
