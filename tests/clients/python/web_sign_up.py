"""Stories of the double opt-in, through a real SMTP server that the test runs and reads."""

import email
import email.policy
import queue
import re

from aiosmtpd.controller import Controller

from story import expect, free_port
from web_browser import GERMAN, Browser
from web_truth import tells
from web_world import PATIENCE, ask, wait

# A confirmation mail that advertises is unlawful itself (VwGH 2012/03/0089).
ADVERTISING = re.compile(
    r"rabatt|gutschein|gratis|kostenlos|gewinn|jetzt|aktion|angebot|exklusiv|sonder|%|!|"
    r"discount|voucher|\b(free|win|now|offers?|sales?)\b|exclusive|special", re.IGNORECASE)


class Mailbox:
    """A relay that takes every mail, and keeps it."""

    def __init__(self):
        self.mails, self.is_busy, self.refused = queue.Queue(), False, 0
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    async def handle_DATA(self, server, session, envelope):
        if self.is_busy:
            self.refused += 1
            return "451 4.3.2 please try again later"
        self.mails.put(envelope)
        return "250 OK"

    def next(self, to):
        """The next mail, as it came and read; it fails where none comes, or one to somebody else."""
        envelope = self.mails.get(timeout=PATIENCE)
        expect(envelope.rcpt_tos, [to], "to whom the mail went")
        return envelope.content, email.message_from_bytes(envelope.content, policy=email.policy.default)

    def stop(self):
        self.controller.stop()


def link_of(mail):
    links = re.findall(r"https?://\S+", mail.get_content())
    expect(len(links), 1, f"links in: {mail.get_content()}")
    return links[0]


def looks_right(world, to, octets, mail, language):
    """A mail that a mailbox takes and a court does not mind."""
    text = mail.get_content()
    expect((mail["To"], mail.get_content_type(), mail.is_multipart()), (to, "text/plain", False), "the mail")
    expect(mail.get_content_charset(), "utf-8", "its charset")
    brand, topic = {"de": ("Sommerfestival", "Monatsprogramm"), "en": ("Summer Festival", "Monthly program")}[language]
    expect(str(mail["From"]), f"{brand} <post@festival.example>", "who sends")
    expect((mail["Auto-Submitted"], mail["Content-Language"]), ("auto-generated", language), "what it is (RFC 3834)")
    expect(mail["List-Id"], "<festival.sommerfestival.example>", "whose list it is for (RFC 2919)")
    for header in ("Date", "Message-ID", "Subject", "MIME-Version"):
        assert mail[header], f"{header} is missing: {octets!r}"
    assert mail["Message-ID"].endswith("@festival.example>"), mail["Message-ID"]
    for header in ("List-Unsubscribe", "Precedence", "Reply-To", "Cc", "Bcc"):
        assert mail[header] is None, f"{header}: {mail[header]}"
    assert max(map(len, octets.split(b"\r\n"))) <= 998 and b"\n" not in octets.replace(b"\r\n", b""), "lines (RFC 5322)"
    assert octets.isascii(), "octets that an old relay may not take"
    found = ADVERTISING.findall(text + str(mail["Subject"]))
    expect(found, [], f"words that advertise in: {text}")
    assert brand in text and topic in text and "Newsletter" not in text, text
    assert link_of(mail).startswith(f"{world.pages}/c/"), text


def sign_up(browser, world, address, *topics):
    browser.open(f"{world.pages}/s/festival")
    assert not any(browser.boxes().values()), "a box that we ticked"
    for topic in topics:
        browser.tick(topic)
    browser.one("input[type=email]").send_keys(address)
    browser.press("Anmelden" if browser.one("html").get_attribute("lang") == "de" else "Sign up")


def a_sign_up_is_confirmed_by_mail(world, browser, mailbox):
    jon, programm = "Jon.Doe@example.org", "festival/programm"
    with Browser(GERMAN) as german:
        sign_up(german, world, jon, programm)
        expect(german.title(), "Bitte sehen Sie in Ihrem Postfach nach", "the answer")
        told = german.text()
        octets, mail = mailbox.next(jon)
        looks_right(world, jon, octets, mail, "de")
        expect(world.sent(jon), set(), "nothing is sent before it is confirmed")
        german.open(link_of(mail))
        expect(german.title(), "Bitte bestätigen Sie Ihre Anmeldung", "what the link shows")
        expect(world.sent(jon), set(), "nothing is sent before the button")
        german.press("Bestätigen")
        tells(world, german, jon, programm)
        expect(world.answer(jon, programm), "ALLOWED_CONSENT", "what was asked for")
        # From now on he is on file, and this brand mails those until they object.
        expect(world.answer(jon, "festival/newsletter"), "ALLOWED_NO_OBJECTION", "what a customer gets")
        expect(world.sent(jon), {programm, "festival/newsletter"}, "what is sent")
        proof = world.history(jon)[-1].evidence
        assert "bestätigen Sie, dass Bühne GmbH" in proof.wording and proof.language == "de", proof
        # Whom we know gets the same answer, and so does who already has it.
        sign_up(german, world, jon, programm)
        expect(german.text(), told, "the answer to somebody known")
        mailbox.next(jon)
    kay = "kay@example.org"
    sign_up(browser, world, kay, programm)
    expect(browser.title(), "Please look into your mailbox", "the answer in English")
    octets, mail = mailbox.next(kay)
    looks_right(world, kay, octets, mail, "en")
    browser.open(link_of(mail))
    browser.double_click("Confirm")
    tells(world, browser, kay, programm)
    expect(world.kinds(kay), ["OPT_IN_BEGUN", "CONSENT_GRANTED"], "two clicks are one")


def a_mailed_link_ends_with_a_no(world, browser, mailbox):
    lea, programm = "lea@example.org", "festival/programm"
    sign_up(browser, world, lea, programm)
    _, mail = mailbox.next(lea)
    ask(world.links(lea, programm).unsubscribe_url, {"List-Unsubscribe": "One-Click"})
    browser.open(link_of(mail))
    browser.press("Confirm")
    expect((browser.title(), world.sent(lea)), ("This link no longer subscribes", set()), "after a later no")


def who_types_a_stranger_s_address_sends_three_mails_a_day(world, browser, mailbox):
    mia = "mia@example.org"
    answers = set()
    for _ in range(5):
        sign_up(browser, world, mia, "festival/programm")
        answers.add(browser.text())
    expect(len(answers), 1, "the answers look alike")
    for _ in range(3):
        mailbox.next(mia)
    # Whatever was to come has come before this one.
    sign_up(browser, world, "last@example.org", "festival/programm")
    mailbox.next("last@example.org")


def what_is_missing_is_told_and_nothing_is_lost(world, browser, mailbox):
    head = world.head()
    sign_up(browser, world, "nora at example.org", "festival/programm")
    browser.says("This is not an e-mail address yet.")
    expect(browser.focused(), "email", "where one is")
    expect(browser.boxes()["festival/programm"], True, "the tick stays")
    expect(browser.one("input[type=email]").get_attribute("value"), "nora at example.org", "what was typed stays")
    browser.tick("festival/programm")
    browser.press("Sign up")
    browser.says("Please tick at least one topic.")
    expect(browser.focused(), "topic", "where one is")
    expect((world.head(), mailbox.mails.qsize()), (head, 0), "nothing is begun")


def a_relay_that_is_busy_gets_the_mail_later(world, browser, mailbox):
    mailbox.is_busy = True
    sign_up(browser, world, "olga@example.org", "festival/programm")
    expect(browser.title(), "Please look into your mailbox", "the answer does not wait for it")
    wait(lambda: mailbox.refused > 0, True, "the relay refuses it")
    mailbox.is_busy = False
    mailbox.next("olga@example.org")


STORIES = [
    a_sign_up_is_confirmed_by_mail, a_mailed_link_ends_with_a_no, who_types_a_stranger_s_address_sends_three_mails_a_day,
    what_is_missing_is_told_and_nothing_is_lost, a_relay_that_is_busy_gets_the_mail_later,
]
