"""Stories of the preference center: out of everything, back for one topic, back button, two clicks."""

import concurrent.futures

from story import expect
from web_browser import ENGLISH, GERMAN, Browser
from web_truth import agrees
from web_world import TOPICS, ask

NOBODY = set()


def out_of_everything_by_one_click(world, browser):
    ann = "ann@example.org"
    world.register(ann)
    world.grant(ann, "theater/premieren", "orient/arabic")
    world.grant(ann, "seeblick/angebote")
    expect(world.sent(ann), {"festival/newsletter", "festival/programm", "theater/premieren", "orient/arabic"},
           "what is sent before")
    browser.open(world.links(ann).preferences_url)
    browser.says("For the address a***@example.org")
    agrees(world, browser, ann)
    browser.press("Unsubscribe from everything from Bühne GmbH")
    browser.says("Saved. This is how it stands now:")
    agrees(world, browser, ann)
    expect(world.sent(ann), NOBODY, "what is sent")
    expect(world.answer(ann, "festival/newsletter"), "DENIED_OPTED_OUT_CONTROLLER", "why")
    expect(world.answer(ann, "seeblick/angebote"), "ALLOWED_CONSENT", "another company's brand, which was not asked")


def back_for_one_topic_and_one_that_staff_stopped(world, browser):
    bob = "bob@example.org"
    world.register(bob)
    link = world.links(bob).preferences_url
    browser.open(link)
    browser.press("Unsubscribe from everything from Bühne GmbH")
    expect(world.sent(bob), NOBODY, "what is sent")
    world.block(bob, "festival")
    browser.open(link)
    browser.tick("festival/newsletter")
    browser.tick("theater/premieren")
    browser.press("Save")
    expect(world.sent(bob), {"theater/premieren"}, "what is sent")
    expect(world.answer(bob, "festival/newsletter"), "DENIED_BLOCKED", "what staff stopped")
    # The owner's word is taken, and the page does not promise more than that.
    expect([topic for topic, ticked in browser.boxes().items() if ticked],
           ["festival/newsletter", "theater/premieren"], "what is ticked")
    agrees(world, browser, bob)
    browser.says("Please ask us if you want it again.")
    yes = world.history(bob)[-1].evidence
    assert yes.wording.endswith("with the link in every mail.") and "Bühne GmbH" in yes.wording, yes.wording
    expect((yes.language, yes.ip), ("en", "127.0.0.0"), "its evidence")
    assert "Chrome" in yes.user_agent, yes.user_agent
    # One topic off again, by unticking it.
    browser.tick("theater/premieren")
    browser.press("Save")
    agrees(world, browser, bob)
    expect(world.sent(bob), NOBODY, "what is sent")


def back_button_and_the_same_again(world, browser):
    cleo = "cleo@example.org"
    world.register(cleo)
    browser.open(world.links(cleo).preferences_url)
    browser.tick("theater/premieren")
    browser.tick("festival/programm")
    browser.press("Save")
    after, kinds = world.sent(cleo), world.kinds(cleo)
    expect(after, {"festival/newsletter", "theater/premieren"}, "what is sent")
    # Back: whatever the browser shows there, kept or loaded anew, sending it does no harm.
    browser.leads_on(browser.driver.back)
    expect(browser.boxes()["theater/premieren"], True, "the box, back on the page")
    browser.press("Save")
    # But for a no that is said again.
    expect((world.sent(cleo), set(world.kinds(cleo))), (after, set(kinds)), "after the same again")
    agrees(world, browser, cleo)
    # Reload sends the form once more.
    browser.leads_on(browser.driver.refresh)
    expect((world.sent(cleo), set(world.kinds(cleo))), (after, set(kinds)), "after a reload of the answer")
    # A page that lay open since before a later no does not undo it.
    browser.open(world.links(cleo).preferences_url)
    ask(world.links(cleo, "theater/premieren").unsubscribe_url, {"List-Unsubscribe": "One-Click"})
    browser.tick("orient/hebrew")
    browser.press("Save")
    expect(world.sent(cleo), {"festival/newsletter", "orient/hebrew"}, "the later no stands")
    agrees(world, browser, cleo)


def two_clicks_are_one(world, browser):
    dora = "dora@example.org"
    world.register(dora)
    links = world.links(dora, "theater/premieren")
    browser.open(links.preferences_url)
    browser.tick("theater/premieren")
    browser.forget_traffic()
    browser.double_click("Save")
    browser.says("Saved.")
    sent = [request["request"]["method"] for _, request in browser.traffic("requestWillBeSent")].count("POST")
    expect(world.kinds(dora), ["REGISTERED", "CONSENT_GRANTED"], f"one event of {sent} submissions")
    agrees(world, browser, dora)
    # The same form twice for certain, without a browser that might hold the second back.
    browser.open(links.preferences_url)
    form = {"seal": browser.seal(), "was": "theater/premieren"}
    with concurrent.futures.ThreadPoolExecutor() as at_once:
        answers = list(at_once.map(lambda _: ask(links.preferences_url, form)[0], range(3)))
    # A no that the owner says again is kept as one more proof, and nothing else comes of it.
    expect((answers, world.kinds(dora)[2:]), ([200] * 3, ["OPTED_OUT"] * 3), "an unticked box, sent thrice at once")
    stands = world.sent(dora)
    browser.open(links.unsubscribe_url)
    browser.double_click("Unsubscribe")
    browser.says("You are unsubscribed")
    expect((world.sent(dora), set(world.kinds(dora)[2:])), (stands, {"OPTED_OUT"}), "a no twice")
    return f"the browser sent the first double click {'twice' if sent == 2 else 'once'}"


def german_and_english(world, browser):
    emil = "emil@example.org"
    world.register(emil)
    link = world.links(emil).preferences_url
    with Browser(GERMAN) as german:
        german.open(link)
        expect((german.one("html").get_attribute("lang"), german.title()), ("de", "Was dürfen wir Ihnen senden?"),
               "as the browser asks")
        agrees(world, german, emil)
        german.says("Sommerfestival", "Monatsprogramm", "Hier bestimmen Sie", "Impressum")
        german.press("English")
        expect((german.one("html").get_attribute("lang"), german.title()), ("en", "What may we send you?"),
               "as the link says")
        german.says("Summer Festival", "Monthly program", "Here you decide", "Imprint")
        german.tick("theater/premieren")
        german.press("Save")
        german.says("Saved. This is how it stands now:")
        expect(world.history(emil)[-1].evidence.language, "en", "the language of what was read")
        german.press("Deutsch")
        german.tick("orient/arabic")
        german.press("Speichern")
        german.says("Gespeichert. So steht es jetzt:")
        agrees(world, german, emil)
        yes = world.history(emil)[-1].evidence
        assert yes.language == "de" and "stimmen Sie zu, dass Bühne GmbH" in yes.wording, yes
        expect(world.sent(emil), {"festival/newsletter", "festival/programm", "theater/premieren", "orient/arabic"},
               "what is sent")
    for languages, told in [("fr-FR,fr", "en"), ("fr-FR,de", "de"), (ENGLISH, "en")]:
        with Browser(languages) as other:
            other.open(link)
            expect(other.one("html").get_attribute("lang"), told, f"for who reads {languages}")


STORIES = [
    out_of_everything_by_one_click, back_for_one_topic_and_one_that_staff_stopped, back_button_and_the_same_again,
    two_clicks_are_one, german_and_english,
]
