"""maysend for a CRM plugin: what a clerk does is recorded exactly once, or the clerk is told.

A call that fails on its way may have been recorded all the same. Repeated with the same request_id
it is recorded once, and the first answer comes back. So an action of a clerk gets one request_id,
before its first attempt, and keeps it.
"""

import dataclasses
import pathlib
import random
import sys
import time
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

# Stubs are made from the contract as the program starts. In a plugin make them as it is built:
# python -m grpc_tools.protoc -Iproto --python_out=. --grpc_python_out=. proto/maysend/v1/*.proto
sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "proto"))
common, _ = grpc.protos_and_services("maysend/v1/common.proto")
consent, consent_rpc = grpc.protos_and_services("maysend/v1/consent.proto")
catalog, catalog_rpc = grpc.protos_and_services("maysend/v1/catalog.proto")
erasure, erasure_rpc = grpc.protos_and_services("maysend/v1/erasure.proto")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0

# After these nobody knows whether the write was recorded.
OUTCOME_UNKNOWN = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
# What gRPC itself may make of a call that breaks on its way. An error of maysend has a reason.
BROKEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED}


class Refused(Exception):
    """maysend said no to the call as a whole, such as to a malformed one: it wrote nothing.

    faults names the fields to correct. Where after_silence is set an earlier attempt got no answer:
    look at the history before you call it refused.
    """

    def __init__(self, error, after_silence=False):
        self.code, self.reason, self.faults = error.code(), "", []
        self.after_silence = after_silence
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                self.reason = info.reason
            elif detail.Unpack(bad):
                self.faults = [(v.field, v.description) for v in bad.field_violations]
        lines = [f"{field}: {problem}" for field, problem in self.faults]
        super().__init__("\n".join(lines) or error.details() or self.code.name)


class OutcomeUnknown(Exception):
    """maysend gave no answer in time. A write may be recorded: repeat it with this request_id."""

    def __init__(self, request_id, error):
        self.request_id, self.code = request_id, error.code()
        super().__init__(f"{self.code.name}: {error.details()}")


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of a write for its one address, by the name of the WriteOutcome."""

    outcome: str
    revision: int
    request_id: str


def outcome_name(number):
    """APPLIED, or REJECTED_...: a number that only a newer maysend knows is a rejection."""
    if number in common.WriteOutcome.values() and number:
        return common.WriteOutcome.Name(number).removeprefix("WRITE_OUTCOME_")
    return f"REJECTED_{number}"


def scope_of(text):
    """The scope `everything`, `controller:ID`, `brand:ID` or `topic:BRAND/TOPIC`."""
    kind, _, name = text.partition(":")
    brand, _, topic = name.partition("/")
    if text == "everything":
        return common.Scope(everything=True)
    if kind == "topic" and brand and topic:
        return common.Scope(topic=common.TopicRef(brand=brand, topic=topic))
    if kind in ("controller", "brand") and name:
        return common.Scope(**{kind: name})
    raise ValueError(f"`{text}` is no scope: everything, controller:ID, brand:ID or topic:BRAND/TOPIC")


class Maysend:
    """A connection that outlives restarts of the server, on behalf of one clerk.

    deadline is for one attempt, patience for all attempts of one call, in seconds. before_retry is
    called with the error of each attempt that is repeated.
    """

    def __init__(self, server, actor="", deadline=5.0, patience=60.0, before_retry=lambda error: None):
        self.deadline, self.patience, self.before_retry = deadline, patience, before_retry
        options = [
            # By default a client waits up to two minutes before it tries a lost server again.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if server.startswith("unix:"):
            # Else the socket's path goes there, which HTTP/2 does not allow.
            options.append(("grpc.default_authority", "localhost"))
        self.channel = grpc.insecure_channel(server, options=options)
        self.consent = consent_rpc.ConsentServiceStub(self.channel)
        self.catalog = catalog_rpc.CatalogServiceStub(self.channel)
        self.erasure = erasure_rpc.ErasureServiceStub(self.channel)
        self.metadata = []
        if actor.isascii():
            self.metadata = [("maysend-actor", actor)] if actor else []
        else:
            self.metadata = [("maysend-actor-bin", actor.encode())]

    def close(self):
        self.channel.close()

    def call_with_retry(self, call, message):
        """Sends the message, and the very same again for as long as its outcome is unknown."""
        is_write = "request_id" in message.DESCRIPTOR.fields_by_name
        if is_write and not message.request_id:
            message.request_id = str(uuid.uuid4())
        end, pause, silent = time.monotonic() + self.patience, FIRST_PAUSE, False
        while True:
            try:
                return call(message, timeout=self.deadline, metadata=self.metadata)
            except grpc.RpcError as error:
                refused = Refused(error, silent)
                is_broken = refused.code in BROKEN and not refused.reason
                if refused.code not in OUTCOME_UNKNOWN and not is_broken:
                    raise refused from error
                # Half of it by chance, so that all who lost the server do not come back at once.
                wait = pause * random.uniform(0.5, 1.0)
                if time.monotonic() + wait >= end:
                    raise OutcomeUnknown(message.request_id if is_write else "", error) from error
                self.before_retry(error)
            time.sleep(wait)
            pause, silent = min(2 * pause, LONGEST_PAUSE), True

    def write(self, call, message):
        response = self.call_with_retry(call, message)
        return Written(outcome_name(response.outcomes[0]), response.revision, message.request_id)

    # What a clerk does, each one call.

    def block(self, address, brands, reason, cause="STAFF_DECISION", opt_out=(), request_id=""):
        """Stops the brands with a reason, and opts the owner out of scopes, in one write."""
        message = consent.BlockAddressesRequest(
            addresses=[address],
            brands=brands,
            cause=common.BlockCause.Value(f"BLOCK_CAUSE_{cause}"),
            reason=reason,
            opt_out=[scope_of(scope) for scope in opt_out],
            request_id=request_id,
        )
        return self.write(self.consent.BlockAddresses, message)

    def lift_blocks(self, address, brand, reason):
        message = consent.LiftBlocksRequest(addresses=[address], brands=[brand], reason=reason)
        return self.write(self.consent.LiftBlocks, message)

    def record_consent(self, address, brand, evidence):
        """Records a yes. Evidence that is less than its method needs is Refused."""
        message = consent.RecordConsentRequest(
            addresses=[address],
            scopes=[common.Scope(brand=brand)],
            legal_basis=common.LEGAL_BASIS_CONSENT,
            evidence=evidence,
        )
        return self.write(self.consent.RecordConsent, message)

    def withdraw_consent(self, address, brand, reason=""):
        message = consent.WithdrawConsentRequest(
            addresses=[address], scopes=[common.Scope(brand=brand)], reason=reason
        )
        return self.write(self.consent.WithdrawConsent, message)

    def mark_consent_requested(self, address, brand, campaign):
        """Takes the permission to send this one request: send it only if APPLIED."""
        message = consent.MarkConsentRequestedRequest(addresses=[address], brand=brand, campaign=campaign)
        return self.write(self.consent.MarkConsentRequested, message)

    def request_erasure(self, address, reason):
        """Stops everything at once; a colleague decides. Returns the case."""
        message = erasure.RequestErasureRequest(address=address, reason=reason)
        return self.call_with_retry(self.erasure.RequestErasure, message).erasure_case

    # What a clerk looks at.

    def status(self, address, at_least_revision=0):
        message = consent.GetStatusRequest(address=address, at_least_revision=at_least_revision)
        return self.call_with_retry(self.consent.GetStatus, message)

    def history(self, address):
        """All events of the address, newest first."""
        message, events = consent.GetHistoryRequest(address=address), []
        while True:
            page = self.call_with_retry(self.consent.GetHistory, message)
            events += page.events
            message.page_token = page.next_page_token
            if not message.page_token:
                return events

    def titles(self):
        """The catalog: what people call controllers and brands."""
        return self.call_with_retry(self.catalog.GetCatalog, catalog.GetCatalogRequest())
