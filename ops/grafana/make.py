#!/usr/bin/env python3
"""Writes maysend.json, the Grafana dashboard, from the table below.

usage: make.py [--check]     with --check: say whether the file is as this would write it
"""

import json
import pathlib
import sys

JOB = '{job="maysend", instance=~"$instance"}'


def of(metric, *matchers):
    """A metric of the chosen instances."""
    return metric + "{" + ", ".join(['instance=~"$instance"', *matchers]) + "}"


def rate(metric, *matchers):
    return f"rate({of(metric, *matchers)}[$__rate_interval])"


def quantile(q, histogram, by="le"):
    return f"histogram_quantile({q}, sum by ({by}) ({rate(histogram + '_bucket')}))"


# Rows of panels: title, unit, width of 24, [(legend, query)], what to know.
ROWS = [
    ("At a glance", [
        ("Serving", "bool_yes_no", 3, [("", of("maysend_serving"))], "No: it starts or drains; /readyz says which."),
        ("Writes taken", "bool_yes_no", 3, [("", f"1 - {of('maysend_latched')}")],
         "No: a write to disk failed, and none is taken until a restart."),
        ("Clock trusted", "bool_yes_no", 3, [("", f"1 - {of('maysend_clock_in_doubt')}")],
         "No: the wall clock lies days before the last event, and yeses are refused."),
        ("Addresses known", "short", 3, [("", of("maysend_index_addresses"))], ""),
        ("Revision", "none", 3, [("", of("maysend_head_revision"))], "Number of the ledger's last record."),
        ("Checkpoint", "s", 3, [("", f"time() - {of('maysend_checkpoint_timestamp_seconds')}")],
         "Its age. An older one makes the next start longer, and nothing else."),
        ("Disk left", "percentunit", 3,
         [("", f"{of('maysend_disk_free_bytes')} / {of('maysend_disk_size_bytes')}")], "On a full disk only noes are taken."),
        ("Up for", "s", 3, [("", f"time() - {of('process_start_time_seconds', 'job=' + chr(34) + 'maysend' + chr(34))}")], ""),
    ]),
    ("Checks", [
        ("Addresses asked about", "ops", 12,
         [("allowed", f"sum({rate('maysend_checked_addresses_total', 'verdict=~' + chr(34) + 'ALLOWED_.*' + chr(34))})"),
          ("denied", f"sum({rate('maysend_checked_addresses_total', 'verdict=~' + chr(34) + 'DENIED_.*' + chr(34))})")], ""),
        ("Why not", "ops", 12,
         [("{{verdict}}", f"sum by (verdict) ({rate('maysend_checked_addresses_total', 'verdict=~' + chr(34) + 'DENIED_.*' + chr(34))}) > 0")],
         "Denials by reason."),
        ("Time to answer a question", "s", 12,
         [("median", quantile(0.5, "maysend_check_duration_seconds")),
          ("99 %", quantile(0.99, "maysend_check_duration_seconds"))],
         "A Check, or one message of a CheckStream, on the server."),
        ("Addresses of a question", "short", 12,
         [("median", quantile(0.5, "maysend_check_addresses")),
          ("99 %", quantile(0.99, "maysend_check_addresses"))], "Small questions cost most for each address."),
    ]),
    ("Calls", [
        ("Calls by method", "ops", 8, [("{{method}}", f"sum by (method) ({rate('maysend_calls_total')}) > 0")], ""),
        ("Calls that failed", "ops", 8,
         [("{{code}}", f"sum by (code) ({rate('maysend_calls_total', 'code!=' + chr(34) + 'OK' + chr(34))})")],
         "INTERNAL and UNKNOWN are the server's own faults. RESOURCE_EXHAUSTED: a limit, or a full disk."),
        ("Calls under way", "short", 8, [("{{method}}", f"sum by (method) ({of('maysend_calls_in_flight')}) > 0")],
         "Streams count as long as they are open."),
        ("Time of a call, 99 %", "s", 24, [("{{method}}", quantile(0.99, "maysend_call_duration_seconds", "method, le") + " > 0")],
         "From its head to the last octet of the answer, so with the client's share."),
    ]),
    ("Writes", [
        ("Addresses written, by outcome", "ops", 8,
         [("{{outcome}}", f"sum by (outcome) ({rate('maysend_written_addresses_total')}) > 0")], ""),
        ("fdatasync", "s", 8,
         [("median", quantile(0.5, "maysend_ledger_fsync_duration_seconds")),
          ("99 %", quantile(0.99, "maysend_ledger_fsync_duration_seconds"))], "Every write waits for one."),
        ("Records of a group", "short", 8,
         [("median", quantile(0.5, "maysend_ledger_group_records")),
          ("99 %", quantile(0.99, "maysend_ledger_group_records")),
          ("groups a second", f"sum({rate('maysend_ledger_fsync_duration_seconds_count')})")],
         "Writes that arrive together share an fdatasync."),
        ("Writes that wait", "short", 12, [("{{instance}}", of("maysend_writes_waiting"))], "For the one thread that writes."),
        ("Failures of the disk", "short", 12,
         [("fdatasync", of("maysend_ledger_fsync_failures_total")),
          ("checkpoints", of("maysend_checkpoint_failures_total"))], "The first failed fdatasync latches the ledger."),
    ]),
    ("Owners", [
        ("Pages", "ops", 8, [("{{page}}", f"sum by (page) ({rate('maysend_page_views_total')})")], "Shown, by kind."),
        ("Forms and clicks", "ops", 8, [("{{page}}", f"sum by (page) ({rate('maysend_page_submissions_total')})"),
          ("in haste", f"sum({rate('maysend_page_hasty_submissions_total')})")],
         "In haste: within two seconds of its page, as programs send them that scan mail."),
        ("Mails of sign-ups", "ops", 8, [("{{result}}", f"sum by (result) ({rate('maysend_sign_up_mails_total')})"),
          ("too many of a network", f"sum({rate('maysend_sign_ups_paced_total')})")],
         "failed: the relay did not take them in the end."),
    ]),
    ("Following", [
        ("Followers", "short", 8, [("{{instance}}", of("maysend_watches"))], "Open Watch calls; 64 at most."),
        ("Slowest follower", "short", 8, [("{{instance}}", of("maysend_watch_lag_revisions"))],
         "Revisions that it has not been told of."),
        ("Revisions a second", "ops", 8, [("{{instance}}", f"deriv({of('maysend_head_revision')}[5m])")], ""),
    ]),
    ("Room", [
        ("Memory", "bytes", 8,
         [("process", f"process_resident_memory_bytes{JOB}"), ("index", of("maysend_index_bytes"))], ""),
        ("Processor", "percentunit", 8, [("{{instance}}", f"rate(process_cpu_seconds_total{JOB}[$__rate_interval])")],
         "1 is one processor."),
        ("Ledger", "bytes", 8, [("{{instance}}", of("maysend_ledger_bytes"))], "It only grows."),
        ("Segments", "short", 6, [("{{instance}}", of("maysend_ledger_segments"))], "Files of the ledger."),
        ("Shapes", "short", 6, [("{{instance}}", of("maysend_index_shapes"))], "Different profiles, days aside."),
        ("Time to write a checkpoint", "s", 6, [("median", quantile(0.5, "maysend_checkpoint_duration_seconds"))], ""),
        ("Descriptors", "percentunit", 6,
         [("{{instance}}", f"process_open_fds{JOB} / process_max_fds{JOB}")], "Connections, mostly."),
    ]),
]


def panel(number, title, unit, place, queries, about, is_stat):
    return {
        "id": number,
        "type": "stat" if is_stat else "timeseries",
        "title": title,
        "description": about,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if is_stat
        else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": query, "legendFormat": legend or "__auto",
             "datasource": {"type": "prometheus", "uid": "${datasource}"}}
            for at, (legend, query) in enumerate(queries)
        ],
    }


def dashboard():
    panels, y = [], 0
    for row, (heading, members) in enumerate(ROWS):
        panels.append({"id": 1000 + row, "type": "row", "title": heading, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        y += 1
        x, height = 0, 4 if row == 0 else 8
        for title, unit, width, queries, about in members:
            if x + width > 24:
                x, y = 0, y + height
            place = {"x": x, "y": y, "w": width, "h": height}
            panels.append(panel(len(panels) + 1, title, unit, place, queries, about, row == 0))
            x += width
        y += height
    return {
        "uid": "maysend",
        "title": "maysend",
        "description": "May we send? Checks, writes, the ledger and those who follow.",
        "tags": ["maysend"],
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
            {"name": "instance", "type": "query", "label": "Instance", "includeAll": True, "multi": True,
             "current": {"text": "All", "value": "$__all"}, "refresh": 2,
             "datasource": {"type": "prometheus", "uid": "${datasource}"},
             "definition": "label_values(maysend_serving, instance)",
             "query": {"query": "label_values(maysend_serving, instance)", "refId": "instance"}},
        ]},
        "panels": panels,
    }


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("maysend.json")
    text = json.dumps(dashboard(), indent=1) + "\n"
    if "--check" in sys.argv:
        sys.exit(0 if path.read_text() == text else "maysend.json is not what make.py writes: run it")
    path.write_text(text)
