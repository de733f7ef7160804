"""Writes random regular expressions, texts and what Python's `re` makes of them.

usage: oracle.py SEED COUNT

One case a line, fields separated by blanks: pattern and text as hexadecimal UTF-8, then `error`
and the position or `-`, or `found`, the end of `re.match` or `-`, and the spans of `re.finditer`.
Positions of errors count code points, all others count bytes.
"""

import random
import re
import sys
import warnings

warnings.simplefilter("ignore")
CHARS = list("aabbbcAB01_ -\n\n") + ["é", "É", "ß", "ſ", "K", "İ", "ı", "²", "\u0301", "\x1c", "日", "😀", "s", "k", "i", "{", "]", "^"]
ATOMS = [".", "^", "$", r"\b", r"\B", r"\A", r"\Z", r"\d", r"\D", r"\s", r"\S", r"\w", r"\W", r"\n", r"\x41", r"\u00e9",
         r"\101", r"\0", r"\1", r"\2", "(?P=n)", r"\.", r"\-", "[ab]", "[^a]", "[a-c]", "[]a]", "[^]]", r"[\w-]", r"[\s\d]", r"[\W]", "[A-K]",
         "[^\\n]", "(?#c)", "", "(?i:s)", "(?i:[a-k])", "(?i:K)", "(?i:İ)", r"(?a:\w)", r"(?a:\b)", r"(?a:\B)", "(?s:.)", "(?-i:a)", "(?m:^)", "(?m:$)"]
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{1,}", "{1,2}?", "{0,3}", "*+", "++", "?+", "{,}"]
JUNK = list("()[]{}*+?|\\^$.-:<>=!Pi#0123a,") + ["(?", "(?P<", "(?<", "(?i", r"\x", r"\q", r"\8", r"[z-a]", r"[\w-a]", "**", "(?i)", "{2,1}", r"\777", "(?P<n>", "(?(1)", "(?("]


def tree(rng, depth):
    kind = rng.random()
    if depth == 0 or kind < 0.35:
        return rng.choice(ATOMS) if rng.random() < 0.5 else re.escape(rng.choice(CHARS))
    if kind < 0.60:
        return "".join(tree(rng, depth - 1) for _ in range(rng.randint(1, 3)))
    if kind < 0.72:
        opening = rng.choice(["(?:", "(", "(?:", "(", "(?>", "(?P<n>", "(?i:"])
        return opening + "|".join(tree(rng, depth - 1) for _ in range(rng.randint(1, 3))) + ")"
    if kind < 0.90:
        body = tree(rng, depth - 1)
        if rng.random() < 0.7:
            body = rng.choice(["(", "(?:"]) + body + ")"
        return body + rng.choice(QUANTIFIERS)
    if kind < 0.97:
        return rng.choice(["(?=", "(?!", "(?<=", "(?<!"]) + tree(rng, depth - 1) + ")"
    return "(?(1)" + tree(rng, depth - 1) + rng.choice(["", "|" + tree(rng, depth - 1)]) + ")"


def pattern(rng):
    text = rng.choice(["", "", "", "", "(?i)", "(?m)", "(?s)", "(?x)", "(?ia)"]) + tree(rng, 4)
    if rng.random() < 0.3:
        text += "$"
    if rng.random() < 0.15:
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(JUNK) + text[at + rng.randint(0, 1):]
    return text


def outcome(source, text):
    try:
        compiled = re.compile(source)
    except re.error as error:
        return f"error {'-' if error.pos is None else error.pos}"
    except (OverflowError, RecursionError):
        return "error -"
    def offset(index):
        return len(text[:index].encode())
    start = compiled.match(text)
    spans = " ".join(f"{offset(m.start())}-{offset(m.end())}" for m in compiled.finditer(text))
    return f"found {'-' if start is None else offset(start.end())} {spans}".rstrip()


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        source = pattern(rng)
        text = "".join(rng.choice(CHARS) for _ in range(rng.randint(0, 9)))
        print(source.encode().hex() or "-", text.encode().hex() or "-", outcome(source, text))


main()
