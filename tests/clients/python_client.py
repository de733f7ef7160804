"""What the official Python client does and sees. Each scenario returns what can be compared."""

import json
import re
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import types
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from routes import Route, Served, Started, lines

warnings.simplefilter("ignore")  # The client announces deprecations of older revisions.

SCENARIO_SECONDS = 60
POLL_SECONDS = 0.1
CANCEL_AFTER_SECONDS = 0.5
STATIC_DOCUMENT = "demo://resource/static/document/architecture.md"
REFUSED_DOCUMENT = "demo://resource/static/document/features.md"
DYNAMIC_RESOURCE = "demo://resource/dynamic/text/1"
SESSION_NAME = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The server registers these once it knows what the client can do.
LATE_TOOLS = {"get-roots-list", "trigger-elicitation-request", "trigger-sampling-request"}


@dataclass
class Person:
    """Answers what servers ask, and keeps what they said."""

    sampled: list[Any] = field(default_factory=list)
    elicited: list[Any] = field(default_factory=list)
    logged: list[Any] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)

    async def sample(self, _context: Any, params: Any) -> types.CreateMessageResult:
        self.sampled.append(seen(params))
        content = types.TextContent(type="text", text="an answer ☃")
        return types.CreateMessageResult(
            role="assistant", model="scripted", stop_reason="endTurn", content=content
        )

    async def elicit(self, _context: Any, params: Any) -> types.ElicitResult:
        self.elicited.append(seen(params))
        return types.ElicitResult(action="accept", content={"name": "Ada", "check": True})

    async def roots(self, _context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri="file:///project", name="project")])

    async def log(self, params: Any) -> None:
        self.logged.append(seen(params))

    async def message(self, message: Any) -> None:
        self.notified.append(type(message).__name__)


@dataclass
class Talk:
    """A connected client, who answers for it, and the way that it took."""

    client: Client
    person: Person
    route: Route

    async def call(self, name: str, arguments: dict[str, Any], **options: Any) -> Any:
        return seen(await self.client.call_tool(name, arguments, **options))


Scenario = Callable[[Talk], Awaitable[Any]]


def seen(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await anyio.sleep(POLL_SECONDS)


def transport(route: Route) -> Any:
    match route:
        case Started(command=[program, *arguments]):
            return stdio_client(StdioServerParameters(command=program, args=arguments))
        case Served(transport="sse"):
            return sse_client(route.url)
        case Served(transport="http"):
            return streamable_http_client(route.url)
    raise AssertionError(f"no client has a transport for {route}")


@asynccontextmanager
async def connect(route: Route) -> AsyncIterator[Talk]:
    person = Person()
    async with Client(
        transport(route),
        mode="legacy",
        sampling_callback=person.sample,
        elicitation_callback=person.elicit,
        list_roots_callback=person.roots,
        logging_callback=person.log,
        message_handler=person.message,
    ) as client:
        yield Talk(client, person, route)


async def handshake(talk: Talk) -> Any:
    client = talk.client
    await client.send_ping()
    assert client.server_info is not None
    return [client.protocol_version, seen(client.server_info), seen(client.server_capabilities)]


async def list_tools(talk: Talk) -> Any:
    while True:
        tools = (await talk.client.list_tools()).tools
        if LATE_TOOLS <= {tool.name for tool in tools}:
            return [seen(tool) for tool in tools]
        await anyio.sleep(POLL_SECONDS)


async def call_tools(talk: Talk) -> Any:
    echo = await talk.call("echo", {"message": 'snow ☃ \u2028 "quoted" \\u0041'})
    assert "snow ☃" in echo["content"][0]["text"], echo
    wrong = await talk.call("get-sum", {"a": "no number"})
    assert wrong["isError"], wrong
    return [
        echo,
        wrong,
        await talk.call("get-sum", {"a": 12345678901, "b": -0.5}),
        await talk.call("get-structured-content", {"location": "Chicago"}),
        await talk.call("get-tiny-image", {}),
    ]


async def read_resources(talk: Talk) -> Any:
    listed = await talk.client.list_resources()
    templates = await talk.client.list_resource_templates()
    document = await talk.client.read_resource(STATIC_DOCUMENT)
    assert document.contents, document
    return [seen(listed), seen(templates), seen(document)]


async def get_prompts(talk: Talk) -> Any:
    listed = await talk.client.list_prompts()
    prompt = await talk.client.get_prompt("args-prompt", {"city": "Zürich"})
    assert "Zürich" in json.dumps(seen(prompt), ensure_ascii=False), prompt
    return [seen(listed), seen(prompt)]


async def complete(talk: Talk) -> Any:
    prompt = types.PromptReference(type="ref/prompt", name="completable-prompt")
    completion = await talk.client.complete(prompt, {"name": "department", "value": "E"})
    assert completion.completion.values, completion
    return seen(completion)


async def answer_sampling(talk: Talk) -> Any:
    result = await talk.call("trigger-sampling-request", {"prompt": "p", "maxTokens": 10})
    assert len(talk.person.sampled) == 1, talk.person.sampled
    assert "an answer ☃" in result["content"][0]["text"], result
    return [talk.person.sampled, result]


async def answer_elicitation(talk: Talk) -> Any:
    result = await talk.call("trigger-elicitation-request", {})
    assert len(talk.person.elicited) == 1, talk.person.elicited
    assert "Ada" in json.dumps(result), result
    return [talk.person.elicited, result]


async def list_roots(talk: Talk) -> Any:
    result = await talk.call("get-roots-list", {})
    assert "file:///project" in json.dumps(result), result
    return result


async def follow_progress(talk: Talk) -> Any:
    steps: list[Any] = []

    async def step(progress: float, total: float | None, message: str | None) -> None:
        steps.append([progress, total, message])

    operation = {"duration": 1, "steps": 4}
    result = await talk.call("trigger-long-running-operation", operation, progress_callback=step)
    assert [progress for progress, _, _ in steps] == [1, 2, 3, 4], steps
    return [steps, result]


async def cancel(talk: Talk) -> Any:
    operation = {"duration": 2, "steps": 2}
    with anyio.move_on_after(CANCEL_AFTER_SECONDS) as scope:
        await talk.call("trigger-long-running-operation", operation)
    assert scope.cancelled_caught
    await until(lambda: len(cancelled(talk.route)) == 1)
    await anyio.sleep(operation["duration"])
    [request] = cancelled(talk.route)
    answers = [json.loads(line) for line in lines(talk.route.inside, b"<")]
    assert not [answer for answer in answers if answer.get("id") == request], "it was answered"
    return await talk.call("echo", {"message": "after the cancellation"})


def cancelled(route: Route) -> list[Any]:
    """The requests whose cancellation has reached the server."""
    messages = [json.loads(line) for line in lines(route.inside, b">")]
    method = "notifications/cancelled"
    return [m["params"]["requestId"] for m in messages if m.get("method") == method]


async def receive_logs(talk: Talk) -> Any:
    await talk.client.set_logging_level("debug")
    before = len(talk.person.logged)
    await talk.call("toggle-simulated-logging", {})
    await until(lambda: len(talk.person.logged) > before)
    stopped = await talk.call("toggle-simulated-logging", {})
    # Which message the server logs is chance; that it has all its parts is not.
    return [nameless(stopped), sorted(talk.person.logged[-1])]


async def subscribe(talk: Talk) -> Any:
    await talk.client.subscribe_resource(DYNAMIC_RESOURCE)
    await talk.call("toggle-subscriber-updates", {})
    await until(lambda: "ResourceUpdatedNotification" in talk.person.notified)
    stopped = await talk.call("toggle-subscriber-updates", {})
    await talk.client.unsubscribe_resource(DYNAMIC_RESOURCE)
    return nameless(stopped)


def nameless(result: Any) -> str:
    """Over HTTP the server names the session, which has another name each time."""
    return SESSION_NAME.sub("SESSION", json.dumps(result))


# In this order, in one session.
SCENARIOS: list[Scenario] = [
    handshake,
    list_tools,
    call_tools,
    read_resources,
    get_prompts,
    complete,
    answer_sampling,
    answer_elicitation,
    list_roots,
    follow_progress,
    cancel,
    receive_logs,
    subscribe,
]


async def refused_call(talk: Talk) -> None:
    result = await talk.call("echo", {"message": "the forbidden word"})
    assert result["isError"], result
    assert "the word is forbidden" in result["content"][0]["text"], result
    assert not reached(talk.route, b"the forbidden word"), "the call reached the server"


async def refused_call_as_error(talk: Talk) -> None:
    error = await error_of(talk.call("echo", {"message": "the forbidden word"}))
    assert "the word is forbidden" in error, error
    assert not reached(talk.route, b"the forbidden word"), "the call reached the server"


async def refused_resource(talk: Talk) -> None:
    error = await error_of(talk.client.read_resource(REFUSED_DOCUMENT))
    assert "this document is not read" in error, error
    assert not reached(talk.route, REFUSED_DOCUMENT.encode()), "the request reached the server"


async def refused_sampling(talk: Talk) -> None:
    await list_tools(talk)
    result = await talk.call("trigger-sampling-request", {"prompt": "p", "maxTokens": 10})
    assert result["isError"], result
    assert not talk.person.sampled, "the request reached the client"
    assert reached(talk.route, b"the server asks no model"), "the server does not know why"


async def going_on(talk: Talk) -> None:
    result = await talk.call("echo", {"message": "the permitted word"})
    assert "the permitted word" in result["content"][0]["text"], result
    assert (await talk.client.read_resource(STATIC_DOCUMENT)).contents


REFUSALS: list[Scenario] = [refused_call, refused_resource, refused_sampling, going_on]
REFUSALS_AS_ERRORS: list[Scenario] = [refused_call_as_error, going_on]


def reached(route: Route, text: bytes) -> bool:
    return any(text in line for line in lines(route.inside, b">"))


async def error_of(request: Awaitable[Any]) -> str:
    try:
        result = await request
    except MCPError as error:
        return str(error)
    raise AssertionError(f"there was no error but {result}")
