"""The status panel: what stands for an address, and only those actions that maysend would take now.

The panel decides nothing. GetStatus runs each command dry, and what would be APPLIED is offered; for
the others the panel says why not. Between look and click things may change: the outcome of the
action itself is what counts.
"""

import dataclasses
import unicodedata

from client import common, outcome_name

# What staff can do for a brand: the field of BrandActions, its name, and what it does.
ACTIONS = [
    ("mark_consent_requested", "ask for consent", "allows one mail that asks for consent to a topic, if that topic is open"),
    ("record_consent", "record consent", "records that the owner agreed, with the proof of it"),
    ("withdraw_consent", "withdraw consent", "records that the owner does not agree; only the owner can undo it"),
    ("lift_blocks", "lift block", "removes what staff or a bounce blocked; the owner's own no stays"),
]

# Why an action is not offered.
WHY_NOT = {
    "REJECTED_OPTED_OUT": "the owner said no, and only the owner can take it back",
    "REJECTED_REFUSED": "the owner refused, and only the owner can take it back",
    "REJECTED_BLOCKED": "a block stands in the way",
    "REJECTED_COMPLAINT": "the owner complained, and only the owner can take it back",
    "REJECTED_POLICY": "the rules of this brand do not allow it",
    "REJECTED_RECENTLY_ASKED": "the owner was asked not long ago",
    "REJECTED_UNKNOWN_ADDRESS": "the company does not have this address on file",
    "REJECTED_ERASURE_PENDING": "an erasure is requested and not decided yet",
    "REJECTED_ERASED": "all data of this address were erased",
    "REJECTED_ALREADY_GRANTED": "the owner has agreed already",
    "REJECTED_PROOF": "this needs the owner's own proof, through the mailbox or a login",
}
NOTHING_TO_DO = {
    "lift_blocks": "nothing is blocked",
    "withdraw_consent": "it is recorded already",
    "record_consent": "it is recorded already",
}


def why_not(action, outcome, erased=False):
    """Why the action is not offered, in plain words."""
    if outcome == "UNCHANGED":
        return WHY_NOT["REJECTED_ERASED"] if erased else NOTHING_TO_DO.get(action, "it would change nothing")
    return WHY_NOT.get(outcome, f"maysend says {outcome}, which this panel does not know yet")


@dataclasses.dataclass(frozen=True)
class Offer:
    """One action for one brand; why_not is empty where it is offered."""

    brand: str
    action: str
    outcome: str
    why_not: str


@dataclasses.dataclass(frozen=True)
class Panel:
    address: str
    on_file_with: list
    erasure: str
    stands: list
    offers: list
    revision: int
    titles: dict

    def offered(self):
        return [offer for offer in self.offers if not offer.why_not]

    def text(self):
        lines = [self.address]
        lines.append(f"  on file with: {', '.join(self.on_file_with) or 'nobody'}")
        if self.erasure != "NONE":
            lines.append(f"  erasure: {self.erasure.lower()}")
        lines += ["", "What stands", *(f"  {line}" for line in self.stands or ["nothing"])]
        lines += ["", "What you can do now"]
        for brand in dict.fromkeys(offer.brand for offer in self.offers):
            lines.append(f"  {self.titles.get(brand, brand)} ({brand})")
            lines += _buttons([offer for offer in self.offers if offer.brand == brand])
        if self.erasure != "ERASED":
            lines += ["", "A block or an opt-out is always taken."]
        return "\n".join(lines)


def _buttons(offers):
    """The actions of a brand, then why the others are missing, equal reasons together."""
    names = {action: (name, effect) for action, name, effect in ACTIONS}
    missing = {}
    for offer in offers:
        name, effect = names[offer.action]
        if offer.why_not:
            missing.setdefault(offer.why_not, []).append(name)
        else:
            yield f"    [{name}]".ljust(24) + effect
    for why, actions in missing.items():
        yield f"    not offered: {', '.join(actions)} - {why}"


def _one_line(text):
    """A reason is somebody's text: it may hold line breaks, and sequences that move the cursor."""
    return "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)


def _plain(enum, number, prefix):
    """BLOCK_CAUSE_HARD_BOUNCE as `hard bounce`; of a newer maysend, the number."""
    name = enum.Name(number) if number in enum.values() else str(number)
    return name.removeprefix(prefix).lower().replace("_", " ")


class _Words:
    """Facts as people read them, by the titles of the catalog."""

    def __init__(self, catalog):
        self.controllers = {c.id: c.title for c in catalog.controllers}
        self.brands = {b.id: b.title for b in catalog.brands}
        self.topics = {(b.id, t.id): t.title for b in catalog.brands for t in b.topics}

    def scope(self, scope):
        level = scope.WhichOneof("level")
        if level == "everything":
            return "all mailings whatsoever"
        if level == "controller":
            return f"all mailings of {self.controllers.get(scope.controller, scope.controller)}"
        if level == "brand":
            return self.brands.get(scope.brand, scope.brand)
        brand, topic = scope.topic.brand, scope.topic.topic
        return f"{self.brands.get(brand, brand)}, {self.topics.get((brand, topic), topic)}"

    def origin(self, event):
        """When it was recorded, and by whom."""
        when = event.recorded_at.ToDatetime().strftime("%Y-%m-%d %H:%M UTC")
        actor_class = _plain(common.ActorClass, getattr(event.actor, "class"), "ACTOR_CLASS_")
        return f"{when}, {_one_line(event.actor.id) or actor_class}"

    def stands(self, status):
        for block in status.blocks:
            channel = {common.CHANNEL_EMAIL: "e-mail", common.CHANNEL_POST: "letters"}.get(block.channel, "?")
            cause = _plain(common.BlockCause, block.cause, "BLOCK_CAUSE_")
            brand = self.brands.get(block.brand, block.brand)
            yield f'blocked: {brand}, {channel} ({cause}): "{_one_line(block.reason)}" - {self.origin(block.event)}'
        for opt_out in status.opt_outs:
            yield f"opted out: {self.scope(opt_out.scope)} - {self.origin(opt_out.event)}"
        for consent in status.consents:
            state = _plain(common.ConsentState, consent.state, "CONSENT_STATE_")
            if consent.legal_basis:
                state += f" ({_plain(common.LegalBasis, consent.legal_basis, 'LEGAL_BASIS_')})"
            yield f"consent {state}: {self.scope(consent.scope)} - {self.origin(consent.event)}"


def panel(maysend, address, at_least_revision=0):
    """What stands for the address. Give the revision of your last write to see it."""
    status = maysend.status(address, at_least_revision)
    words = _Words(maysend.titles())
    erasure = common.ErasureState.Name(status.erasure).removeprefix("ERASURE_STATE_")
    offers = []
    for brand in status.actions:
        for action, _, _ in ACTIONS:
            outcome = outcome_name(getattr(brand, action))
            why = "" if outcome == "APPLIED" else why_not(action, outcome, erasure == "ERASED")
            offers.append(Offer(brand.brand, action, outcome, why))
    return Panel(
        address=status.canonical_address,
        on_file_with=[words.controllers.get(c, c) for c in status.registered_with],
        erasure=erasure,
        stands=list(words.stands(status)),
        offers=offers,
        revision=status.revision,
        titles=words.brands,
    )
