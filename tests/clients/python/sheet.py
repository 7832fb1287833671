"""Data sheets of one rich, one empty address, as pages in both languages.

usage: sheet.py PATH-TO-MAYSEND FOLDER

Starts the real binary, records what there can be about an address, and writes FOLDER/sheet-de.html,
sheet-en.html and empty-en.html with `maysend sheet`.
"""

import pathlib
import subprocess
import sys
import tempfile

from google.protobuf import timestamp_pb2

import story

EVE = "eve.muster@example.com"

WORDING = """Ja, ich möchte den Newsletter des Sommerfestivals per E-Mail erhalten.
Meine Einwilligung kann ich jederzeit widerrufen, etwa über den Link in jeder E-Mail. <b>Kein Zauber.</b>"""


def facts(told, stubs):
    """Everything that a clerk, a machine and the owner can say today."""
    consent, common = stubs["consent"], stubs["common"]

    def do(call, **fields):
        method = getattr(told.consent, call)
        answer = method(getattr(consent, call + "Request")(addresses=[EVE], **fields), metadata=WHO)
        assert list(answer.outcomes) == [common.WRITE_OUTCOME_APPLIED], (call, answer.outcomes)

    WHO = [("maysend-actor", "anna.huber")]
    do("RegisterAddresses", controllers=["buehne", "hotels"], source="Kassa Seebühne, Bestellung 4711")
    form = common.Evidence(
        method=common.METHOD_DOUBLE_OPT_IN,
        source="https://festival.example/newsletter?utm_campaign=herbst&ref=plakat-bahnhof-mitte",
        wording=WORDING,
        wording_version="2026-04",
        language="de-AT",
        ip="2001:db8:4711::17",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        occurred_at=timestamp_pb2.Timestamp(seconds=1_775_000_000),
    )
    newsletter = told.scope("topic:festival/newsletter")
    do("RecordConsent", scopes=[newsletter], legal_basis=common.LEGAL_BASIS_CONSENT, evidence=form, request_id="crm-2026-000815")
    paper = common.Evidence(method=common.METHOD_PAPER, document_ref="Ordner 7, Blatt 12")
    do("RecordConsent", scopes=[told.scope("brand:seeblick")], legal_basis=common.LEGAL_BASIS_EXISTING_CUSTOMER, evidence=paper)
    do("OptOut", scopes=[told.scope("topic:festival/programm"), told.scope("brand:alpenhof")], reason="Anruf: zu viele E-Mails & <keine> Zeit")
    staff, email, post = common.BLOCK_CAUSE_STAFF_DECISION, common.CHANNEL_EMAIL, common.CHANNEL_POST
    do("BlockAddresses", brands=["stadttheater"], channels=[email, post], cause=staff, reason="Hausverbot bis Saisonende")
    do("BlockAddresses", brands=["stadttheater"], channels=[email], cause=common.BLOCK_CAUSE_COMPLAINT, reason="abuse report 99")
    do("LiftBlocks", brands=["stadttheater"], channels=[post], reason="Irrtum: nur E-Mail war gemeint")
    do("WithdrawConsent", scopes=[told.scope("topic:seeblick/veranstaltungen")], reason="Gespräch an der Rezeption")


def main(binary, folder):
    with tempfile.TemporaryDirectory() as data:
        stubs = story.stubs(tempfile.mkdtemp(dir=data))
        server = story.Server(binary, data, unix=True)
        channel = server.start()
        facts(story.Story(stubs, channel), stubs)
        for name, address, language in [
            ("sheet-de", EVE, "de"),
            ("sheet-en", EVE, "en"),
            ("empty-en", "nobody@example.com", "en"),
        ]:
            command = [binary, "--server", server.listen, "--actor", "dr.datenschutz", "sheet", address]
            command += ["--as", "html", "--language", language, "--output", f"{folder}/{name}.html"]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        channel.close()
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
