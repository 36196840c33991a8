"""`python -m transloadit_standin`: serve until Ctrl-C, and print what to export."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from typing import TYPE_CHECKING

import transloadit_standin

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m transloadit_standin",
        description="Transloadit's Assembly API on this machine; it processes no media.",
    )
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--key", default="standin_key", help="default: %(default)s")
    parser.add_argument("--secret", default="standin_secret", help="default: %(default)s")
    parser.add_argument(
        "--step-seconds",
        type=float,
        default=1.0,
        help="how long a Step takes, default: %(default)s",
    )
    for direction in ("upload", "download"):
        parser.add_argument(
            f"--{direction}-rate",
            type=float,
            metavar="BYTES",
            help=f"a slow line: so many bytes a second in all {direction}s",
        )
    options = parser.parse_args(arguments)
    try:
        stand_in = transloadit_standin.StandIn
    except ModuleNotFoundError as error:
        sys.exit(str(error))
    # A process manager's way to say Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with stand_in(
            key=options.key,
            secret=options.secret,
            port=options.port,
            step_seconds=options.step_seconds,
            upload_rate=options.upload_rate,
            download_rate=options.download_rate,
        ) as api:
            for name, value in api.environ.items():
                print(f"export {name}={shlex.quote(value)}")
            print("# Serving until Ctrl-C.", flush=True)
            while True:
                time.sleep(1)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"cannot listen on port {options.port}: {error.strerror}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
