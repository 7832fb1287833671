"""The example against the real server: MAYSEND=PATH python -m unittest test_crm"""

import collections
import contextlib
import random
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from client import Maysend, OutcomeUnknown, Refused, catalog, common, consent, consent_rpc, erasure
from panel import ACTIONS, NOTHING_TO_DO, WHY_NOT, panel
from server import Line, Server

CLERKS, KILLS = 16, 8


def only_event(test, maysend, address):
    """The one event of an address: the action was neither lost nor doubled."""
    events = maysend.history(address)
    test.assertEqual(len(events), 1, f"{address} has one event")
    return events[0]


class Clerk(threading.Thread):
    """Blocks one address after the other, each with a reason of its own, until told to stop."""

    def __init__(self, name, server, stop):
        super().__init__(name=name)
        self.maysend = Maysend(server, name, before_retry=self.see)
        self.silences, self.lost, self.done, self.fault = collections.Counter(), {}, {}, None
        self.stop = stop

    def see(self, error):
        self.silences[error.code().name] += 1
        self.lost.setdefault(self.address, time.time())

    def run(self):
        try:
            while not self.stop.is_set():
                number = len(self.done)
                self.address, reason = f"{self.name}-{number}@example.org", f"call {number}"
                opt_out = ["controller:buehne"] if number % 3 == 0 else []
                written = self.maysend.block(self.address, ["festival", "seeblick"], reason, opt_out=opt_out)
                self.done[self.address] = (written, reason, len(opt_out))
                # A pause, so that there are fewer actions to be checked, not fewer calls to be cut.
                time.sleep(random.uniform(0, 0.004))
        except Exception as error:
            self.fault = error
        finally:
            self.maysend.close()


class Killed(unittest.TestCase):
    def test_every_action_is_recorded_exactly_once(self):
        for unix in (False, True):
            with self.subTest(unix=unix), Server(unix) as server:
                self.story(server)

    def story(self, server):
        stop = threading.Event()
        clerks = [Clerk(f"clerk{n}", server.listen, stop) for n in range(CLERKS)]
        for clerk in clerks:
            clerk.start()
        for _ in range(KILLS):
            # Half of them are back, with calls under way.
            before = [len(clerk.done) for clerk in clerks]
            while sum(len(c.done) > b for c, b in zip(clerks, before)) < CLERKS // 2:
                self.assertFalse(any(clerk.fault for clerk in clerks), [clerk.fault for clerk in clerks])
                time.sleep(random.uniform(0, 0.003))
            server.kill()
            server.start()
        stop.set()
        for clerk in clerks:
            clerk.join()
        silences, acknowledgements_lost = collections.Counter(), 0
        maysend = Maysend(server.listen)
        for clerk in clerks:
            self.assertIsNone(clerk.fault)
            silences += clerk.silences
            for address, (written, reason, opt_outs) in clerk.done.items():
                self.assertEqual(written.outcome, "APPLIED", address)
                event = only_event(self, maysend, address)
                self.assertEqual(event.kind, common.EVENT_KIND_BLOCKED)
                self.assertEqual((event.request_id, event.reason), (written.request_id, reason))
                self.assertEqual(event.actor.id, clerk.name)
                status = maysend.status(address)
                stands = [(block.brand, block.reason) for block in status.blocks]
                self.assertEqual(sorted(stands), [("festival", reason), ("seeblick", reason)])
                self.assertEqual(len(status.opt_outs), opt_outs)
                at = event.recorded_at.ToNanoseconds() / 1e9
                acknowledgements_lost += address in clerk.lost and at < clerk.lost[address]
        maysend.close()
        recorded = sum(len(clerk.done) for clerk in clerks)
        print(f"  {server.listen.split(':')[0]}: {recorded} blocks by {CLERKS} clerks, {KILLS} times kill -9; calls cut "
              f"short: {dict(silences)}; recorded but not acknowledged before a kill: {acknowledgements_lost}")
        self.assertGreater(silences["UNKNOWN"] + silences["UNAVAILABLE"], 0, "calls were cut short")

    def test_an_acknowledgement_lost_with_the_server_is_given_again(self):
        with Server() as server, contextlib.closing(Line(server.port)) as line:
            direct, silences = Maysend(server.listen), []
            clerk = Maysend(line.address, "clerk", before_retry=lambda error: silences.append(error.code().name))
            clerk.status("eve@example.org")
            line.is_mute = True
            result = []
            acts = threading.Thread(target=lambda: result.append(clerk.block("eve@example.org", ["festival"], "call")))
            acts.start()
            while not direct.history("eve@example.org"):
                pass
            self.assertEqual((result, silences), ([], []), "recorded, and the clerk does not know")
            server.kill()
            line.cut()
            server.start()
            acts.join()
            event = only_event(self, direct, "eve@example.org")
            self.assertEqual((result[0].outcome, result[0].request_id), ("APPLIED", event.request_id))
            self.assertIn("UNAVAILABLE", silences)

    def test_a_server_that_hangs_is_asked_again(self):
        with Server() as server:
            silences = []

            def wake(error):
                silences.append(error.code().name)
                server.thaw()

            clerk = Maysend(server.listen, "clerk", deadline=0.5, before_retry=wake)
            clerk.status("eve@example.org")
            server.freeze()
            written = clerk.block("eve@example.org", ["festival"], "call")
            self.assertEqual((written.outcome, silences[0]), ("APPLIED", "DEADLINE_EXCEEDED"))
            self.assertEqual(only_event(self, clerk, "eve@example.org").request_id, written.request_id)

    def test_who_gives_up_can_repeat_later(self):
        with Server() as server:
            server.freeze()
            clerk = Maysend(server.listen, "clerk", deadline=0.2, patience=0.5)
            with self.assertRaises(OutcomeUnknown) as given_up:
                clerk.block("eve@example.org", ["festival"], "call")
            server.thaw()
            request_id = given_up.exception.request_id
            again = Maysend(server.listen, "clerk")
            for _ in range(2):
                written = again.block("eve@example.org", ["festival"], "call", request_id=request_id)
                self.assertEqual((written.outcome, written.request_id), ("APPLIED", request_id))
            only_event(self, again, "eve@example.org")


class StandIn(consent_rpc.ConsentServiceServicer):
    """Fails in ways that no server can be made to fail in, then takes the block."""

    def __init__(self, faults):
        self.faults, self.asked = faults, []

    def BlockAddresses(self, request, context):
        self.asked.append(request)
        for code, reason in self.faults[len(self.asked) - 1:len(self.asked)]:
            info = Any()
            info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="maysend.v1"))
            status = status_pb2.Status(code=code.value[0], message="told so", details=[info] if reason else [])
            context.abort_with_status(rpc_status.to_status(status))
        return consent.BlockAddressesResponse(outcomes=[common.WRITE_OUTCOME_APPLIED])


class Broken(unittest.TestCase):
    def block(self, *faults):
        """Blocks at a stand-in; returns it, and what became of the block."""
        stand_in, server = StandIn(faults), grpc.server(ThreadPoolExecutor(1))
        consent_rpc.add_ConsentServiceServicer_to_server(stand_in, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        maysend = Maysend(f"127.0.0.1:{port}")
        try:
            return stand_in, maysend.block("eve@example.org", ["festival"], "call")
        except Refused as refused:
            return stand_in, refused
        finally:
            maysend.close()
            server.stop(None).wait()

    def test_a_call_that_broke_on_its_way_is_repeated_as_it_was(self):
        codes = grpc.StatusCode
        stand_in, written = self.block((codes.INTERNAL, ""), (codes.UNKNOWN, "OUTCOME_UNKNOWN"), (codes.CANCELLED, ""))
        self.assertEqual((written.outcome, len(stand_in.asked)), ("APPLIED", 4))
        for request in stand_in.asked:
            self.assertEqual(request, stand_in.asked[0])
        self.assertEqual(stand_in.asked[0].request_id, written.request_id)

    def test_an_error_of_maysend_is_not_repeated(self):
        codes = grpc.StatusCode
        for code, reason in [(codes.INTERNAL, "DAMAGED"), (codes.RESOURCE_EXHAUSTED, "DISK_FULL")]:
            stand_in, refused = self.block((code, reason))
            self.assertEqual((refused.code, refused.reason, refused.after_silence), (code, reason, False))
            self.assertEqual(len(stand_in.asked), 1)
        _, refused = self.block((codes.UNAVAILABLE, ""), (codes.PERMISSION_DENIED, "ROLE_MISSING"))
        self.assertTrue(refused.after_silence, "the first attempt may be recorded")


class Input(unittest.TestCase):
    def test_bad_input_names_its_field(self):
        with Server() as server:
            maysend, eve = Maysend(server.listen), "eve@example.org"
            for act, field in [
                (lambda: maysend.block(eve, ["festival"], " "), "reason"),
                (lambda: maysend.block(eve, ["festival", "nobody"], "call"), "brands[1]"),
                (lambda: maysend.block(eve, ["festival"], "call", opt_out=["controller:nobody"]), "opt_out[0].controller"),
                (lambda: maysend.record_consent(eve, "festival", common.Evidence()), "evidence.method"),
                (lambda: panel(maysend, "eve"), "address"),
            ]:
                with self.subTest(field=field), self.assertRaises(Refused) as refused:
                    act()
                self.assertEqual([name for name, _ in refused.exception.faults], [field])
                self.assertTrue(str(refused.exception).startswith(field + ": "))
            self.assertEqual(maysend.history(eve), [])
            self.assertEqual(maysend.block("eve", ["festival"], "call").outcome, "REJECTED_INVALID_ADDRESS")
            with self.assertRaises(ValueError):
                maysend.block(eve, ["festival"], "call", opt_out=["festival"])


EVIDENCE = common.Evidence(method=common.METHOD_PHONE, source="extension 12")
# What is offered is a consent with a proof of its own: the same proof again would change nothing.
NEW_EVIDENCE = common.Evidence(method=common.METHOD_PHONE, source="extension 13")


def blocked(cause, brand="festival", channel=common.CHANNEL_EMAIL):
    """A block for a cause, as staff and machines record it."""

    def prepare(maysend, address):
        message = consent.BlockAddressesRequest(
            addresses=[address], brands=[brand], channels=[channel], cause=common.BlockCause.Value(cause), reason="so"
        )
        maysend.write(maysend.consent.BlockAddresses, message)

    return prepare


def opted_out(**scope):
    def prepare(maysend, address):
        message = consent.OptOutRequest(addresses=[address], scopes=[common.Scope(**scope)])
        maysend.write(maysend.consent.OptOut, message)

    return prepare


def of_topic(call, **fields):
    """A yes or no to one topic: not the one that the campaigns here ask about."""
    scope = common.Scope(topic=common.TopicRef(brand="festival", topic="programm"))

    def prepare(maysend, address):
        message = getattr(consent, call + "Request")(addresses=[address], scopes=[scope], **fields)
        maysend.write(getattr(maysend.consent, call), message)

    return prepare


def on_file(maysend, address):
    message = consent.RegisterAddressesRequest(addresses=[address], controllers=["buehne", "hotels"])
    maysend.write(maysend.consent.RegisterAddresses, message)


def erasure_pending(maysend, address):
    return maysend.request_erasure(address, "a letter").id


def erased(maysend, address):
    case = erasure_pending(maysend, address)
    colleague = [("maysend-actor", "colleague")]
    maysend.erasure.ApproveErasure(erasure.ApproveErasureRequest(id=case), metadata=colleague)


def in_turn(*steps):
    def prepare(maysend, address):
        for step in steps:
            step(maysend, address)

    return prepare


SITUATIONS = {
    "nobody knows it": in_turn(),
    "on file": on_file,
    "agreed": lambda m, a: m.record_consent(a, "festival", EVIDENCE),
    "agreed to a topic": of_topic("RecordConsent", legal_basis=common.LEGAL_BASIS_CONSENT, evidence=EVIDENCE),
    "out of a topic": in_turn(on_file, of_topic("OptOut")),
    "withdrew": in_turn(on_file, lambda m, a: m.withdraw_consent(a, "festival")),
    "blocked by staff": in_turn(on_file, blocked("BLOCK_CAUSE_STAFF_DECISION")),
    "blocked by staff, then lifted": in_turn(
        blocked("BLOCK_CAUSE_STAFF_DECISION"), lambda m, a: m.lift_blocks(a, "festival", "mistake")
    ),
    "blocked at the owner's wish": in_turn(on_file, blocked("BLOCK_CAUSE_OWNER_REQUEST")),
    "bounced": in_turn(on_file, blocked("BLOCK_CAUSE_HARD_BOUNCE")),
    "complained": in_turn(on_file, blocked("BLOCK_CAUSE_COMPLAINT")),
    "no letters": in_turn(on_file, blocked("BLOCK_CAUSE_OWNER_REQUEST", channel=common.CHANNEL_POST)),
    "out of a company": in_turn(on_file, opted_out(controller="buehne")),
    "out of everything, and blocked": in_turn(
        on_file, opted_out(everything=True), blocked("BLOCK_CAUSE_STAFF_DECISION", "alpenhof")
    ),
    "erasure requested": in_turn(on_file, erasure_pending),
    "erased": in_turn(on_file, erased),
}


def carry_out(maysend, action, address, brand):
    """The action as the panel names it; returns the name of its outcome."""
    return {
        "mark_consent_requested": lambda: maysend.mark_consent_requested(address, brand, "panel"),
        "record_consent": lambda: maysend.record_consent(address, brand, NEW_EVIDENCE),
        "withdraw_consent": lambda: maysend.withdraw_consent(address, brand),
        "lift_blocks": lambda: maysend.lift_blocks(address, brand, "panel"),
    }[action]().outcome


class Offered(unittest.TestCase):
    def test_the_panel_offers_exactly_what_the_commands_then_do(self):
        with Server() as server:
            maysend = Maysend(server.listen, "clerk")
            brands = maysend.titles().brands
            for brand in brands:
                campaign = catalog.Campaign(
                    brand=brand.id, campaign="panel", topic=brand.topics[0].id, purpose=common.PURPOSE_CONSENT_REQUEST
                )
                request = catalog.RegisterCampaignRequest(campaign=campaign)
                maysend.call_with_retry(maysend.catalog.RegisterCampaign, request)
            seen = collections.Counter()
            for number, (situation, prepare) in enumerate(SITUATIONS.items()):
                for brand in brands:
                    for action, _, _ in ACTIONS:
                        # Each action finds the situation untouched.
                        address = f"{action}-{brand.id}-{number}@example.org"
                        prepare(maysend, address)
                        offers = panel(maysend, address).offers
                        offer = next(o for o in offers if (o.brand, o.action) == (brand.id, action))
                        outcome = carry_out(maysend, action, address, brand.id)
                        with self.subTest(situation=situation, brand=brand.id, action=action):
                            self.assertEqual(outcome, offer.outcome)
                            self.assertEqual(outcome == "APPLIED", offer.why_not == "")
                        seen[outcome] += 1
            print(f"  the panel foretold {seen.total()} outcomes: {dict(seen)}")
            wanted = {"APPLIED", "UNCHANGED", "REJECTED_OPTED_OUT", "REJECTED_REFUSED", "REJECTED_BLOCKED",
                      "REJECTED_COMPLAINT", "REJECTED_ERASURE_PENDING", "REJECTED_ERASED"}
            self.assertLessEqual(wanted, set(seen))

    def test_what_is_not_offered_is_not_shown_as_a_button_and_says_why(self):
        with Server() as server:
            maysend, eve = Maysend(server.listen, "Frau M\u00fcller"), "eve@example.org"
            written = maysend.block(eve, ["festival"], "no more\nmail", "OWNER_REQUEST", ["controller:buehne"])
            shown = panel(maysend, eve, written.revision)
            text = shown.text()
            self.assertEqual(text.count("["), len(shown.offered()))
            festival = text[text.index("(festival)"):text.index("(stadttheater)")]
            self.assertIn("[withdraw consent]", festival)
            self.assertNotIn("[lift block]", festival)
            self.assertIn("lift block - the owner said no, and only the owner can take it back", festival)
            self.assertIn('Sommerfestival, e-mail (owner request): "no more mail"', text)
            self.assertIn("opted out: all mailings of B\u00fchne GmbH", text)
            self.assertIn("Frau M\u00fcller", text)

    def test_every_outcome_has_its_words(self):
        rejected = {name.removeprefix("WRITE_OUTCOME_") for name in common.WriteOutcome.keys() if "REJECTED" in name}
        self.assertEqual(rejected - set(WHY_NOT), {"REJECTED_INVALID_ADDRESS"}, "GetStatus refuses those")
        self.assertLess(set(NOTHING_TO_DO), {action for action, _, _ in ACTIONS})
        fields = {f.name for f in consent.BrandActions.DESCRIPTOR.fields} - {"brand"}
        self.assertEqual(fields, {action for action, _, _ in ACTIONS}, "every action of the contract is shown")


if __name__ == "__main__":
    unittest.main()
