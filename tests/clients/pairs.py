"""Every transport of a client against every transport of a server, through `portcullis serve`."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import anyio
from anyio.abc import Process, TaskGroup

import driven
import inspector
from report import Report, described
from routes import Installation, Route, Served, Started, direct, guarded, tapped
from taps import tap_http

Transport = Literal["stdio", "sse", "http"]
SERVERS: tuple[Transport, ...] = ("stdio", "sse", "http")
CLIENTS: tuple[Literal["sse", "http"], ...] = ("sse", "http")
# What the server calls the transports, and where it serves them.
MODES = {"stdio": "stdio", "sse": "sse", "http": "streamableHttp"}
PATHS = {"sse": "/sse", "http": "/mcp"}
TYPESCRIPT = Path(__file__).parent / "ts_client.mjs"
START_SECONDS = 20
POLL_SECONDS = 0.05
# A command of the inspector is a start of Node: these three stand for the others.
COMMANDS = ("tools/list", "tools/call", "resources/read")

Outcome = tuple[Any, str | None]
# Gives the outcomes of a client's scenarios, by name.
Follow = Callable[[Route], Awaitable[dict[str, Outcome]]]


@dataclass(frozen=True)
class Pair:
    """A client's transport, and the two ways that have the same server at their end."""

    name: str
    alone: Route
    through: Route


@dataclass
class Bench:
    """The servers that listen, and the taps in front of them."""

    installation: Installation
    directory: Path
    tasks: TaskGroup
    ports: dict[str, int]

    async def served(self, name: str, transport: Literal["sse", "http"]) -> Served:
        """A way of its own to a server that listens."""
        inside = self.directory / f"{name}.log"
        port = await self.tasks.start(tap_http, inside, self.ports[transport])
        return Served(name, inside, transport, f"http://127.0.0.1:{port}{PATHS[transport]}")

    async def upstream(self, name: str, transport: Transport) -> tuple[Route, dict[str, Any]]:
        """What a gateway is to be told of a server, and a route that has its log."""
        if transport == "stdio":
            route = direct(self.installation, self.directory, name)
            return route, {"command": route.command}
        served = await self.served(name, transport)
        kind = "sse" if transport == "sse" else "streamable-http"
        return served, {"url": served.url, "transport": kind}

    async def remote(self, transport: Literal["sse", "http"]) -> Started:
        """A way from a client on stdio to a server that listens."""
        name = f"stdio-to-{transport}"
        server, upstream = await self.upstream(name, transport)
        command = [str(self.installation.portcullis), "run"]
        command += ["--data-dir", str(self.directory / name), "--url", upstream["url"]]
        command += ["--transport", upstream["transport"]]
        return Started(name, server.inside, command)

    async def alone(self, transport: Transport) -> Route:
        name = f"{transport} alone"
        if transport == "stdio":
            return direct(self.installation, self.directory, name)
        return await self.served(name, transport)

    async def pairs(self) -> list[Pair]:
        alone = {transport: await self.alone(transport) for transport in SERVERS}
        servers: dict[str, Any] = {}
        insides: dict[str, Path] = {}
        for client in CLIENTS:
            for server in SERVERS:
                name = f"{client}-to-{server}"
                inside, servers[name] = await self.upstream(name, server)
                insides[name] = inside.inside
        origin = await self.gateway(servers)
        stdio = guarded(self.installation, self.directory, "stdio-to-stdio")
        pairs = [Pair(stdio.name, alone["stdio"], stdio)]
        for server in CLIENTS:
            through = await self.remote(server)
            pairs.append(Pair(through.name, alone[server], through))
        for client in CLIENTS:
            for server in SERVERS:
                name = f"{client}-to-{server}"
                url = f"{origin}/servers/{name}/{PATHS[client].strip('/')}"
                through = Served(name, insides[name], client, url)
                pairs.append(Pair(name, alone[server], through))
        return pairs

    async def gateway(self, servers: dict[str, Any]) -> str:
        """Starts the gateway; says where it is."""
        port = free_port()
        config = {
            "listen": f"127.0.0.1:{port}",
            "data_directory": str(self.directory / "gateway"),
            "servers": servers,
        }
        path = self.directory / "portcullis.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(config))
        command = [str(self.installation.portcullis), "serve", "--config", str(path)]
        await self.tasks.start(running, command, self.directory / "gateway.log", {}, port)
        return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def bench(installation: Installation, directory: Path) -> AsyncIterator[Bench]:
    async with anyio.create_task_group() as tasks:
        ports = {transport: free_port() for transport in PATHS}
        for transport, port in ports.items():
            command = installation.serving(MODES[transport])
            log = directory / f"{transport}-server.log"
            await tasks.start(running, command, log, {"PORT": str(port)}, port)
        yield Bench(installation, directory, tasks, ports)
        tasks.cancel_scope.cancel()


async def running(
    command: list[str],
    log: Path,
    environment: dict[str, str],
    port: int,
    *,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    """Runs a program until its task is cancelled; it has started when it listens."""
    with log.open("wb") as output:
        process = await anyio.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
        )
    async with process:
        try:
            await listening(process, port, log)
            task_status.started()
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()


async def listening(process: Process, port: int, log: Path) -> None:
    with anyio.fail_after(START_SECONDS):
        while True:
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                return
            except OSError:
                assert process.returncode is None, f"it has ended: {log.read_text()}"
                await anyio.sleep(POLL_SECONDS)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def without_sse(pairs: list[Pair]) -> list[Pair]:
    """For a client that does not speak HTTP+SSE: what it cannot see of such a server alone, it has
    to see as over HTTP."""
    http = next(pair.alone for pair in pairs if pair.name == "http-to-http")
    spoken = [pair for pair in pairs if not pair.name.startswith("sse-")]
    is_sse = [pair.name.endswith("-to-sse") for pair in spoken]
    return [replace(p, alone=http) if sse else p for p, sse in zip(spoken, is_sse, strict=True)]


def routes_of(pairs: list[Pair]) -> list[Route]:
    """Several pairs have the same way without the gateway."""
    routes = [route for pair in pairs for route in (pair.alone, pair.through)]
    return list({route.name: route for route in routes}.values())


async def compare(pairs: list[Pair], client: str, follow: Follow, report: Report) -> None:
    """What a client sees must be the same both ways."""
    found: dict[str, dict[str, Outcome]] = {}
    broken: dict[str, str] = {}

    async def keep(route: Route) -> None:
        try:
            found[route.name] = await follow(route)
        except Exception as error:
            broken[route.name] = f"{route.name}: {described(error)}"

    async with anyio.create_task_group() as together:
        for route in routes_of(pairs):
            together.start_soon(keep, route)
    for pair in pairs:
        names = (pair.alone.name, pair.through.name)
        report.add(f"{client}, {pair.name}", next((broken[n] for n in names if n in broken), None))
        if any(name in broken for name in names):
            continue
        alone, through = (found[name] for name in names)
        for scenario, (before, failed_alone) in alone.items():
            if scenario not in through:
                report.add(f"{client}, {pair.name}: {scenario}", "the client did not come so far")
                break
            after, failed = through[scenario]
            differs = None if before == after else f"direct {before}, through the gateway {after}"
            report.add(f"{client}, {pair.name}: {scenario}", failed_alone or failed or differs)


def inspect(installation: Installation, directory: Path, pairs: list[Pair]) -> Follow:
    config = inspector.configuration(routes_of(pairs), directory, "inspector-pairs")

    async def follow(route: Route) -> dict[str, Outcome]:
        def ask(method: str) -> Outcome:
            options = inspector.COMMANDS[method]
            code, said = inspector.ask(installation, config, route, method, options)
            return (said, None) if code == 0 else (None, f"exit code {code}: {said}")

        return {method: await anyio.to_thread.run_sync(ask, method) for method in COMMANDS}

    return follow


def typescript(installation: Installation) -> Follow:
    """Node looks for what a script imports in the folders above the script."""
    script = shutil.copy(TYPESCRIPT, installation.node_modules.parent)
    program = [installation.node, str(script)]
    return lambda route: driven.outcomes(program, route)


def rust(installation: Installation) -> Follow:
    return lambda route: driven.outcomes([str(installation.rmcp_client)], route)
