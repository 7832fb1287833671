"""The writes of maysend, as a CRM plugin would make them, from stubs made of proto/.

usage: story.py PATH-TO-MAYSEND

Runs the story twice against the real binary: over TCP and over a Unix socket. Each step asks at
once whether the answer has changed, and once more after a restart.
"""

import contextlib
import importlib
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import grpc
from google.protobuf import timestamp_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

ROOT = pathlib.Path(__file__).resolve().parents[3]
CATALOG = ROOT / "examples" / "catalog.toml"


def stubs(into):
    """Generates the stubs and imports them."""
    from grpc_tools import protoc

    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    files = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", f"--python_out={into}", f"--grpc_python_out={into}"]
    assert protoc.main(arguments + files) == 0
    sys.path.insert(0, str(into))
    names = ["common", "decision", "consent", "preference", "catalog", "erasure", "change", "access_service"]
    modules = {}
    for name in names:
        modules[name] = importlib.import_module(f"maysend.v1.{name}_pb2")
        with contextlib.suppress(ModuleNotFoundError):
            modules[name + "_rpc"] = importlib.import_module(f"maysend.v1.{name}_pb2_grpc")
    return modules


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The real binary on a data directory."""

    def __init__(self, binary, data, unix, catalog=CATALOG):
        self.binary, self.data, self.catalog = binary, data, catalog
        self.listen = f"unix:{data}/socket" if unix else f"127.0.0.1:{free_port()}"
        self.process = None

    def start(self):
        command = [self.binary, "serve", "--data-dir", f"{self.data}/store", "--catalog", str(self.catalog)]
        command += ["--listen", self.listen, "--public-url", "https://mail.example.org"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        options = [("grpc.default_authority", "localhost")] if self.listen.startswith("unix:") else []
        channel = grpc.insecure_channel(self.listen, options=options)
        grpc.channel_ready_future(channel).result(timeout=60)
        return channel

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(timeout=60)
        assert how == signal.SIGKILL or status == 0, f"exit status {status}"


def expect(actual, wanted, what):
    if actual != wanted:
        raise SystemExit(f"FAILED: {what}: expected {wanted!r}, got {actual!r}")


class Story:
    """What a clerk, a customer and a sender do, step by step."""

    def __init__(self, stubs, channel):
        self.s = stubs
        self.connect(channel)

    def connect(self, channel):
        s = self.s
        self.decision = s["decision_rpc"].DecisionServiceStub(channel)
        self.consent = s["consent_rpc"].ConsentServiceStub(channel)
        self.preference = s["preference_rpc"].PreferenceServiceStub(channel)
        self.catalog = s["catalog_rpc"].CatalogServiceStub(channel)

    # words
    def scope(self, text):
        common = self.s["common"]
        kind, _, name = text.partition(":")
        if kind == "everything":
            return common.Scope(everything=True)
        if kind == "topic":
            brand, topic = name.split("/")
            return common.Scope(topic=common.TopicRef(brand=brand, topic=topic))
        return common.Scope(**{kind: name})

    def verdict(self, address, campaign="2026-11-advent", brand="festival", at_least=0):
        request = self.s["decision"].CheckRequest(
            brand=brand, campaign=campaign, addresses=[address], at_least_revision=at_least
        )
        answer = self.decision.Check(request)
        return self.s["common"].Verdict.Name(answer.verdicts[0]).removeprefix("VERDICT_")

    def outcome(self, response):
        names = [self.s["common"].WriteOutcome.Name(o).removeprefix("WRITE_OUTCOME_") for o in response.outcomes]
        return names[0] if len(names) == 1 else names

    def form(self, occurred_at=timestamp_pb2.Timestamp(seconds=1767225600)):
        common = self.s["common"]
        return common.Evidence(
            method=common.METHOD_FORM,
            source="https://www.example.org/newsletter",
            wording="Yes, send me the newsletter.",
            wording_version="2026-01",
            language="en",
            ip="192.0.2.7",
            occurred_at=occurred_at,
        )

    def fails(self, call, code, reason, field, what):
        try:
            call()
        except grpc.RpcError as error:
            expect(error.code(), code, what)
            details = rpc_status.from_call(error).details
            info = error_details_pb2.ErrorInfo()
            expect(any(d.Unpack(info) for d in details), True, what + ": has ErrorInfo")
            expect((info.domain, info.reason), ("maysend.v1", reason), what)
            if field:
                bad = error_details_pb2.BadRequest()
                expect(any(d.Unpack(bad) for d in details), True, what + ": has BadRequest")
                expect([v.field for v in bad.field_violations], [field], what)
            return
        raise SystemExit(f"FAILED: {what}: did not fail")

    def run(self):
        self.staff_record_what_a_customer_said()
        self.staff_cannot_undo_the_owners_no()
        self.the_owner_comes_back_through_an_old_mail()
        self.a_block_stops_one_brand_and_orders_still_go_out()
        self.a_retry_with_the_same_id_changes_nothing()
        self.bad_input_names_its_field()

    def staff_record_what_a_customer_said(self):
        consent, ann = self.s["consent"], "Ann@Example.org"
        opt_in = dict(brand="stadttheater", campaign=self.marketing("stadttheater"))
        before = self.verdict(ann, **opt_in)
        expect(before, "DENIED_UNKNOWN_ADDRESS", "a stranger")
        brand = self.scope("brand:stadttheater")
        request = consent.RecordConsentRequest(
            addresses=[ann],
            scopes=[brand],
            legal_basis=self.s["common"].LEGAL_BASIS_CONSENT,
            evidence=self.form(),
        )
        response = self.consent.RecordConsent(request)
        expect(self.outcome(response), "APPLIED", "a consent with its evidence")
        expect(self.outcome(self.consent.RecordConsent(request)), "UNCHANGED", "the same consent again")
        seen = self.verdict("ann@EXAMPLE.org", at_least=response.revision, **opt_in)
        expect(seen, "ALLOWED_CONSENT", "the next answer")
        history = self.consent.GetHistory(consent.GetHistoryRequest(address=ann))
        expect(len(history.events), 1, "one event")
        evidence = history.events[0].evidence
        expect(evidence, self.form(), "the evidence comes back whole")

    def marketing(self, brand):
        catalog = self.s["catalog"]
        topic = next(
            b.topics[0].id
            for b in self.catalog.GetCatalog(catalog.GetCatalogRequest()).brands
            if b.id == brand
        )
        campaign = catalog.Campaign(
            brand=brand,
            campaign="story",
            topic=topic,
            purpose=self.s["common"].PURPOSE_MARKETING,
            channel=self.s["common"].CHANNEL_EMAIL,
        )
        self.catalog.RegisterCampaign(catalog.RegisterCampaignRequest(campaign=campaign))
        return "story"

    def staff_cannot_undo_the_owners_no(self):
        consent, common, bob = self.s["consent"], self.s["common"], "bob@example.org"
        scopes = [self.scope("everything")]
        response = self.consent.OptOut(consent.OptOutRequest(addresses=[bob], scopes=scopes, reason="by phone"))
        expect(self.outcome(response), "APPLIED", "an opt-out of everything")
        expect(self.verdict(bob), "DENIED_OPTED_OUT_EVERYTHING", "out of everything")
        request = consent.RecordConsentRequest(
            addresses=[bob],
            scopes=[self.scope("topic:festival/newsletter")],
            legal_basis=common.LEGAL_BASIS_CONSENT,
            evidence=self.form(),
        )
        expect(self.outcome(self.consent.RecordConsent(request)), "REJECTED_OPTED_OUT", "staff yes")
        request = consent.RegisterAddressesRequest(addresses=[bob], controllers=["buehne"], source="re-import")
        expect(self.outcome(self.consent.RegisterAddresses(request)), "APPLIED", "re-import")
        expect(self.verdict(bob), "DENIED_OPTED_OUT_EVERYTHING", "still out of everything")

    def the_owner_comes_back_through_an_old_mail(self):
        preference, bob = self.s["preference"], "bob@example.org"
        request = preference.MintLinksRequest(brand="festival", campaign="2026-11-advent", addresses=[bob, "broken"])
        links = self.preference.MintLinks(request).links
        expect(links[1].preferences_token, "", "no links for what is no address")
        expect(links[0].list_unsubscribe, f"<{links[0].unsubscribe_url}>", "the header")
        expect(links[0].list_unsubscribe_post, "List-Unsubscribe=One-Click", "the other header")
        inspected = self.preference.InspectLink(
            preference.InspectLinkRequest(token=links[0].unsubscribe_token, address=bob)
        )
        expect((inspected.kind, inspected.is_for_address), (preference.LINK_KIND_UNSUBSCRIBE, True), "its token")
        token = links[0].preferences_token
        shown = self.preference.GetPreferences(preference.GetPreferencesRequest(token=token))
        expect(shown.preferences.masked_address, "b***@example.org", "the masked address")
        expect([t.subscribed for t in shown.preferences.topics if t.subscribed], [], "nothing is subscribed")
        chosen = preference.Choice(scope=self.scope("topic:festival/newsletter"), subscribed=True)
        queued = preference.UpdatePreferencesRequest(token=token, choices=[chosen], evidence=self.form())
        expect(self.outcome(self.preference.UpdatePreferences(queued)), "REJECTED_OPTED_OUT", "a yes from before")
        update = preference.UpdatePreferencesRequest(token=token, choices=[chosen], evidence=self.form(None))
        expect(self.outcome(self.preference.UpdatePreferences(update)), "APPLIED", "the owner's yes")
        expect(self.verdict(bob), "ALLOWED_CONSENT", "in for one newsletter")
        stop = preference.UnsubscribeRequest(token=links[0].unsubscribe_token)
        self.preference.Unsubscribe(stop)
        self.preference.Unsubscribe(stop)
        expect(self.verdict(bob), "DENIED_OPTED_OUT_TOPIC", "out again by one click")
        self.fails(
            lambda: self.preference.GetPreferences(preference.GetPreferencesRequest(token=links[0].unsubscribe_token)),
            grpc.StatusCode.PERMISSION_DENIED, "BAD_TOKEN", None, "a token of another kind",
        )
        altered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
        self.fails(
            lambda: self.preference.GetPreferences(preference.GetPreferencesRequest(token=altered)),
            grpc.StatusCode.PERMISSION_DENIED, "BAD_TOKEN", None, "an altered token",
        )

    def a_block_stops_one_brand_and_orders_still_go_out(self):
        consent, common, eve = self.s["consent"], self.s["common"], "eve@example.org"
        request = consent.BlockAddressesRequest(
            addresses=[eve, "not an address"],
            brands=["festival"],
            cause=common.BLOCK_CAUSE_OWNER_REQUEST,
            reason="does not want our mail any more",
            opt_out=[self.scope("controller:buehne")],
        )
        expect(self.outcome(self.consent.BlockAddresses(request)), ["APPLIED", "REJECTED_INVALID_ADDRESS"], "a block")
        expect(self.verdict(eve), "DENIED_BLOCKED", "blocked")
        expect(self.verdict(eve, campaign="tickets"), "ALLOWED_TRANSACTIONAL", "her tickets")
        status = self.consent.GetStatus(consent.GetStatusRequest(address=eve))
        expect(status.blocks[0].reason, request.reason, "the reason stands in the status")
        expect(len(status.opt_outs), 1, "the opt-out of the same call")
        lift = consent.LiftBlocksRequest(addresses=[eve], brands=["festival"], reason="mistake")
        expect(self.outcome(self.consent.LiftBlocks(lift)), "REJECTED_OPTED_OUT", "only she may come back")
        withdraw = consent.WithdrawConsentRequest(
            addresses=["ann@example.org"], scopes=[self.scope("brand:stadttheater")], reason="letter of today"
        )
        expect(self.outcome(self.consent.WithdrawConsent(withdraw)), "APPLIED", "a withdrawal")
        expect(self.verdict("ann@example.org", "story", "stadttheater"), "DENIED_REFUSED", "withdrawn")

    def a_retry_with_the_same_id_changes_nothing(self):
        consent = self.s["consent"]
        self.retry = consent.OptOutRequest(
            addresses=["kim@example.org"], scopes=[self.scope("brand:festival")], request_id="7d0c2d2e-story"
        )
        self.first = self.consent.OptOut(self.retry)
        expect(self.consent.OptOut(self.retry), self.first, "the first response again")
        other = consent.OptOutRequest(
            addresses=["max@example.org"], scopes=[self.scope("brand:festival")], request_id="7d0c2d2e-story"
        )
        self.fails(lambda: self.consent.OptOut(other), grpc.StatusCode.ALREADY_EXISTS,
                   "REQUEST_ID_REUSED", None, "another body under the same id")

    def bad_input_names_its_field(self):
        s, invalid = self.s, grpc.StatusCode.INVALID_ARGUMENT
        consent, decision, common = s["consent"], s["decision"], s["common"]
        check = lambda **k: lambda: self.decision.Check(decision.CheckRequest(**k))
        self.fails(check(brand="nobody", campaign="x", addresses=["a@example.org"]),
                   grpc.StatusCode.NOT_FOUND, "UNKNOWN_BRAND", None, "an unknown brand")
        self.fails(check(brand="festival", campaign="nothing", addresses=["a@example.org"]),
                   grpc.StatusCode.NOT_FOUND, "UNKNOWN_CAMPAIGN", None, "an unknown campaign")
        self.fails(check(brand="festival", campaign="2026-11-advent"), invalid, "NO_ADDRESSES", "addresses",
                   "no addresses")
        self.fails(check(brand="festival", campaign="2026-11-advent", addresses=["a@b.example"] * 100001),
                   grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ADDRESSES", None, "100,001 addresses")
        out = lambda *scopes: lambda: self.consent.OptOut(
            consent.OptOutRequest(addresses=["zoe@example.org"], scopes=scopes))
        self.fails(out(self.scope("everything"), common.Scope()), invalid, "INVALID_FIELD", "scopes[1]", "unset scope")
        block = lambda: self.consent.BlockAddresses(consent.BlockAddressesRequest(
            addresses=["zoe@example.org"], brands=["festival"], cause=common.BLOCK_CAUSE_STAFF_DECISION, reason="  "))
        self.fails(block, invalid, "INVALID_FIELD", "reason", "a blank reason")
        grant = lambda: self.consent.RecordConsent(consent.RecordConsentRequest(
            addresses=["zoe@example.org"], scopes=[self.scope("brand:festival")],
            legal_basis=common.LEGAL_BASIS_CONSENT))
        self.fails(grant, invalid, "INVALID_FIELD", "evidence", "no evidence")
        history = self.consent.GetHistory(consent.GetHistoryRequest(address="zoe@example.org"))
        expect(len(history.events), 0, "nothing was written")

    def after_a_restart(self, channel):
        self.connect(channel)
        expect(self.verdict("bob@example.org"), "DENIED_OPTED_OUT_TOPIC", "bob after a restart")
        expect(self.verdict("eve@example.org"), "DENIED_BLOCKED", "eve after a restart")
        expect(self.verdict("ann@example.org", "story", "stadttheater"), "DENIED_REFUSED", "ann after a restart")
        expect(self.consent.OptOut(self.retry), self.first, "the first response after a restart")


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        generated = pathlib.Path(work, "stubs")
        generated.mkdir()
        modules = stubs(generated)
        for unix in (False, True):
            for how in (signal.SIGTERM, signal.SIGKILL):
                started = time.monotonic()
                data = tempfile.mkdtemp(dir=work)
                server = Server(binary, data, unix)
                story = Story(modules, server.start())
                try:
                    story.run()
                    server.stop(how)
                    story.after_a_restart(server.start())
                    server.stop()
                finally:
                    if server.process.poll() is None:
                        server.process.kill()
                transport = "Unix socket" if unix else "TCP"
                print(f"story over {transport}, restarted after {how.name}: ok, {time.monotonic() - started:.1f} s")
                shutil.rmtree(data)


if __name__ == "__main__":
    main()
