"""What the inspector's command line sees: one short session for each command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from routes import Installation, Route

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


def configuration(routes: list[Route], directory: Path) -> Path:
    servers = {
        route.name: {"command": route.command[0], "args": route.command[1:]} for route in routes
    }
    path = directory / "inspector.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


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
