"""Stands in front of an HTTP server and writes down the bodies of the requests that reach it."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import h11
from anyio.abc import SocketStream, TaskStatus


class Bodies:
    """Finds the bodies of requests in the bytes of one connection."""

    def __init__(self) -> None:
        self._requests = h11.Connection(h11.SERVER)
        self._body = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._requests.receive_data(data)
        while True:
            match self._requests.next_event():
                case h11.Data(data=data):
                    self._body += data
                case h11.EndOfMessage():
                    if self._body:
                        yield self._body
                    self._next()
                case h11.Request():
                    pass
                case _:
                    return

    def _next(self) -> None:
        # Nobody answers here, so this connection of h11's will not take another request.
        following, _ = self._requests.trailing_data
        self._requests = h11.Connection(h11.SERVER)
        if following:  # No bytes would say that the connection has ended.
            self._requests.receive_data(following)
        self._body = b""


async def tap_http(
    log: Path, server_port: int, *, task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Passes connections on to a port of this machine; says on which port it listens itself."""

    async def passed_on(client: SocketStream) -> None:
        async with client, await anyio.connect_tcp("127.0.0.1", server_port) as server:
            bodies = Bodies()
            async with anyio.create_task_group() as both:
                both.start_soon(copy, server, client, None, both.cancel_scope)
                both.start_soon(copy, client, server, bodies, both.cancel_scope)

    async def copy(
        source: SocketStream,
        target: SocketStream,
        bodies: Bodies | None,
        connection: anyio.CancelScope,
    ) -> None:
        try:
            async for data in source:
                for body in bodies.feed(data) if bodies else []:
                    with log.open("ab") as file:
                        file.write(b">" + body + b"\n")
                await target.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        # Neither side of HTTP goes on when the other has gone.
        connection.cancel()

    log.touch()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    task_status.started(listener.extra(anyio.abc.SocketAttribute.local_port))
    await listener.serve(passed_on)
