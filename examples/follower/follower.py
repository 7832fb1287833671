"""Keeps a table of recipients in PostgreSQL in step with maysend.

What changed comes from Watch; what it means for the campaign is asked of Check. The table and how
far it is are written in one transaction: kill it at any moment, and it resumes without a gap.
"""

import argparse
import pathlib
import sys
import time

import grpc
import psycopg

from maysend.v1 import change_pb2, change_pb2_grpc, common_pb2, decision_pb2, decision_pb2_grpc

# Verdicts below it deny.
FIRST_ALLOWED = 64

# Addresses asked at once.
AT_ONCE = 10_000

UPSERT = """
    INSERT INTO recipients (subject, address, base, active, verdict, revision)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (subject) DO UPDATE SET
        active = excluded.active, verdict = excluded.verdict, revision = excluded.revision
"""


class Follower:
    def __init__(self, channel, connection, brand, campaign):
        self.changes = change_pb2_grpc.ChangeServiceStub(channel)
        self.decisions = decision_pb2_grpc.DecisionServiceStub(channel)
        self.connection = connection
        self.brand, self.campaign = brand, campaign

    def follow(self):
        """Follows until the connection ends."""
        (after,) = self.connection.execute("SELECT after_revision FROM progress").fetchone()
        print(f"following after revision {after}", file=sys.stderr, flush=True)
        for message in self.changes.Watch(change_pb2.WatchRequest(after_revision=after)):
            if message.changes or message.revision > after:
                self.take(message)
            after = message.revision

    def take(self, message):
        """Takes a message whole or not at all."""
        changed, erased = {}, []
        for change in message.changes:
            if change.event.kind == common_pb2.EVENT_KIND_ERASED:
                erased.append(change.subject)
                # Whoever starts afresh later in this message is there again.
                changed.pop(change.subject, None)
            elif change.address:
                changed[change.subject] = change.address
        changed |= self.tagged(changed, erased)
        rows = self.ask(changed, message.revision)
        with self.connection.transaction():
            cursor = self.connection.cursor()
            cursor.execute("DELETE FROM recipients WHERE subject = ANY(%s)", [erased])
            cursor.executemany(UPSERT, rows)
            cursor.execute("UPDATE progress SET after_revision = %s", [message.revision])

    def tagged(self, changed, erased):
        """Those whose base has changed: what stops anna@ stops anna+news@ too."""
        query = """
            SELECT subject, address FROM recipients
            WHERE base = ANY(%(changed)s)
               OR base IN (SELECT address FROM recipients WHERE subject = ANY(%(erased)s))
        """
        found = self.connection.execute(query, {"changed": list(changed.values()), "erased": erased})
        return {subject: address for subject, address in found if subject not in erased}

    def ask(self, recipients, at_least):
        """The rows of recipients, as maysend answers now."""
        rows = []
        subjects, addresses = list(recipients), list(recipients.values())
        for start in range(0, len(addresses), AT_ONCE):
            part = addresses[start : start + AT_ONCE]
            request = decision_pb2.CheckRequest(
                brand=self.brand, campaign=self.campaign, addresses=part, at_least_revision=at_least
            )
            answer = self.decisions.Check(request)
            if len(answer.verdicts) != len(part):
                raise RuntimeError("maysend did not answer for each address")
            for subject, address, verdict in zip(subjects[start:], part, answer.verdicts):
                active = verdict >= FIRST_ALLOWED
                name = common_pb2.Verdict.Name(verdict).removeprefix("VERDICT_")
                rows.append((subject, address, base_of(address), active, name, answer.revision))
        return rows

    def recheck(self):
        """Asks again for the whole table: after a change of policy, or of the campaign."""
        everybody = dict(self.connection.execute("SELECT subject, address FROM recipients"))
        with self.connection.transaction():
            self.connection.cursor().executemany(UPSERT, self.ask(everybody, 0))
        print(f"asked again for {len(everybody)} addresses", file=sys.stderr, flush=True)


def base_of(address):
    """What precedes the plus tag."""
    local, _, domain = address.rpartition("@")
    name, plus, _ = local.partition("+")
    return f"{name}@{domain}" if plus and name else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:50051", help="where maysend listens")
    parser.add_argument("--database", default="", help="connection string of PostgreSQL")
    parser.add_argument("--brand", required=True)
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--recheck", action="store_true", help="first ask again for the whole table")
    options = parser.parse_args()

    connection = psycopg.connect(options.database, autocommit=True)
    # Two of us would overtake each other. The lock goes with the connection; that of one who was
    # killed goes when PostgreSQL notices.
    connection.execute("SELECT pg_advisory_lock(hashtext('maysend follower'))")
    connection.execute((pathlib.Path(__file__).parent / "schema.sql").read_text())

    # A dead connection is noticed also while nothing is said.
    channel = grpc.insecure_channel(options.server, options=[("grpc.keepalive_time_ms", 30_000)])
    follower = Follower(channel, connection, options.brand, options.campaign)
    rechecked = not options.recheck
    while True:
        try:
            if not rechecked:
                follower.recheck()
                rechecked = True
            follower.follow()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            print(f"maysend is away: {error.details()}", file=sys.stderr, flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main()
