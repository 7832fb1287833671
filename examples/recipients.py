#!/usr/bin/env python3
"""Writes recipients.csv: 5,000 invented recipients as a German CRM exports them.

Semicolons, CR LF, umlauts, quoted fields with semicolons and line breaks, upper-case addresses,
duplicates, broken and empty addresses, plus tags, umlaut domains. All domains are reserved ones
(RFC 2606, RFC 6761). Always the same octets: python3 recipients.py > recipients.csv
"""

import random
import sys

ROWS = 5000
WOMEN = "Anna Lena Sophie Katharina Marie Julia Eva Sabine Monika Ursula J\u00f6rdis B\u00e4rbel".split()
MEN = "Lukas Paul Maximilian Jakob Stefan Thomas G\u00fcnther J\u00fcrgen Bj\u00f6rn Franz Karl Moritz".split()
LAST = (
    "Gruber Huber Bauer M\u00fcller Wagner Steiner Moser Hofer Schwarz Wei\u00df K\u00f6nig J\u00e4ger Gr\u00fcnwald "
    "B\u00f6hm Sch\u00f6nberger F\u00fcrst Lechner Pichler Kr\u00e4mer Schr\u00f6der Yildiz Novak Horvath Strau\u00df"
).split()
TOWNS = (
    "Wien;Graz;Linz;Salzburg;Innsbruck;Klagenfurt am W\u00f6rthersee;St. P\u00f6lten;M\u00fcnchen;K\u00f6ln;"
    "D\u00fcsseldorf;N\u00fcrnberg;Z\u00fcrich;Saarbr\u00fccken;Bad G\u00f6gging"
).split(";")
DOMAINS = (
    ["example.com"] * 30 + ["example.org"] * 25 + ["example.net"] * 20 + ["mail.example"] * 8
    + ["post.test"] * 6 + ["b\u00fchne.example"] * 4 + ["xn--bhne-0ra.example"] * 2 + ["m\u00fcller-hof.test"] * 3
)
NOTES = [
    "", "", "", "", "", "", "Abonnent seit 2019", "Stammgast", "VIP", "Gutschein eingel\u00f6st",
    "bitte nicht anrufen", "Newsletter Papierformular", "\u00fcber Gewinnspiel 2024",
    "Zimmer mit Balkon; ruhige Lage", 'sagt: "nur per E-Mail"', "Rollstuhlplatz\r\nReihe 1",
    "Konzertkarten; Programmheft\nDanke!", "Allergie: N\u00fcsse, Milch", "Firmenkunde; Rechnung an B\u00fcro",
]
BROKEN = [
    "{0}.{1}@", "@{2}", "{0}.{1}", "{0} {1}@{2}", "{0}.{1}@@{2}", "{0}..{1}@{2}", "{0}.{1}@{2}..", "{0}.{1}(at){2}",
    "mailto:{0}.{1}@{2}", "{0}.{1}@localhost", "unbekannt", "k.A.", "<{0}.{1}@{2}>", "{0}.{1}@{2}, privat",
]


def ascii_of(text):
    for letter, plain in zip("\u00e4\u00f6\u00fc\u00df", ("ae", "oe", "ue", "ss")):
        text = text.replace(letter, plain)
    return text


def field(text):
    if any(letter in text for letter in ';"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def main():
    dice = random.Random(20261101)
    lines = ["Kundennr;Anrede;Vorname;Nachname;E-Mail;Ort;Notiz"]
    addresses = []
    for number in range(ROWS):
        woman = dice.random() < 0.54
        first = dice.choice(WOMEN if woman else MEN)
        last = dice.choice(LAST)
        domain = dice.choice(DOMAINS)
        local_first, local_last = ascii_of(first.lower()), ascii_of(last.lower())
        chance = dice.random()
        if addresses and chance < 0.04:
            address = dice.choice(addresses)
            spelling = dice.randrange(4)
            if spelling == 1:
                address = address.upper()
            elif spelling == 2:
                address = address.title()
            elif spelling == 3:
                address = address + " "
        elif chance < 0.06:
            address = dice.choice(BROKEN).format(local_first, local_last, domain)
        elif chance < 0.07:
            address = dice.choice(["", "", " "])
        else:
            # The number keeps invented people apart.
            local = f"{local_first}.{local_last}{number}"
            if dice.random() < 0.025:
                local += "+" + dice.choice(["newsletter", "festival", "hotel", "crm"])
            address = f"{local}@{domain}"
            if dice.random() < 0.05:
                address = address.upper()
            elif dice.random() < 0.05:
                address = address.title()
            addresses.append(address)
        row = [
            str(100000 + 7 * number), "Frau" if woman else "Herr", first, last, address, dice.choice(TOWNS),
            dice.choice(NOTES),
        ]
        quoted = dice.random() < 0.03
        lines.append(";".join(f'"{text}"' if quoted and '"' not in text else field(text) for text in row))
    sys.stdout.buffer.write(("\r\n".join(lines) + "\r\n").encode("utf-8"))


if __name__ == "__main__":
    main()
