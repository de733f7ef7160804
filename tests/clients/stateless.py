"""Revision 2026-07-28 over Streamable HTTP, and through the gateway where client and server have
different transports: whatever the client sees must be the same."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from pairs import free_port, running
from report import Report, described
from routes import HERE, Installation

MESSENGER = HERE / "messenger.py"
REVISION = "2026-07-28"
SCENARIO_SECONDS = 20
ALICE = {"username": "Alice"}

Scenario = Callable[[Client], Awaitable[Any]]


async def revision(client: Client) -> Any:
    assert client.protocol_version == REVISION, client.protocol_version
    return client.protocol_version


async def listing(client: Client) -> Any:
    return [tool.model_dump() for tool in (await client.list_tools()).tools]


async def call(client: Client) -> Any:
    return (await client.call_tool("get_last_message_from_user", ALICE)).model_dump()


async def structured_call(client: Client) -> Any:
    return (await client.call_tool("count_messages", ALICE)).model_dump()


async def progress(client: Client) -> Any:
    """What is told of a call comes before its answer, in its order."""
    told: list[float] = []

    async def note(progress: float, _total: float | None, _message: str | None) -> None:
        told.append(progress)

    result = await client.call_tool("report", {}, progress_callback=note)
    return told, result.model_dump()


async def given_up(client: Client) -> int:
    result = await client.call_tool("count_given_up", {})
    return int(result.content[0].text)


async def cancelled_call(client: Client) -> Any:
    """The server hears of it, and the next call is answered."""
    before = await given_up(client)
    with anyio.move_on_after(0.5) as waiting:
        await client.call_tool("wait", {})
    assert waiting.cancelled_caught
    while await given_up(client) == before:
        await anyio.sleep(0.05)
    return await call(client)


SCENARIOS: list[Scenario] = [
    revision,
    listing,
    call,
    structured_call,
    progress,
    cancelled_call,
]


async def outcomes(server: Any) -> list[Any]:
    """What each scenario returned; in one conversation."""
    async with Client(server) as client:
        with anyio.fail_after(SCENARIO_SECONDS):
            return [await scenario(client) for scenario in SCENARIOS]


def from_stdio(installation: Installation, directory: Path, url: str) -> Any:
    """A client on standard streams before a server that listens."""
    data = str(directory / "stateless")
    arguments = ["run", "--data-dir", data, "--url", url]
    return stdio_client(StdioServerParameters(command=str(installation.portcullis), args=arguments))


def to_stdio(directory: Path, port: int) -> Path:
    """A gateway that is told of a server on standard streams."""
    config = {
        "listen": f"127.0.0.1:{port}",
        "data_directory": str(directory / "stateless-serve"),
        "servers": {"messenger": {"command": [sys.executable, str(MESSENGER), "stdio"]}},
    }
    path = directory / "stateless.yaml"
    # JSON is YAML.
    path.write_text(json.dumps(config))
    return path


async def run(installation: Installation, directory: Path, report: Report) -> None:
    port, gateway = free_port(), free_port()
    server = [sys.executable, str(MESSENGER), "streamable-http", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/mcp/"
    config = to_stdio(directory, gateway)
    serve = [str(installation.portcullis), "serve", "--config", str(config)]
    seen: dict[str, list[Any]] = {}
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(running, server, directory / "stateless.log", {}, port)
            await tasks.start(running, serve, directory / "stateless-serve.log", {}, gateway)
            alone = await outcomes(url)
            seen["stdio-to-http"] = await outcomes(from_stdio(installation, directory, url))
            served = f"http://127.0.0.1:{gateway}/servers/messenger/mcp"
            seen["http-to-stdio"] = await outcomes(served)
            tasks.cancel_scope.cancel()
    except Exception as error:
        report.add(f"python, {REVISION}", described(error))
        return
    for pair, found in seen.items():
        for scenario, direct, passed in zip(SCENARIOS, alone, found, strict=True):
            differs = None if direct == passed else f"direct {direct}, through the gateway {passed}"
            name = scenario.__name__.replace("_", " ")
            report.add(f"python, {REVISION}, {pair}: {name}", differs)
