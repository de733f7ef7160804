"""The server that Invariant Gateway is tried with: over stdio, HTTP+SSE or Streamable HTTP."""

import argparse

import anyio
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("messenger_server")


@server.tool(structured_output=False)
def get_last_message_from_user(username: str) -> str:
    """Get the last message that a user sent."""
    return "What is your favorite food?\n"


@server.tool(structured_output=True)
def count_messages(username: str) -> dict[str, int]:
    """Count the messages of a user."""
    return {username: 7}


# How often somebody gave up waiting.
given_up = 0


@server.tool()
async def wait() -> str:
    """Answers after a minute."""
    try:
        await anyio.sleep(60)
    except anyio.get_cancelled_exc_class():
        global given_up
        given_up += 1
        raise
    return "a minute is over"


@server.tool()
async def report(context: Context) -> str:
    """Tells how far it is before it answers."""
    for step in range(3):
        await context.report_progress(step, 3)
    return "done"


@server.tool()
def count_given_up() -> int:
    """Count the calls of `wait` that were cancelled."""
    return given_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("transport", choices=["stdio", "sse", "streamable-http"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="answer with JSON, not with events")
    parser.add_argument("--stateless", action="store_true")
    arguments = parser.parse_args()
    match arguments.transport:
        case "stdio":
            server.run("stdio")
        case "sse":
            server.run("sse", port=arguments.port)
        case _:
            # Invariant Gateway asks for this path, and follows no redirect.
            server.run(
                "streamable-http",
                port=arguments.port,
                streamable_http_path="/mcp/",
                json_response=arguments.json,
                stateless_http=arguments.stateless,
            )


if __name__ == "__main__":
    main()
