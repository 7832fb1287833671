"""The example follower, killed again and again, against a real PostgreSQL and the real maysend.

usage: follow.py PATH-TO-MAYSEND DATABASE DIRECTORY

Called by tests/follower.
"""

import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import psycopg
from google.protobuf import timestamp_pb2

import story
from story import ROOT, Server, expect

CAMPAIGN = ("festival", "2026-11-advent")
# Writes of five addresses each, at least.
CALLS = 800
ADDRESSES = 500
KILLS = 6
PATIENCE = 30


class Follower:
    """examples/follower/follower.py as a process of its own."""

    def __init__(self, server, database, stubs, log):
        self.server, self.database, self.stubs = server, database, stubs
        self.log = open(log, "ab")
        self.process = None

    def start(self, *options):
        command = [sys.executable, str(ROOT / "examples/follower/follower.py"), "--server", self.server]
        command += ["--database", self.database, "--brand", CAMPAIGN[0], "--campaign", CAMPAIGN[1], *options]
        environment = dict(os.environ, PYTHONPATH=str(self.stubs))
        self.process = subprocess.Popen(command, env=environment, stderr=self.log)

    def kill(self):
        expect(self.process.poll(), None, "the follower runs")
        self.process.kill()
        self.process.wait()


class Test:
    def __init__(self, binary, database, work):
        (work / "stubs").mkdir()
        self.s = story.stubs(work / "stubs")
        (work / "maysend").mkdir()
        self.catalog = work / "catalog.toml"
        text = story.CATALOG.read_text()
        # Nobody without a yes, so that a lapse shows.
        self.opt_in = text.replace('policy = { marketing = "opt-out", consent', 'policy = { marketing = "opt-in", consent')
        assert self.opt_in != text
        self.catalog.write_text(self.opt_in)
        self.server = Server(binary, str(work / "maysend"), unix=False, catalog=self.catalog)
        self.database = psycopg.connect(database, autocommit=True)
        self.database.execute((ROOT / "examples/follower/schema.sql").read_text())
        self.follower = Follower(self.server.listen, database, work / "stubs", work / "follower.log")
        self.random = random.Random(int.from_bytes(os.urandom(4), "big"))

    def connect(self):
        self.channel = self.server.start()
        self.story = story.Story(self.s, self.channel)

    # what is done
    def consent(self, *addresses, days_ago=0):
        at = timestamp_pb2.Timestamp(seconds=int(time.time()) - 86_400 * days_ago)
        return self.story.consent.RecordConsent(self.s["consent"].RecordConsentRequest(
            addresses=addresses, scopes=[self.story.scope("topic:festival/newsletter")],
            legal_basis=self.s["common"].LEGAL_BASIS_CONSENT, evidence=self.story.form(at),
        ))

    def opt_out(self, *addresses, scope="topic:festival/newsletter"):
        request = self.s["consent"].OptOutRequest(addresses=addresses, scopes=[self.story.scope(scope)])
        return self.story.consent.OptOut(request)

    def block(self, *addresses):
        common = self.s["common"]
        return self.story.consent.BlockAddresses(self.s["consent"].BlockAddressesRequest(
            addresses=addresses, brands=["festival"], channels=[common.CHANNEL_EMAIL],
            cause=common.BLOCK_CAUSE_STAFF_DECISION, reason="under review",
        ))

    def lift(self, *addresses):
        return self.story.consent.LiftBlocks(self.s["consent"].LiftBlocksRequest(
            addresses=addresses, brands=["festival"], channels=[self.s["common"].CHANNEL_EMAIL], reason="reviewed",
        ))

    def resubscribe(self, address):
        """The owner, through the link of an old mail: the write holds no address."""
        preference = self.s["preference"]
        request = preference.MintLinksRequest(brand=CAMPAIGN[0], campaign=CAMPAIGN[1], addresses=[address])
        token = self.story.preference.MintLinks(request).links[0].preferences_token
        chosen = preference.Choice(scope=self.story.scope("topic:festival/newsletter"), subscribed=True)
        return self.story.preference.UpdatePreferences(preference.UpdatePreferencesRequest(
            token=token, choices=[chosen], evidence=self.story.form(None),
        ))

    # what is seen
    def row(self, address):
        found = self.database.execute("SELECT active, verdict FROM recipients WHERE address = %s", [address])
        return found.fetchone()

    def wait(self, look, wanted, what):
        until = time.monotonic() + PATIENCE
        while (seen := look()) != wanted:
            if time.monotonic() > until:
                expect(seen, wanted, what)
            time.sleep(0.01)

    def becomes(self, address, wanted, what):
        self.wait(lambda: self.row(address), wanted, what)

    # the steps
    def run(self):
        self.connect()
        self.follower.start()
        for step in [
            self.a_change_shows_in_the_table,
            self.what_stops_an_address_stops_its_tags,
            self.it_resumes_after_being_killed_in_mid_stream,
            self.it_outlives_a_restart_of_the_server,
            self.a_consent_that_lapses_deactivates,
            self.an_erased_address_is_deleted,
        ]:
            began = time.monotonic()
            told = step()
            print(f"  {step.__name__.replace('_', ' ')}: {told or 'ok'} ({time.monotonic() - began:.1f} s)", flush=True)
        self.follower.kill()
        self.server.stop()

    def a_change_shows_in_the_table(self):
        anna = "anna@example.org"
        self.consent("Anna@example.org")
        self.becomes(anna, (True, "ALLOWED_CONSENT"), "a consent")
        self.block(anna)
        self.becomes(anna, (False, "DENIED_BLOCKED"), "a block")
        self.lift(anna)
        self.becomes(anna, (True, "ALLOWED_CONSENT"), "a lifted block")
        self.opt_out(anna)
        self.becomes(anna, (False, "DENIED_OPTED_OUT_TOPIC"), "an opt-out")
        self.resubscribe(anna)
        self.becomes(anna, (True, "ALLOWED_CONSENT"), "the owner's own yes")

    def what_stops_an_address_stops_its_tags(self):
        self.consent("bob@example.org", "bob+news@example.org")
        self.becomes("bob+news@example.org", (True, "ALLOWED_CONSENT"), "a tagged address")
        self.opt_out("bob@example.org", scope="everything")
        self.becomes("bob+news@example.org", (False, "DENIED_OPTED_OUT_EVERYTHING"), "its base opted out")

    def it_resumes_after_being_killed_in_mid_stream(self):
        names = [f"r{number}{'+tag' if number % 10 == 0 else ''}@example.org" for number in range(ADDRESSES)]
        names += [f"r{number}@example.org" for number in range(0, ADDRESSES, 10)]
        failed, calls, killed = [], [], threading.Event()

        def write():
            try:
                while len(calls) < CALLS or not killed.is_set():
                    calls.append(None)
                    some = self.random.sample(names, 5)
                    self.random.choice([self.consent, self.consent, self.opt_out, self.block, self.lift])(*some)
            except Exception as error:
                failed.append(error)
                killed.set()

        writer = threading.Thread(target=write)
        writer.start()
        caught_up = []
        for _ in range(KILLS):
            further = self.progress() + self.random.randrange(1, 300)
            self.wait(lambda: self.progress() >= further or bool(failed), True, "progress")
            self.follower.kill()
            caught_up.append(self.progress())
            self.follower.start()
        killed.set()
        writer.join()
        expect(failed, [], "every write")
        expect(caught_up == sorted(set(caught_up)) and len(caught_up) == KILLS, True, "each life came further")
        return f"{len(calls)} calls, {self.compare(names)}; killed at revisions {', '.join(map(str, caught_up))}"

    def it_outlives_a_restart_of_the_server(self):
        self.server.stop()
        expect(self.follower.process.poll(), None, "the follower waits")
        self.connect()
        self.consent("carl@example.org")
        self.becomes("carl@example.org", (True, "ALLOWED_CONSENT"), "a consent after the restart")

    def a_consent_that_lapses_deactivates(self):
        dora = "dora@example.org"
        self.consent(dora, days_ago=50)
        self.becomes(dora, (True, "ALLOWED_CONSENT"), "a consent that does not lapse")
        self.catalog.write_text(self.opt_in.replace('marketing = "opt-in", consent', 'marketing = "opt-in", consent_lifetime_days = 40, consent'))
        self.server.process.send_signal(signal.SIGHUP)
        self.becomes(dora, (False, "DENIED_EXPIRED"), "a catalog that lets it lapse")
        expect(self.row("carl@example.org"), (True, "ALLOWED_CONSENT"), "a younger one")

    def an_erased_address_is_deleted(self):
        erasure = self.s["erasure"]
        service = self.s["erasure_rpc"].ErasureServiceStub(self.channel)
        eve, tag = "eve@example.org", "eve+news@example.org"
        self.consent(eve, tag)
        self.becomes(eve, (True, "ALLOWED_CONSENT"), "a consent")
        ask = erasure.RequestErasureRequest(address=eve, reason="by letter")
        case = service.RequestErasure(ask, metadata=[("maysend-actor", "anna")]).erasure_case
        self.becomes(eve, (False, "DENIED_ERASURE_PENDING"), "a requested erasure")
        self.becomes(tag, (False, "DENIED_ERASURE_PENDING"), "and what hangs on it")
        service.RejectErasure(erasure.RejectErasureRequest(id=case.id, reason="mistaken"), metadata=[("maysend-actor", "rita")])
        self.becomes(eve, (True, "ALLOWED_CONSENT"), "a rejected erasure")
        again = service.RequestErasure(ask, metadata=[("maysend-actor", "anna")]).erasure_case
        # It is away while the case is decided: the subject alone leads it to the row.
        self.follower.kill()
        service.ApproveErasure(erasure.ApproveErasureRequest(id=again.id), metadata=[("maysend-actor", "rita")])
        expect(self.row(eve) is not None, True, "nobody told the table yet")
        self.follower.start()
        self.becomes(eve, None, "an erasure")
        self.becomes(tag, (False, "DENIED_ERASED"), "what hangs on an erased address")

    def progress(self):
        return self.database.execute("SELECT after_revision FROM progress").fetchone()[0]

    def compare(self, names):
        """The whole table against the answers of now."""
        decision = self.s["decision"]
        names = sorted(names)
        request = decision.CheckRequest(brand=CAMPAIGN[0], campaign=CAMPAIGN[1], addresses=names)
        answer = self.story.decision.Check(request)
        self.wait(lambda: self.progress() >= answer.revision, True, "the follower catches up")
        verdict = self.s["common"].Verdict
        wanted = {
            name: (code >= 64, verdict.Name(code).removeprefix("VERDICT_")) for name, code in zip(names, answer.verdicts)
        }
        # Whom nobody ever named is not in the table.
        never = {name for name, (_, why) in wanted.items() if why == "DENIED_UNKNOWN_ADDRESS" and self.row(name) is None}
        table = {
            address: (active, why)
            for address, active, why in self.database.execute("SELECT address, active, verdict FROM recipients")
            if address in wanted
        }
        differ = {
            name: (table.get(name), row) for name, row in wanted.items() if name not in never and table.get(name) != row
        }
        expect(differ, {}, "rows that differ from Check")
        counts = collections.Counter(why for _, why in table.values())
        expect(len(counts) > 2 and len(table) > len(names) * 0.9, True, f"something to compare: {counts}")
        return f"{len(table)} rows agree with Check"


def main():
    binary, database, work = sys.argv[1:]
    test = Test(binary, database, pathlib.Path(work))
    try:
        test.run()
    finally:
        for process in (test.follower.process, test.server.process):
            if process and process.poll() is None:
                process.kill()
    print("the follower keeps its table in step")


if __name__ == "__main__":
    main()
