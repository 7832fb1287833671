#!/usr/bin/env python3
"""A CRM plugin at the command line: the status panel, and a block with reason and opt-out."""

import argparse
import os
import sys

from client import Maysend, OutcomeUnknown, Refused, scope_of
from panel import WHY_NOT, panel

DONE, FAILED, WRONG_USAGE, UNKNOWN = 0, 1, 64, 75


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def scope(text):
    try:
        scope_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(error) from None
    return text


def arguments():
    parser = Parser(prog="crm.py", description=__doc__)
    parser.add_argument("--server", default=os.environ.get("MAYSEND_SERVER", "127.0.0.1:50051"),
                        metavar="HOST:PORT or unix:PATH")
    parser.add_argument("--actor", default=os.environ.get("USER", ""), metavar="NAME", help="the clerk, for the record")
    parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS", help="how long to try")
    commands = parser.add_subparsers(dest="command", required=True)
    look = commands.add_parser("panel", help="what stands for an address, and what you can do")
    look.add_argument("address")
    block = commands.add_parser("block", help="stop brands for an address, with a reason")
    block.add_argument("address")
    block.add_argument("--brand", action="append", required=True, dest="brands", metavar="ID")
    block.add_argument("--reason", required=True, metavar="TEXT")
    block.add_argument("--opt-out", action="append", default=[], type=scope, metavar="SCOPE",
                       help="also opt the owner out: everything, controller:ID, brand:ID, topic:BRAND/TOPIC")
    block.add_argument("--cause", choices=["staff-decision", "owner-request"], default="staff-decision",
                       help="owner-request: the owner asked for it, and only the owner can undo it")
    block.add_argument("--request-id", default="", metavar="ID", help="to repeat a block that got no answer")
    return parser.parse_args()


def do_block(maysend, args):
    cause = args.cause.upper().replace("-", "_")
    written = maysend.block(args.address, args.brands, args.reason, cause, args.opt_out, args.request_id)
    if written.outcome == "REJECTED_INVALID_ADDRESS":
        print(f"Not recorded. address: `{args.address}` is no e-mail address", file=sys.stderr)
        return FAILED
    if written.outcome not in ("APPLIED", "UNCHANGED"):
        print(f"Not recorded: {WHY_NOT.get(written.outcome, written.outcome)}", file=sys.stderr)
        return FAILED
    if written.outcome == "UNCHANGED":
        print("Nothing new to record: it stood so already, or all data of this address were erased.")
        return DONE
    opted_out = f", and opted out of {', '.join(args.opt_out)}" if args.opt_out else ""
    print(f"Recorded: {args.address} is blocked for {', '.join(args.brands)}{opted_out}.")
    return DONE


def run(args):
    silences = []

    def before_retry(error):
        if not silences:
            print(f"No answer yet ({error.code().name}). Trying for up to {args.patience:g} seconds; "
                  "nothing is recorded twice.", file=sys.stderr)
        silences.append(error)

    # maysend itself prints http://HOST:PORT.
    maysend = Maysend(args.server.removeprefix("http://"), args.actor, patience=args.patience, before_retry=before_retry)
    try:
        if args.command == "block":
            return do_block(maysend, args)
        print(panel(maysend, args.address).text())
        return DONE
    except Refused as refused:
        print(f"Refused. {refused}", file=sys.stderr)
        if refused.after_silence:
            print("An earlier attempt got no answer: look at the history.", file=sys.stderr)
        return FAILED
    except OutcomeUnknown as unknown:
        print(f"maysend at {args.server} gives no answer.\n  {unknown}", file=sys.stderr)
        if unknown.request_id:
            print("It may be recorded or not. To repeat it safely, run the same command with\n"
                  f"  --request-id {unknown.request_id}", file=sys.stderr)
        else:
            print("Without an answer, send nothing.", file=sys.stderr)
        return UNKNOWN
    finally:
        maysend.close()


if __name__ == "__main__":
    sys.exit(run(arguments()))
