"""Writes random texts and what Python's text methods make of them.

usage: oracle.py SEED COUNT

One case a line: method, text, argument, limit, then the results. Texts are hexadecimal UTF-8 after
an `h`; `-` stands for a missing argument.
"""

import random
import sys

CHARS = list("aabAB  \n\r\t'\"\\.,xΣΣ") + ["\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u2028", "\u2029", "\u3000",
        "\u200b", "\x00", "\x7f", "\xad", "é", "ß", "İ", "ı", "ŉ", "ﬀ", "ǆ", "\u0301", "日", "😀", "\ue000", "\U000e0001", "\u0378", "\ufeff"]


def show(text):
    return "-" if text is None else "h" + text.encode().hex()


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        text = "".join(rng.choice(CHARS) for _ in range(rng.randint(0, 12)))
        method = rng.choice(["strip", "split", "splitlines", "lower", "upper", "repr", "ascii"])
        argument, limit = None, -1
        if method in ("strip", "split"):
            argument = rng.choice([None, "a", "ab", "x", "\n", " ", "😀", "."])
        if method == "split":
            limit = rng.choice([-1, -1, 0, 1, 2, 5])
            results = text.split(argument, limit)
        elif method == "strip":
            results = [text.strip(argument)]
        elif method in ("repr", "ascii"):
            results = [repr(text) if method == "repr" else ascii(text)]
        else:
            results = getattr(text, method)()
            results = results if isinstance(results, list) else [results]
        print(method, show(text), show(argument), limit, *map(show, results))


main()
