"""What the inspector's command line sees: one short session for each command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from routes import Installation, Route, Served, Started

COMMAND_SECONDS = 120
# Otherwise it asks the desktop's keychain, which a build machine does not have.
ENVIRONMENT = {**os.environ, "MCP_INSPECTOR_SECRET_STORE": "memory"}

COMMANDS = {
    "tools/list": [],
    "tools/call": ["--tool-name", "echo", "--tool-arg", "message=hello ☃"],
    "resources/list": [],
    "resources/read": ["--uri", "demo://resource/static/document/architecture.md"],
    "resources/templates/list": [],
    "prompts/list": [],
    "prompts/get": ["--prompt-name", "args-prompt", "--prompt-args", "city=Oslo"],
    "logging/setLevel": ["--log-level", "debug"],
}
REFUSED_CALL = ["--tool-name", "echo", "--tool-arg", "message=the forbidden word"]


# What it calls the transports.
TYPES = {"sse": "sse", "http": "streamable-http"}


def configuration(routes: list[Route], directory: Path, name: str = "inspector") -> Path:
    servers = {route.name: entry(route) for route in routes}
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def entry(route: Route) -> dict[str, Any]:
    match route:
        case Started(command=[program, *arguments]):
            return {"command": program, "args": arguments}
        case Served(transport=transport, url=url):
            return {"type": TYPES[transport], "url": url}
    raise AssertionError(f"the inspector has no transport for {route}")


def ask(
    installation: Installation, config: Path, route: Route, method: str, options: list[str]
) -> Any:
    """What the inspector prints, and its exit code."""
    command = [*installation.inspector, "--config", str(config), "--server", route.name]
    done = subprocess.run(
        [*command, "--method", method, *options],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    try:
        return [done.returncode, json.loads(done.stdout)]
    except ValueError:
        raise AssertionError(
            f"exit code {done.returncode}, printed `{done.stdout}` and `{done.stderr}`"
        ) from None
