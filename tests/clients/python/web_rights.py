"""Stories of what owners ask for: what is held about them, and to be erased. People answer both."""

import grpc

from story import expect
from web_truth import agrees
from web_world import TOPICS, ask

DATA = "Your data: what we hold, and having it erased"
UNSURE = "Please tick that you are sure. Nothing was changed."
ERASED = "Your data were erased."
# Days of the month that people have for an answer (GDPR Art. 12(3)).
MONTH = range(28, 32)


def data_page(browser, link):
    browser.open(link)
    browser.press(DATA)
    expect(browser.title(), "Your data", "the page of requests")


def reference(browser):
    """What a page gives a person to quote."""
    expect(browser.title(), "Your request is recorded", "the answer")
    return browser.text().split("Your reference: ")[1].split()[0]


def asking_what_is_held_changes_no_verdict(world, browser):
    una = "una@example.org"
    world.register(una)
    world.grant(una, "theater/premieren")
    ask(world.links(una, "festival/programm").unsubscribe_url, {"List-Unsubscribe": "One-Click"})
    links = world.links(una)
    before = world.answers(una)
    data_page(browser, links.preferences_url)
    browser.says("For the address u***@example.org", "Bühne GmbH")
    expect(len(browser.all("input[name=email]")), 0, "fields for an address that is known")
    expect(browser.one("input[name=sure]").is_selected(), False, "the tick of an erasure")
    expect(world.access_requests(una), [], "what the page alone asks for")
    browser.double_click("Ask for my data")
    named = reference(browser)
    (asked,) = world.access_requests(una)
    expect((asked.id, asked.requested_by.id), (named, "owner"), "what people find in their queue")
    days = round((asked.due_at.seconds - asked.requested_at.seconds) / 86400)
    assert days in MONTH, f"{days} days for the answer"
    expect((world.answers(una), world.erasure_cases("PENDING")), (before, []), "what asking changed")
    # Back, and once more: it is the same request.
    browser.leads_on(browser.driver.back)
    browser.press("Ask for my data")
    expect((reference(browser), len(world.access_requests(una))), (named, 1), "asked again")
    # A form without the page's seal asks for nothing, nor does the link that only unsubscribes.
    form = {"request": "access"}
    expect(ask(links.preferences_url + "/data", form)[0], 400, "a form that nobody loaded")
    expect(ask(f"{world.pages}/p/{links.unsubscribe_token}/data", form)[0], 404, "an unsubscribe link")
    world.answer_access(named, "mona", "data sheet sent by mail")
    expect((world.access_requests(una), world.answers(una)), ([], before), "answered by people")
    data_page(browser, links.preferences_url)
    browser.press("Ask for my data")
    assert reference(browser) != named, "asked anew after the answer"


def who_is_known_by_no_address_types_it(world, browser):
    vera = "vera@example.org"
    data_page(browser, world.links(vera).preferences_url)
    told = "This is not the address that the mail with this link came to. Nothing was changed."
    for typed in ("", "vera at example.org", "walt@example.org"):
        browser.one("input[type=email]").clear()
        browser.one("input[type=email]").send_keys(typed)
        browser.press("Ask for my data")
        browser.says(told)
        field = browser.one("input[type=email]")
        expect(field.get_attribute("value"), typed, "what was typed stays")
        expect(field.get_attribute("aria-invalid"), "true", "what a screen reader is told")
        expect((browser.focused(), browser.driver.title[:len(told)]), ("email", told), "where one is, and its title")
    expect((world.access_requests(vera), world.kinds(vera)), ([], []), "nothing is recorded")
    browser.one("input[type=email]").clear()
    browser.one("input[type=email]").send_keys("Vera@Example.org")
    browser.check("input[name=sure]")
    browser.press("Ask for my data")
    named = reference(browser)
    expect([asked.id for asked in world.access_requests(vera)], [named], "with her address people can answer")
    expect(world.erasure_cases("PENDING"), [], "a tick without its button erases nothing")


def erasure_takes_a_tick_and_a_second_person(world, browser):
    walt = "walt@example.org"
    world.register(walt)
    world.grant(walt, "theater/premieren", "seeblick/angebote")
    link = world.links(walt).preferences_url
    before = world.answers(walt)
    expect(before["festival/tickets"], "ALLOWED_TRANSACTIONAL", "mail about an order")
    data_page(browser, link)
    browser.press("Ask for erasure")
    browser.says(UNSURE)
    expect(browser.focused(), "sure", "where one is")
    expect((world.answers(walt), world.erasure_cases("PENDING")), (before, []), "without the tick")
    browser.check("input[name=sure]")
    browser.press("Ask for erasure")
    named = reference(browser)
    browser.says("Nothing more is sent to this address from now on.")
    expect(set(world.answers(walt).values()), {"DENIED_ERASURE_PENDING"}, "every mailing, whatever it is about")
    (case,) = world.erasure_cases("PENDING")
    expect((case.id, case.address, case.requested_by.id), (named, walt, "owner"), "what reviewers find")
    # The preference center tells it, takes a no and no yes.
    browser.open(link)
    browser.says("The erasure of your data has been asked for.")
    agrees(world, browser, walt)
    form = {"seal": browser.seal(), "was": ["festival/newsletter"], "topic": ["festival/newsletter", "theater/jugend"]}
    status, page = ask(link, form)
    assert status == 200 and "Not everything could be saved" in page, page
    browser.tick("theater/premieren")
    browser.press("Save")
    browser.says("Saved.")
    agrees(world, browser, walt)
    expect(set(world.answers(walt).values()), {"DENIED_ERASURE_PENDING"}, "after a forged yes and a no")
    browser.press(DATA)
    expect([button.text for button in browser.all("button")], ["Ask for my data"], "what is left to ask for")
    # Whoever asked does not decide, and nothing is erased by asking twice.
    try:
        world.approve(named, "owner")
        raise AssertionError("the one who asked may approve it")
    except grpc.RpcError as error:
        expect(error.code(), grpc.StatusCode.PERMISSION_DENIED, "who asked, as who approves")
    certificate = world.approve(named, "leni")
    expect((certificate.id, certificate.approved_by.id), (named, "leni"), "the certificate")
    assert certificate.events_erased >= 4, certificate
    expect(set(world.answers(walt).values()), {"DENIED_ERASED"}, "every mailing, for good")
    expect(world.erasure_cases("PENDING"), [], "what is left to decide")
    expect([(case.id, case.address) for case in world.erasure_cases("ERASED")], [(named, "")], "what was decided")
    # The old link tells it, wherever it leads, and brings nothing back.
    for url in (link, f"{link}/data"):
        browser.open(url)
        expect(browser.title(), "Your data", url)
        browser.says(ERASED)
        expect(browser.all("button, input"), [], "controls of a page about nothing")
    head = world.head()
    status, page = ask(link, form)
    assert status == 200 and ERASED in page, page
    browser.open(world.links(walt).unsubscribe_url)
    browser.press("Unsubscribe")
    expect((set(world.answers(walt).values()), world.head()), ({"DENIED_ERASED"}, head), "after a yes and a no")
    return f"{len(before)} mailings of {len(TOPICS)} topics and beyond"


STORIES = [
    asking_what_is_held_changes_no_verdict, who_is_known_by_no_address_types_it, erasure_takes_a_tick_and_a_second_person,
]
