"""Every page in every state that a person may see, and how one gets there.

Each is a function of a world, a browser and whose it is; it leaves the browser on the page.
"""

from web_world import ask

LABELS = {
    "unsubscribe": {"de": "Abmelden", "en": "Unsubscribe"},
    "everything": {"de": "Alles von Bühne GmbH abbestellen", "en": "Unsubscribe from everything from Bühne GmbH"},
    "save": {"de": "Speichern", "en": "Save"},
    "accept": {"de": "Ja, ich stimme zu", "en": "Yes, I agree"},
    "decline": {"de": "Nein, danke", "en": "No, thank you"},
    "confirm": {"de": "Bestätigen", "en": "Confirm"},
    "access": {"de": "Auskunft verlangen", "en": "Ask for my data"},
    "erasure": {"de": "Löschung verlangen", "en": "Ask for erasure"},
    "sign up": {"de": "Anmelden", "en": "Sign up"},
}


class Gallery:
    """The pages of one language, each of an address of its own."""

    def __init__(self, world, browser, language):
        self.world, self.browser, self.language = world, browser, language

    def press(self, label):
        self.browser.press(LABELS[label][self.language])

    def whose(self, page):
        address = f"{page}-{self.language}@example.org"
        self.world.register(address)
        return address

    def go(self, url):
        self.browser.open(f"{url}?lang={self.language}")

    # The pages.
    def unsubscribe(self, of="unsubscribe"):
        self.go(self.world.links(self.whose(of), "theater/jugend").unsubscribe_url)

    def unsubscribed(self):
        self.unsubscribe("unsubscribed")
        self.press("unsubscribe")

    def unsubscribed_from_all(self):
        self.unsubscribe("all")
        self.press("everything")

    def preferences(self, of="preferences"):
        address = self.whose(of)
        self.world.grant(address, "theater/premieren", "orient/hebrew")
        ask(self.world.links(address, "festival/programm").unsubscribe_url, {"List-Unsubscribe": "One-Click"})
        self.go(self.world.links(address).preferences_url)

    def saved(self):
        self.preferences("saved")
        self.world.block("saved-" + self.language + "@example.org", "festival")
        self.browser.tick("theater/jugend")
        self.press("save")

    def unchanged(self):
        self.preferences("unchanged")
        self.press("save")

    def nameless(self):
        """Nobody recorded anything of it: there is no address to mask."""
        self.go(self.world.links(f"nameless-{self.language}@example.org").preferences_url)

    def request(self, of="request"):
        self.go(self.world.links(self.whose(of), campaign="ask").preferences_url)

    def request_from_right_to_left(self):
        self.go(self.world.links(self.whose("right-to-left"), "sharq/news", "ask").preferences_url)

    def request_in_black_with_words(self):
        self.go(self.world.links(self.whose("black"), "orient/arabic", "ask").preferences_url)

    def accepted_from_right_to_left(self):
        self.request_from_right_to_left()
        self.press("accept")

    def accepted(self):
        self.request("accepted")
        self.press("accept")

    def accepted_and_stopped(self):
        self.world.block(self.whose("stopped"), "festival")
        self.request("stopped")
        self.press("accept")

    def declined(self):
        self.request("declined")
        self.press("decline")

    def confirm(self, of="confirm"):
        topics = ["festival/newsletter", "theater/jugend", "orient/arabic"]
        self.go(self.world.confirm_link(f"{of}-{self.language}@example.org", *topics))

    def confirmed(self):
        self.confirm("confirmed")
        self.press("confirm")

    def not_confirmed(self):
        self.confirm("late")
        ask(self.world.links(f"late-{self.language}@example.org").unsubscribe_url, {"List-Unsubscribe": "One-Click"})
        self.press("confirm")

    def data(self, of="data"):
        self.go(self.world.links(self.whose(of)).preferences_url + "/data")

    def data_of_the_nameless(self, of="data-nameless"):
        self.go(self.world.links(f"{of}-{self.language}@example.org").preferences_url + "/data")

    def data_lacks_address(self):
        self.data_of_the_nameless()
        self.browser.one("input[type=email]").send_keys("someone@example.org")
        self.press("access")

    def data_lacks_tick(self):
        self.data()
        self.press("erasure")

    def access_asked(self):
        self.data("access-asked")
        self.press("access")

    def erasure_asked(self, of="erasure-asked"):
        self.data(of)
        self.browser.check("input[name=sure]")
        self.press("erasure")

    def erasure_pending(self):
        self.world.grant(self.whose("pending"), "theater/premieren")
        self.erasure_asked("pending")
        self.go(self.world.links(f"pending-{self.language}@example.org").preferences_url)

    def data_while_erasure_is_pending(self):
        self.data("pending")

    def erased(self):
        address = f"pending-{self.language}@example.org"
        for case in self.world.erasure_cases("PENDING"):
            if case.address == address:
                self.world.approve(case.id, "leni")
        self.go(self.world.links(address).preferences_url)

    def no_link(self):
        self.go(f"{self.world.pages}/p/none")

    def no_page(self):
        self.go(f"{self.world.pages}/none")

    def unsealed(self):
        self.unsubscribe("unsealed")
        self.browser.run("document.querySelector('input[name=seal]').value = ''")
        self.press("unsubscribe")

    def sign_up(self):
        self.go(f"{self.world.pages}/s/theater")

    def sign_up_lacks(self):
        self.sign_up()
        self.press("sign up")

    def sign_up_sent(self):
        self.sign_up()
        self.browser.tick("theater/jugend")
        self.browser.one("input[type=email]").send_keys(f"sign-up-{self.language}@example.org")
        self.press("sign up")

    # Those of old links: `mint` before the clock goes on, then the pages.
    def mint(self):
        address = self.whose("old")
        self.world.grant(address, "theater/premieren")
        self.old = [self.world.links(address), self.world.links(address, campaign="ask"),
                    self.world.confirm_link(address, "theater/premieren")]

    def old_preferences(self):
        self.go(self.old[0].preferences_url)

    def old_data(self):
        self.go(self.old[0].preferences_url + "/data")

    def old_request(self):
        self.go(self.old[1].preferences_url)

    def old_confirm(self):
        self.go(self.old[2])


PAGES = [
    "unsubscribe", "unsubscribed", "unsubscribed_from_all", "preferences", "saved", "unchanged", "nameless",
    "request", "request_from_right_to_left", "request_in_black_with_words", "accepted",
    "accepted_from_right_to_left", "accepted_and_stopped", "declined", "confirm", "confirmed", "not_confirmed",
    "data", "data_of_the_nameless", "data_lacks_address", "data_lacks_tick", "access_asked", "erasure_asked",
    "erasure_pending", "data_while_erasure_is_pending", "erased", "no_link", "no_page", "unsealed",
    "sign_up", "sign_up_lacks", "sign_up_sent",
]
OLD = ["old_preferences", "old_data", "old_request", "old_confirm"]
