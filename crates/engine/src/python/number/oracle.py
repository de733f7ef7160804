"""Writes calculations with numbers and what Python makes of them.

usage: oracle.py SEED COUNT

One case a line: operation, operands, result. Floats are written as the hexadecimal of their bits
with an `f` before it. A calculation without a result has the result `error`.
"""

import operator
import random
import struct
import sys

sys.set_int_max_str_digits(0)
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
              "**": operator.pow, "<": operator.lt, "==": operator.eq}
SPECIAL = [0.0, -0.0, 0.5, 1.0, -1.0, 1.5, -2.5, 1e16, 1e15, 9.999e15, 1e-4, 1e-5, 123456789.125, 5e-324, 2.2250738585072014e-308,
           1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), 2.0**53, 2.0**63, -(2.0**63), 0.1, 0.30000000000000004]


def integer(rng):
    bits = rng.choice([2, 4, 8, 31, 53, 54, 62, 63, 64, 65, 127, 200, 1000, 1030, 1100, 2200])
    return rng.choice([rng.getrandbits(bits), -rng.getrandbits(bits), 1 << bits, (1 << bits) - 1, -(1 << bits), (1 << bits) + 1])


def floating(rng):
    if rng.random() < 0.4:
        return rng.choice(SPECIAL)
    if rng.random() < 0.5:
        return rng.choice([float(rng.randint(-50, 50)), rng.randint(-5000, 5000) / 8, rng.uniform(-1e6, 1e6)])
    return struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]


def show(value):
    if isinstance(value, float):
        return "f%x" % struct.unpack("<Q", struct.pack("<d", value))
    return "complex" if isinstance(value, complex) else str(int(value))


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        kind = rng.random()
        if kind < 0.2:
            value = floating(rng)
            print("repr", show(value), "0", repr(value))
            continue
        name = rng.choice(list(OPERATIONS))
        left = integer(rng) if kind < 0.75 else floating(rng)
        right = floating(rng) if kind > 0.75 or name in "< ==" and rng.random() < 0.5 else integer(rng)
        if name in ("<", "==") and isinstance(left, float):
            continue
        if name == "**" and isinstance(right, int):
            right = rng.choice([right % 12, -(right % 12), right % 30])
        if name not in ("<", "==") and type(left) is not type(right):
            continue
        try:
            result = show(OPERATIONS[name](left, right))
        except (ArithmeticError, ValueError):
            result = "error"
        print(name, show(left), show(right), "error" if result == "complex" else result)


main()
