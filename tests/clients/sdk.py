"""The client library of Invariant Explorer, unchanged, against what the gateway keeps."""

import asyncio
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invariant_sdk.async_client import AsyncClient
from invariant_sdk.client import Client
from invariant_sdk.types.append_messages import AppendMessagesRequest
from invariant_sdk.types.exceptions import InvariantAuthError, InvariantNotFoundError
from invariant_sdk.types.push_traces import PushTracesRequest

from report import Report
from routes import Installation

LISTENING = "listening on "
SECONDS = 20
MESSAGES = [
    {"role": "user", "content": "What is the weather?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": {"city": "Zürich"}},
            }
        ],
    },
]
ANNOTATION = {
    "content": "a question",
    "address": "messages.0.content:0-4",
    "extra_metadata": {"source": "sdk"},
}


@contextmanager
def served(installation: Installation, directory: Path, login: str) -> Iterator[str]:
    """A gateway that asks for this login; gives its address."""
    directory.mkdir(exist_ok=True)
    config = directory / f"{login}.yaml"
    config.write_text(
        f'listen: "127.0.0.1:0"\ndata_directory: data\napi: {{ login: {login} }}\n'
    )
    command = [str(installation.portcullis), "serve", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if line.startswith(LISTENING):
                    yield line.removeprefix(LISTENING).strip()
                    return
            raise AssertionError(said)
        finally:
            process.terminate()


def ask(url: str, path: str, key: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data)
    request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


def traces(url: str, key: str) -> None:
    client = Client(api_url=url, api_key=key)
    pushed = client.create_request_and_push_trace(
        messages=[MESSAGES, MESSAGES[:1]],
        annotations=[[ANNOTATION], []],
        metadata=[{"name": "weather", "run": 1}, {"run": 2}],
        dataset="sdk-traces",
    )
    assert len(pushed.id) == 2, pushed
    assert (pushed.dataset, pushed.username) == ("sdk-traces", "developer"), pushed
    trace = ask(url, f"/api/v1/trace/{pushed.id[0]}", key)
    assert trace["messages"] == MESSAGES, trace
    assert trace["name"] == "weather" and trace["extra_metadata"]["run"] == 1, trace
    [annotation] = trace["annotations"]
    assert {name: annotation[name] for name in ANNOTATION} == ANNOTATION, annotation

    appended = {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
    remark = {**ANNOTATION, "address": "messages.2.content:0-4"}
    answer = client.create_request_and_append_messages([appended], pushed.id[0], [remark])
    assert answer == {"success": True}, answer
    trace = ask(url, f"/api/v1/trace/{pushed.id[0]}", key)
    assert trace["messages"][:2] == MESSAGES, trace
    last = trace["messages"][2]
    assert {name: last[name] for name in appended} == appended and last["timestamp"], last
    assert len(trace["annotations"]) == 2, trace

    listed = ask(url, "/api/v1/dataset/byuser/developer/sdk-traces/traces", key)
    assert [one["id"] for one in listed] == pushed.id, listed
    unknown = "01999999-0000-7000-8000-000000000000"
    try:
        client.create_request_and_append_messages([appended], unknown)
    except InvariantNotFoundError:
        return
    raise AssertionError("an unknown trace was added to")


def datasets(url: str, key: str) -> None:
    client = Client(api_url=url, api_key=key)
    made = ask(url, "/api/v1/dataset/create", key, {"name": "sdk-metadata"})
    client.create_request_and_push_trace(messages=[MESSAGES], dataset="sdk-metadata")
    results = {"num_tests": 4, "num_passed": 3}
    answer = client.create_request_and_update_dataset_metadata(
        "sdk-metadata",
        metadata={"benchmark": "b", "accuracy": 0.75, "invariant.test_results": results},
    )
    assert answer["benchmark"] == "b" and answer["accuracy"] == 0.75, answer
    metadata = client.get_dataset_metadata("sdk-metadata", owner_username="developer")
    assert metadata["invariant.test_results"] == results, metadata
    answer = client.create_request_and_update_dataset_metadata(
        "sdk-metadata", replace_all=True, metadata={"name": "n"}
    )
    assert answer["name"] == "n" and "benchmark" not in answer, answer
    found = ask(url, "/api/v1/dataset/byuser/developer/sdk-metadata", key)
    assert found["id"] == made["id"] and found["num_traces"] == 1, found


def asynchronous(url: str, key: str) -> None:
    async def push() -> str:
        client = AsyncClient(api_url=url, api_key=key)
        request = PushTracesRequest(messages=[MESSAGES], dataset="sdk-async", metadata=[{}])
        pushed = await client.push_trace(request)
        more = AppendMessagesRequest(
            trace_id=pushed.id[0], messages=[{"role": "user", "content": "and tomorrow?"}]
        )
        assert await client.append_messages(more) == {"success": True}
        await client.session.aclose()
        return pushed.id[0]

    trace = ask(url, f"/api/v1/trace/{asyncio.run(push())}", key)
    assert [message["role"] for message in trace["messages"]] == ["user", "assistant", "user"]


def wrong_key(url: str) -> None:
    client = Client(api_url=url, api_key="inv-" + "0" * 64)
    try:
        client.create_request_and_push_trace(messages=[MESSAGES])
    except InvariantAuthError:
        return
    raise AssertionError("a wrong key was taken")


def run(installation: Installation, directory: Path, report: Report) -> None:
    scenarios = {"traces": traces, "datasets": datasets, "asynchronous": asynchronous}
    directory = directory / "sdk"
    with served(installation, directory, "none") as url:
        for name, scenario in scenarios.items():
            report.check(f"sdk: {name}", lambda: scenario(url, "whatever"))
        key = ask(url, "/api/v1/keys/create", "whatever", {})["key"]
    with served(installation, directory, "keys") as url:
        report.check("sdk, with keys: wrong key", lambda: wrong_key(url))
        report.check("sdk, with keys: asynchronous", lambda: asynchronous(url, key))
