"""The real binary with the owner's pages, and what its gRPC side says of an address.

The pages are told by a browser (web_browser.py); what they promise is asked here, of Check.
"""

import http.server
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import grpc

import story
from story import expect

CATALOG = pathlib.Path(__file__).with_name("web.toml")

# Of the controller whose links the tests open, as its pages name them.
TOPICS = [
    "festival/newsletter", "festival/programm",
    "theater/premieren", "theater/jugend", "theater/lang",
    "orient/arabic", "orient/hebrew",
]
# Mailings beyond them: about an order, of another controller, to ask for consent.
BEYOND = ["festival/tickets", "seeblick/angebote", "festival/ask"]
PATIENCE = 60


class Server(story.Server):
    """The binary with its web listener; `clock` names a file with the offset of its wall clock."""

    def __init__(self, binary, data, relay=None, clock=None, catalog=CATALOG):
        super().__init__(binary, data, unix=False, catalog=catalog)
        self.port = story.free_port()
        self.pages = f"http://127.0.0.1:{self.port}"
        self.options = ["--web-listen", f"127.0.0.1:{self.port}", "--public-url", self.pages]
        if relay:
            self.options += ["--smtp-relay", f"smtp://127.0.0.1:{relay}", "--mail-from", "post@festival.example"]
        self.clock = clock

    def start(self):
        command = [self.binary, "serve", "--data-dir", f"{self.data}/store", "--catalog", str(self.catalog)]
        command += ["--listen", self.listen, *self.options]
        if self.clock:
            library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
            # A wall clock that jumps leaves the monotonic one alone.
            command = ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={self.clock}",
                       "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", *command]
        with open(f"{self.data}/log", "ab") as log:
            self.process = subprocess.Popen(command, stderr=log)
        channel = grpc.insecure_channel(self.listen)
        ready = grpc.channel_ready_future(channel)
        wait(lambda: self.has_ended() or (ready.done() and self.answers()), True, "the server is there")
        if self.has_ended():
            raise SystemExit(f"FAILED: the server ended: {pathlib.Path(f'{self.data}/log').read_text()}")
        return channel

    def has_ended(self):
        return self.process.poll() is not None

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class World(story.Story):
    """A server with data of its own."""

    def __init__(self, binary, stubs, data, relay=None, clocked=False, catalog=CATALOG):
        pathlib.Path(data).mkdir()
        self.clock = f"{data}/offset" if clocked else None
        if clocked:
            self.jump(0)
        self.server = Server(binary, str(data), relay, self.clock, catalog)
        self.pages = self.server.pages
        super().__init__(stubs, self.server.start())

    def stop(self):
        self.server.stop()

    def jump(self, days):
        """From now on the server's clock is off by so much."""
        pathlib.Path(self.clock + ".new").write_text(f"+{days}d\n")
        shutil.move(self.clock + ".new", self.clock)

    # What a mail carries.
    def links(self, address, topic="festival/newsletter", campaign=None):
        brand, of = topic.split("/")
        request = self.s["preference"].MintLinksRequest(brand=brand, campaign=campaign or of, addresses=[address])
        return self.preference.MintLinks(request).links[0]

    def confirm_link(self, address, *topics):
        """The link of a double opt-in, for whoever mails it themselves."""
        preference = self.s["preference"]
        request = preference.BeginOptInRequest(
            address=address, scopes=[self.scope(f"topic:{topic}") for topic in topics], evidence=self.form(None))
        return self.preference.BeginOptIn(request).confirm_url

    # What staff do.
    def register(self, address):
        self.consent.RegisterAddresses(self.s["consent"].RegisterAddressesRequest(
            addresses=[address], controllers=["buehne"], source="box office"))

    def grant(self, address, *topics):
        common = self.s["common"]
        self.consent.RecordConsent(self.s["consent"].RecordConsentRequest(
            addresses=[address], scopes=[self.scope(f"topic:{topic}") for topic in topics],
            legal_basis=common.LEGAL_BASIS_CONSENT, evidence=self.form(None)))

    def block(self, address, brand):
        self.consent.BlockAddresses(self.s["consent"].BlockAddressesRequest(
            addresses=[address], brands=[brand], cause=self.s["common"].BLOCK_CAUSE_STAFF_DECISION, reason="under review"))

    # What is known.
    def answer(self, address, topic):
        """What Check says of a mailing of this topic."""
        brand, campaign = topic.split("/")
        return self.verdict(address, campaign, brand)

    def sent(self, address):
        """The topics that may be sent."""
        return {topic for topic in TOPICS if self.answer(address, topic).startswith("ALLOWED")}

    def answers(self, address):
        """What Check says of every mailing, by `brand/campaign`."""
        return {mailing: self.answer(address, mailing) for mailing in [*TOPICS, *BEYOND]}

    def head(self):
        request = self.s["decision"].CheckRequest(brand="festival", campaign="newsletter", addresses=["x@example.org"])
        return self.decision.Check(request).revision

    def history(self, address):
        """The events of an address, oldest first."""
        request = self.s["consent"].GetHistoryRequest(address=address)
        return list(reversed(self.consent.GetHistory(request).events))

    def kinds(self, address):
        name = self.s["common"].EventKind.Name
        return [name(event.kind).removeprefix("EVENT_KIND_") for event in self.history(address)]

    # What people have to work on.
    def connect(self, channel):
        super().connect(channel)
        self.access = self.s["access_service_rpc"].AccessServiceStub(channel)
        self.erasure = self.s["erasure_rpc"].ErasureServiceStub(channel)

    def access_requests(self, address):
        """Those that are open, of an address."""
        asked = self.access.ListAccessRequests(self.s["access_service"].ListAccessRequestsRequest())
        return [request for request in asked.access_requests if request.address == address]

    def answer_access(self, named, person, note):
        request = self.s["access_service"].AnswerAccessRequest(id=named, note=note)
        self.access.AnswerAccess(request, metadata=[("maysend-actor", person)])

    def erasure_cases(self, state):
        state = self.s["common"].ErasureState.Value(f"ERASURE_STATE_{state}")
        return list(self.erasure.ListErasureCases(self.s["erasure"].ListErasureCasesRequest(state=state)).cases)

    def approve(self, named, person):
        """The certificate of an erasure that this person decided."""
        request = self.s["erasure"].ApproveErasureRequest(id=named)
        return self.erasure.ApproveErasure(request, metadata=[("maysend-actor", person)]).certificate


def wait(look, wanted, what):
    """Until it is so; it fails where it never is."""
    until = time.monotonic() + PATIENCE
    while (seen := look()) != wanted:
        if time.monotonic() > until:
            expect(seen, wanted, what)
        time.sleep(0.02)


def ask(url, form=None, method=None, headers=()):
    """A request without a browser: status and text."""
    body = None if form is None else urllib.parse.urlencode(form, doseq=True).encode()
    request = urllib.request.Request(url, body, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Outside:
    """Another host, as far as a browser can tell: it serves what it is given and notes who asked."""

    def __init__(self):
        self.texts, self.asked = {}, []
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outside.asked.append((self.path, dict(self.headers)))
                self.answer()

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outside.asked.append(("POST " + self.path, dict(self.headers)))
                self.answer()

            def answer(self):
                text = outside.texts.get(self.path, "<!doctype html><title>outside</title>").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another name, so that cookies and referrers would have to cross.
        self.url = f"http://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, path, text):
        self.texts[path] = text
        return self.url + path

    def asked_for(self, path):
        return [headers for asked, headers in self.asked if asked == path]
