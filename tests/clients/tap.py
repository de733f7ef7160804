"""Stands in front of a stdio server and writes down the lines of both directions.

    tap.py LOG COMMAND ARGUMENT...

A line of the log is `>` (towards the server) or `<` (from it) and the line as it was.
"""

import signal
import subprocess
import sys
import threading
from typing import BinaryIO


def copy(mark: bytes, source: BinaryIO, target: BinaryIO, log: BinaryIO) -> None:
    try:
        for line in source:
            log.write(mark + line)
            target.write(line)
            target.flush()
        target.close()
    except (BrokenPipeError, ValueError):
        pass  # The reader has gone; the other direction ends by itself.


def main() -> int:
    log_path, *command = sys.argv[1:]
    # Unbuffered: each line is one write, whole even if this process is killed next.
    with open(log_path, "ab", buffering=0) as log:
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # Clients end a server by a signal: without this, only its tap would end.
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        towards = threading.Thread(
            target=copy, args=(b">", sys.stdin.buffer, server.stdin, log), daemon=True
        )
        towards.start()
        copy(b"<", server.stdout, sys.stdout.buffer, log)
        return server.wait()


if __name__ == "__main__":
    sys.exit(main())
