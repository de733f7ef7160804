"""Answers detector questions with Python's own libraries: one JSON line each, in and out."""

import ast
import builtins
import html.parser
import json
import pathlib
import re
import sys
import sysconfig
import unicodedata

try:
    import regex
except ImportError:
    regex = None

LINK = r"https?://(?:[-\w.]|(?:%[\da-fA-F]{2}))+(?:/[^ \n\"]+)*"
SLACK = r"xox(?:a|b|p|o|s|r)-(?:\d+-)+[a-z0-9]+"


class Code(ast.NodeVisitor):
    def __init__(self):
        self.imports, self.builtins, self.calls = [], [], set()

    def visit_Name(self, node):
        if node.id in dir(builtins):
            self.builtins.append(node.id)

    def visit_Import(self, node):
        self.imports += [alias.name for alias in node.names]

    def visit_ImportFrom(self, node):
        self.imports.append(node.module)

    def visit_Call(self, node):
        self.calls.add(ast.unparse(node.func).strip())
        self.generic_visit(node)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.alt_texts, self.links = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if (tag, name) == ("img", "alt"):
                self.alt_texts.append(value)
            if (tag, name) == ("a", "href"):
                self.links.append(value)


def python_code(code):
    visitor = Code()
    try:
        visitor.visit(ast.parse(code))
    except Exception:
        return None
    return [visitor.imports, visitor.builtins, sorted(visitor.calls)]


def page(text):
    parser = Page()
    try:
        parser.feed(text)
    except AssertionError:
        return None
    return [parser.alt_texts, parser.links]


def fuzzy(query, text, errors_max):
    found = regex.search("(?:%s){e<=%d}" % (query, errors_max), text)
    return found and list(found.span())


def stdlib(step):
    files = sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("[a-z]*.py"))
    for file in files[::step]:
        yield file.read_text("utf-8", "replace")


ANSWERS = {
    "python_code": python_code,
    "page": page,
    "fuzzy": fuzzy,
    "has_regex": lambda: regex is not None,
    "stdlib": lambda step: list(stdlib(step)),
    "links": lambda text: sorted(set(re.findall(LINK, text))),
    "slack": lambda text: [list(m.span()) for m in re.finditer(SLACK, text, re.I)],
    "categories": lambda: [unicodedata.category(chr(c)) for c in range(sys.maxunicode + 1)],
    "spaces": lambda: [c for c in range(sys.maxunicode + 1) if chr(c).isspace()],
}

for line in sys.stdin:
    question, *arguments = json.loads(line)
    print(json.dumps(ANSWERS[question](*arguments)), flush=True)
