"""The ways from a client to the server: direct, and through the gateway."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent
POLICY = HERE / "refusals.inv"


@dataclass(frozen=True)
class Installation:
    """Where the programs are."""

    portcullis: Path
    node_modules: Path
    rmcp_client: Path

    @property
    def node(self) -> str:
        return str(self.node_modules / ".bin" / "node")

    @property
    def inspector(self) -> list[str]:
        return [self.node, str(self.node_modules / ".bin" / "mcp-inspector"), "--cli"]

    @property
    def server(self) -> list[str]:
        return self.serving("stdio")

    def serving(self, transport: str) -> list[str]:
        package = self.node_modules / "@modelcontextprotocol" / "server-everything"
        return [self.node, str(package / "dist" / "index.js"), transport]


@dataclass(frozen=True)
class Route:
    """A way to a server; `inside` logs what the server sees."""

    name: str
    inside: Path


@dataclass(frozen=True)
class Started(Route):
    """A command that a client starts as its server."""

    command: list[str]
    outside: Path | None = field(default=None)


@dataclass(frozen=True)
class Served(Route):
    """An address that a client is given."""

    transport: Literal["sse", "http"]
    url: str


def tapped(log: Path, command: list[str]) -> list[str]:
    return [sys.executable, str(HERE / "tap.py"), str(log), *command]


def direct(installation: Installation, directory: Path, name: str = "direct") -> Started:
    inside = directory / f"{name}.log"
    return Started(name, inside, tapped(inside, installation.server))


def guarded(
    installation: Installation, directory: Path, name: str = "guarded", options: list[str] = []
) -> Started:
    inside = directory / f"{name}.inside.log"
    outside = directory / f"{name}.outside.log"
    gateway = [str(installation.portcullis), "run", "--data-dir", str(directory / name), *options]
    command = tapped(outside, [*gateway, "--", *tapped(inside, installation.server)])
    return Started(name, inside, command, outside)


def lines(log: Path, mark: bytes) -> list[bytes]:
    """The lines of one direction: `>` towards the server, `<` from it."""
    return [line[1:] for line in log.read_bytes().splitlines() if line.startswith(mark)]
