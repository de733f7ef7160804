"""Runs the official TypeScript client: one session, one outcome for each scenario."""

import json
import shutil
from pathlib import Path
from typing import Any

import anyio

from routes import Installation, Route, Served, Started

SESSION_SECONDS = 180
SCRIPT = Path(__file__).parent / "ts_client.mjs"


def install(installation: Installation) -> Path:
    """Node looks for what a script imports in the folders above the script."""
    return Path(shutil.copy(SCRIPT, installation.node_modules.parent))


async def outcomes(
    installation: Installation, script: Path, route: Route
) -> dict[str, tuple[Any, str | None]]:
    """What each scenario returned, or how it failed, by its name."""
    command = [installation.node, str(script), *arguments(route)]
    with anyio.fail_after(SESSION_SECONDS):
        done = await anyio.run_process(command, check=False)
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
