"""Clients that are programs of their own: one session, one line of JSON for each scenario."""

import json
from typing import Any

import anyio

from routes import Route, Served, Started

SESSION_SECONDS = 180


async def outcomes(program: list[str], route: Route) -> dict[str, tuple[Any, str | None]]:
    """What each scenario returned, or how it failed, by its name."""
    with anyio.fail_after(SESSION_SECONDS):
        done = await anyio.run_process([*program, *arguments(route)], check=False)
    try:
        lines = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError:
        lines = []
    if done.returncode != 0 or not lines:
        printed = done.stdout.decode() + done.stderr.decode()
        raise AssertionError(f"{route.name}: exit code {done.returncode}, printed `{printed}`")
    return {line["name"]: (line.get("result"), line.get("error")) for line in lines}


def arguments(route: Route) -> list[str]:
    match route:
        case Started(command=command):
            return ["stdio", *command]
        case Served(transport=transport, url=url):
            return [transport, url]
    raise AssertionError(f"no client has a transport for {route}")
