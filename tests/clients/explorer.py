"""What the tests of Invariant Gateway assert, against one gateway that is the Explorer as well.

Six ways to the same server; for each, guardrails are made over the Explorer's API, a client
converses, and the trace is read back over the API.
"""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from pairs import free_port, running
from report import Report, described
from routes import HERE, Installation

MESSENGER = HERE / "messenger.py"
TOOL = "get_last_message_from_user"
ARGUMENTS = {"username": "Alice"}
ANSWER = "What is your favorite food?\n"
BLOCKED = "[Invariant Guardrails] The MCP tool call was blocked for security reasons"
CALLED = f'raise "{TOOL} is called" if:\n   (tool_call: ToolCall)\n   tool_call is tool:{TOOL}'
FOOD = (
    'raise "food in ToolOutput" if:\n   (tool_output: ToolOutput)\n'
    '   (chunk: str) in text(tool_output.content)\n   "food" in chunk'
)
LISTED = (
    'raise "tools are listed" if:\n   (tool_output: ToolOutput)\n'
    '   tool_call(tool_output).function.name == "tools/list"'
)
CALLED_AT = ("messages.2.tool_calls.0", f"{TOOL} is called")
FOOD_AT = ("messages.3.content.0.text:22-26", "food in ToolOutput")
# What the server is started with, by way; stdio has none of its own.
SERVERS = {
    "sse": ["sse"],
    "json, stateless": ["streamable-http", "--json", "--stateless"],
    "json, stateful": ["streamable-http", "--json"],
    "events, stateless": ["streamable-http", "--stateless"],
    "events, stateful": ["streamable-http"],
}
# A trace is there as soon as the session has ended, or somewhat later.
TRACE_SECONDS = 10
POLL_SECONDS = 0.1
CALL_SECONDS = 20

Way = str
Outcome = Any


@dataclass(frozen=True)
class Place:
    """The gateway, and the servers that listen."""

    installation: Installation
    directory: Path
    origin: str
    ports: dict[Way, int]

    def ask(self, path: str, body: Any = None) -> Any:
        """Asks the Explorer; an error has its text."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.origin}/api/v1/{path}", data)
        request.add_header("Authorization", "Bearer inv-key")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error

    def project(self, **guardrails: str) -> str:
        """A new project with guardrails, each with its action and its policy."""
        name = f"test-mcp-{uuid.uuid4()}"
        made = self.ask("dataset/create", {"name": name})
        for action, policies in guardrails.items():
            for policy in policies.split("\0"):
                body = {"name": f"guardrail-{uuid.uuid4()}", "policy": policy, "action": action}
                self.ask(f"dataset/{made['id']}/policy", body)
        return name

    async def trace(self, project: str, messages: int) -> Any:
        """The only trace of a project, once it has so many messages."""
        trace: Any = None
        with anyio.move_on_after(TRACE_SECONDS):
            while True:
                traces = self.ask(f"dataset/byuser/developer/{project}/traces")
                if traces:
                    assert len(traces) == 1, traces
                    trace = self.ask(f"trace/{traces[0]['id']}")
                    if len(trace["messages"]) >= messages:
                        return trace
                await anyio.sleep(POLL_SECONDS)
        raise AssertionError(f"the trace did not come so far: {trace}")

    @asynccontextmanager
    async def client(self, way: Way, project: str) -> AsyncIterator[Client]:
        async with AsyncExitStack() as stack:
            if way == "stdio":
                transport = stdio_client(self.wrapped(project))
            else:
                headers = {
                    "MCP-SERVER-BASE-URL": f"http://127.0.0.1:{self.ports[way]}",
                    "INVARIANT-PROJECT-NAME": project,
                    "PUSH-INVARIANT-EXPLORER": "True",
                }
                routes = f"{self.origin}/api/v1/gateway/mcp"
                if way == "sse":
                    transport = sse_client(f"{routes}/sse", headers=headers)
                else:
                    http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers))
                    transport = streamable_http_client(f"{routes}/streamable", http_client=http)
            yield await stack.enter_async_context(Client(transport, mode="legacy"))

    def wrapped(self, project: str) -> StdioServerParameters:
        options = ["--project-name", project, "--push-explorer", "--metadata-my-key=value1"]
        server = [sys.executable, str(MESSENGER), "stdio"]
        environment = {
            "INVARIANT_API_KEY": "inv-key",
            "INVARIANT_API_URL": self.origin,
            # Not the store of the Explorer: what is pushed gets there over its API.
            "XDG_DATA_HOME": str(self.directory / "stdio"),
        }
        return StdioServerParameters(
            command=str(self.installation.portcullis),
            args=["mcp", *options, "--exec", *server],
            env={**os.environ, **environment},
        )


async def converse(place: Place, way: Way, project: str, tool: str | None = TOOL) -> Outcome:
    """Lists the tools and calls one; gives the listing, or what the call came to."""
    outcome: Outcome = None
    try:
        with anyio.fail_after(CALL_SECONDS):
            async with place.client(way, project) as client:
                try:
                    outcome = await client.list_tools()
                    if tool is not None:
                        outcome = await client.call_tool(tool, ARGUMENTS)
                except MCPError as error:
                    outcome = error
    except Exception:
        # This client breaks when the server says something while it is leaving.
        if outcome is None:
            raise
    return outcome


def check_metadata(trace: Any, way: Way) -> None:
    metadata = trace["extra_metadata"]
    assert metadata["source"] == "mcp", metadata
    assert metadata["mcp_client"] == "mcp", metadata
    assert metadata["mcp_server"] == "messenger_server", metadata
    assert metadata["session_id"] and metadata["system_user"], metadata
    if way in SERVERS and way != "sse":
        kind, statefulness = way.split(", ")
        expected = "json" if kind == "json" else "sse"
        assert metadata["server_response_type"] == expected, metadata
        assert metadata["is_stateless_http_server"] is (statefulness == "stateless"), metadata
    if way == "stdio":
        assert metadata["my-key"] == "value1", metadata


def check_messages(trace: Any, count: int = 4) -> None:
    messages = trace["messages"]
    assert len(messages) == count, messages
    roles = [message["role"] for message in messages]
    assert roles == ["assistant", "tool", "assistant", "tool"][:count], messages
    listing = messages[0]["tool_calls"][0]["function"]
    assert listing == {"name": "tools/list", "arguments": {}}, messages
    call = messages[2]["tool_calls"][0]["function"]
    assert call == {"name": TOOL, "arguments": ARGUMENTS}, messages
    if count == 4:
        assert messages[3]["content"] == [{"type": "text", "text": ANSWER}], messages


def check_annotations(trace: Any, **expected: tuple[str, str]) -> None:
    found = trace["annotations"]
    addresses = {(annotation["address"], annotation["content"]) for annotation in found}
    assert addresses == set(expected.values()) and len(found) == len(expected), found
    for action, place in expected.items():
        annotation = next(a for a in found if (a["address"], a["content"]) == place)
        metadata = annotation["extra_metadata"]
        assert metadata["source"] == "guardrails-error", annotation
        assert metadata["guardrail"]["action"] == action.split("_")[0], annotation


def is_refused(outcome: Outcome, reason: str) -> None:
    assert isinstance(outcome, MCPError), outcome
    assert outcome.error.code == -32600, outcome.error
    assert BLOCKED in outcome.error.message and reason in outcome.error.message, outcome.error


async def plain_call(place: Place, way: Way) -> None:
    project = f"test-mcp-{uuid.uuid4()}"
    outcome = await converse(place, way, project)
    assert not outcome.is_error and outcome.content[0].text == ANSWER, outcome
    trace = await place.trace(project, 4)
    check_metadata(trace, way)
    check_messages(trace)
    check_annotations(trace)


async def logging_guardrails(place: Place, way: Way) -> None:
    project = place.project(log=f"{FOOD}\0{CALLED}")
    outcome = await converse(place, way, project)
    assert not outcome.is_error and outcome.content[0].text == ANSWER, outcome
    trace = await place.trace(project, 4)
    check_metadata(trace, way)
    check_messages(trace)
    check_annotations(trace, log_food=FOOD_AT, log_call=CALLED_AT)


async def blocking_guardrails(place: Place, way: Way) -> None:
    project = place.project(block=CALLED)
    is_refused(await converse(place, way, project), f"{TOOL} is called")
    trace = await place.trace(project, 3)
    check_metadata(trace, way)
    check_messages(trace, 3)
    check_annotations(trace, block=CALLED_AT)


async def both_guardrails(place: Place, way: Way) -> None:
    project = place.project(log=CALLED, block=FOOD)
    is_refused(await converse(place, way, project), "food in ToolOutput")
    trace = await place.trace(project, 4)
    check_metadata(trace, way)
    check_messages(trace)
    check_annotations(trace, log=CALLED_AT, block=FOOD_AT)


async def blocked_listing(place: Place, way: Way) -> None:
    project = place.project(block=LISTED)
    listed = await converse(place, way, project, tool=None)
    if way.startswith("json"):
        # The client looks no further than the status, which is 400.
        assert isinstance(listed, MCPError), listed
    else:
        assert f"blocked_{TOOL}" in str(listed), listed


async def timestamps(place: Place, way: Way) -> None:
    """Times increase strictly, in UTC, whatever the time zone is."""
    project = f"test-mcp-{uuid.uuid4()}"
    await converse(place, way, project)
    trace = await place.trace(project, 4)
    times = [datetime.fromisoformat(m["timestamp"]) for m in trace["messages"]]
    assert all(time.utcoffset().total_seconds() == 0 for time in times), times
    assert all(before < after for before, after in zip(times, times[1:])), times


def sse_post_errors(place: Place) -> None:
    messages = f"{place.origin}/api/v1/gateway/mcp/sse/messages/"
    missing = httpx2.post(messages)
    assert missing.status_code == 400, missing.text
    assert "Missing 'session_id' query parameter" in missing.text, missing.text
    unknown = httpx2.post(messages, params={"session_id": "session_id_1"})
    assert unknown.status_code == 400, unknown.text
    assert "Session does not exist" in unknown.text, unknown.text
    unnamed = httpx2.get(f"{place.origin}/api/v1/gateway/mcp/sse")
    assert unnamed.status_code == 400, unnamed.text


def blocked_statuses(place: Place, way: Way) -> None:
    """A blocked message has status 400 where it is the whole of the answer."""
    project = place.project(block=f"{CALLED}\0{LISTED}")
    url = f"{place.origin}/api/v1/gateway/mcp/streamable"
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-SERVER-BASE-URL": f"http://127.0.0.1:{place.ports[way]}",
        "INVARIANT-PROJECT-NAME": project,
    }
    info = {"name": "mcp", "version": "1"}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info}
    with httpx2.Client(headers=headers) as client:

        def post(method: str, params: Any, request: int | None) -> httpx2.Response:
            message = {"jsonrpc": "2.0", "method": method, "params": params}
            if request is not None:
                message["id"] = request
            return client.post(url, json=message)

        opened = post("initialize", hello, 0)
        assert opened.status_code == 200, opened.text
        client.headers["Mcp-Session-Id"] = opened.headers["Mcp-Session-Id"]
        assert post("notifications/initialized", {}, None).status_code == 202
        listed = post("tools/list", {}, 1)
        assert listed.status_code == (400 if way.startswith("json") else 200), listed.text
        assert f"blocked_{TOOL}" in listed.text, listed.text
        called = post("tools/call", {"name": TOOL, "arguments": ARGUMENTS}, 2)
        assert called.status_code == 400 and BLOCKED in called.text, called.text


Scenario = Callable[[Place, Way], Awaitable[None]]
SCENARIOS: list[Scenario] = [
    plain_call,
    logging_guardrails,
    blocking_guardrails,
    both_guardrails,
    blocked_listing,
    timestamps,
]


@asynccontextmanager
async def explorer(installation: Installation, directory: Path) -> AsyncIterator[Place]:
    async with anyio.create_task_group() as tasks:
        ports = {way: free_port() for way in SERVERS}
        for way, port in ports.items():
            command = [sys.executable, str(MESSENGER), *SERVERS[way], "--port", str(port)]
            await tasks.start(running, command, directory / f"{way}.log", {}, port)
        port = free_port()
        config = {"listen": f"127.0.0.1:{port}", "data_directory": str(directory / "explorer")}
        path = directory / "explorer.yaml"
        path.write_text(json.dumps(config))
        command = [str(installation.portcullis), "serve", "--config", str(path)]
        await tasks.start(running, command, directory / "explorer.log", {}, port)
        yield Place(installation, directory, f"http://127.0.0.1:{port}", ports)
        tasks.cancel_scope.cancel()


async def run(installation: Installation, directory: Path, report: Report) -> None:
    async with explorer(installation, directory) as place:
        for way in ["stdio", *SERVERS]:
            for scenario in SCENARIOS:
                name = f"explorer, {way}: {scenario.__name__.replace('_', ' ')}"
                try:
                    await scenario(place, way)
                except Exception as error:
                    report.add(name, described(error))
                else:
                    report.add(name, None)
        for way in SERVERS:
            if way != "sse":
                check = f"explorer, {way}: blocked statuses"
                report.check(check, lambda way=way: blocked_statuses(place, way))
        report.check("explorer, sse: errors of posts", lambda: sse_post_errors(place))
