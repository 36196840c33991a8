"""`python -m transloadit_standin`: serve until Ctrl-C, or for as long as a command runs."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import transloadit_standin
from transloadit_standin._options import Options, read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transloadit_standin import Received, StandIn

ENDINGS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""Ctrl-C, a process manager's way to say it, and a terminal that was closed."""


def main(
    arguments: Sequence[str] | None = None, *, prog: str = "python -m transloadit_standin"
) -> int:
    """Run the stand-in; gives the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        options = read_options(given, prog)
        stand_in = transloadit_standin.StandIn
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    # These warn on the standard error of clients that offer HTTP/2, as Java's do, and of forms that
    # cannot be read, which is in the request log.
    for name in ("uvicorn", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # A flag and no exception: nothing can interrupt the cleaning up.
    ended = threading.Event()
    before = {one: signal.signal(one, lambda *_: ended.set()) for one in ENDINGS}
    try:
        log = None if options.quiet else log_request
        with stand_in(log=log, **options.stand_in) as api:
            api.templates.update({template.id: template for template in options.templates})
            api.faults.extend(options.faults)
            api.set_clock_ahead(options.clock_ahead)
            return run(api, options, ended) if options.command else serve(api, ended)
    except OSError as error:
        where = f" on port {port}" if (port := options.stand_in.get("port")) else ""
        print(f"cannot serve{where}: {error.strerror or error}", file=sys.stderr)
    except ValueError as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        return 2
    finally:
        # A program ends now, and a further Ctrl-C must not meet Python's own handler meanwhile.
        if arguments is not None:
            for one, handler in before.items():
                signal.signal(one, handler)
    return 1


def serve(api: StandIn, ended: threading.Event) -> int:
    """Print the variables to export, and serve until the end."""
    for name, value in api.environ.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"# Serving until Ctrl-C; what happens is shown at {api.url}/_standin/", flush=True)
    while not ended.wait(1):  # a wait without end would not notice signals on every system
        pass
    return 0


def run(api: StandIn, options: Options, ended: threading.Event) -> int:
    """Run a command with the variables set; gives its exit code."""
    theirs = {
        name: value for name, value in os.environ.items() if not name.startswith("TRANSLOADIT_")
    }
    try:
        process = subprocess.Popen(options.command, env={**theirs, **api.environ})  # noqa: S603 - it is what was asked for
    except OSError as error:
        print(f"{options.command[0]}: {error.strerror}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126
    with process:
        while True:
            try:
                code = process.wait(0.2)
            except subprocess.TimeoutExpired:
                if ended.is_set():  # Ctrl-C has reached the command too; SIGTERM has not
                    process.terminate()
                continue
            return code if code >= 0 else 128 - code


def log_request(received: Received) -> None:
    """Print one line for a request."""
    check = received.signature
    parts: list[Any] = [
        f"{received.time.astimezone():%H:%M:%S}",
        received.method,
        received.path,
        received.status or "no answer",
        received.code if received.code != received.state else None,
        None if check is None else f"signature {received.verdict}",
        None if check is None or check.good else f"({check.why})",
        received.assembly_id,
        received.state,
        received.fault and f"fault {received.fault}",
    ]
    line = " ".join(str(part) for part in parts if part)
    # Others may have put into it what a terminal would obey.
    shown = "".join(one if one.isprintable() else "?" for one in line)
    print(shown, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
