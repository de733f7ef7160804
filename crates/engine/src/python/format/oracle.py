"""Writes random formatting and what Python makes of it.

usage: oracle.py SEED COUNT

One case a line, fields separated by blanks: `format` or `percent`, the template, the result or
`error`, then the arguments. Texts are hexadecimal UTF-8 after an `h`. An argument is `n`, `b0`,
`b1`, `i` and digits, `f` and the hexadecimal bits of a float, or a text.
"""

import random
import struct
import sys

VALUES = [None, True, False, 0, 1, -1, 42, -7, 255, 1234, 1234567, -123456789, 10**20, 0.0, -0.0, 1.0, 2.5, -2.5, 0.1, 1e16, 1e-5, 123456.789,
          1e300, 5e-324, float("inf"), float("-inf"), float("nan"), 0.5, 1.5, 99.995, 9.5e-5, 999999.5, "", "a", "héllo wörld", "日本", "it's", "a\nb", "x" * 12, 0.05, -0.001, 100.0]

SMALL = [value for value in VALUES if not isinstance(value, (int, float)) or not abs(value) >= 2000]


def spec(rng):
    parts = [rng.choice(["", "", "<", ">", "^", "=", "*<", "0>", "x=", "é^", "0=", "<<"]), rng.choice(["", "", "", "+", "-", " "]), rng.choice(["", "", "", "", "z"]),
             rng.choice(["", "", "", "#"]), rng.choice(["", "", "0"]), rng.choice(["", "", "1", "5", "8", "12", "20"]), rng.choice(["", "", "", ",", "_", ",_"]),
             rng.choice(["", "", "", ".0", ".1", ".3", ".10", "."]), rng.choice(["", "", "s", "d", "f", "e", "g", "G", "E", "F", "x", "X", "o", "b", "c", "n", "%", "q", "dd"])]
    return "".join(part for part in parts if rng.random() < 0.6)


def braces(rng):
    out = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.random()
        if kind < 0.2:
            out.append(rng.choice(["a", "{{", "}}", "{", "}", "é", "{!}", "{!r", "{:", "{a b}", "{ }", "{-1}", "{:{{}}}", "{0!rx}", "{:{:{}}}"]) if rng.random() < 0.5 else "-")
            continue
        name = rng.choice(["", "", "", "", "0", "1", "00", "k", "9", "zz"])
        conversion = rng.choice(["", "", "", "", "!r", "!s", "!a", "!x"])
        field = rng.choice(["", ":", ":" + spec(rng), ":" + spec(rng), ":{}", ":>{}", ":{k}", ":.{}f"])
        out.append("{" + name + conversion + field + "}")
    return "".join(out)


def percents(rng):
    out = []
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.2:
            out.append(rng.choice(["a", "%%", "%", "é", "%5%", "%(k", "%y", "%ld", "%-%"]))
            continue
        out.append("%" + rng.choice(["", "", "", "", "(k)"]) + "".join(f for f in "-+ #0" if rng.random() < 0.2) + rng.choice(["", "", "", "1", "5", "12", "*"])
                   + rng.choice(["", "", "", ".", ".0", ".2", ".10", ".*"]) + rng.choice("srdifeFEgGxXocau"))
    return "".join(out)


def show(value):
    if value is None:
        return "n"
    if isinstance(value, bool):
        return "b%d" % value
    if isinstance(value, float):
        return "f%x" % struct.unpack("<Q", struct.pack("<d", value))
    return "h" + value.encode().hex() if isinstance(value, str) else f"i{value}"


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        kind = rng.choice(["format", "format", "tuple", "single", "mapping"])
        template = braces(rng) if kind == "format" else percents(rng)
        # Where an argument may become a width, it is a small one: ours has a limit, Python's none.
        values = SMALL if "*" in template or ":" in template and rng.random() < 0.5 or any(nested in template for nested in (":{", ">{", ".{", "{:{")) else VALUES
        arguments = [rng.choice(values) for _ in range(rng.randint(1, 3))]
        try:
            if kind == "format":
                result = template.format(*arguments, k=arguments[-1])
            else:
                result = template % {"tuple": tuple(arguments), "single": arguments[0], "mapping": {"k": arguments[0]}}[kind]
            result = show(result)
        except (ValueError, KeyError, IndexError, TypeError, OverflowError):
            result = "error"
        print(kind, show(template), result, *map(show, arguments))


main()
