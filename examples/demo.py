"""The whole path once: a picture through all four endpoints, signed, against the local stand-in.

    make demo

It ends with exit code 1 as soon as anything is not as it should be.
"""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import httpx

from transloadit_client import AssemblyStatus, Transloadit, pingback
from transloadit_standin import StandIn

PICTURE = Path(__file__).with_name("sunrise.png")
SAVED = Path("build/demo")
STEPS = {
    ":original": {"robot": "/upload/handle"},
    "resized": {"robot": "/image/resize", "use": ":original", "width": 60},
}


def main() -> None:
    with (
        StandIn(step_seconds=0.2, instances=2, media=True) as api,
        receiver(api.secret) as (notify_url, pingbacks),
        Transloadit(api.key, api.secret, base_url=api.url) as client,
    ):
        print(f"The stand-in of the API listens on {api.url}; it resizes pictures.")

        chapter("Create an Assembly")
        assembly = client.create_assembly(steps=STEPS, files=[PICTURE], notify_url=notify_url)
        tell(f"sent {PICTURE.name}, {PICTURE.stat().st_size} bytes, with signed params")
        tell(f"Assembly {assembly.assembly_id} lives on {assembly.assembly_ssl_url}")
        check(assembly.busy, f"it is {assembly.ok}")
        assembly = finished(client, assembly)
        check(assembly.ok == "ASSEMBLY_COMPLETED", f"it is {assembly.ok}")
        check(is_whole(assembly, "resized"), "saved its result, whole")
        check(width(assembly, ":original") == 120, "the picture is 120 pixels wide")
        check(width(assembly, "resized") == 60, "its result is 60 pixels wide")

        chapter("Receive its Notification, and replay it")
        check(pingbacks.get(timeout=10) == assembly.assembly_id, "a Pingback came, well signed")
        replayed = client.replay_assembly_notification(assembly)
        check(replayed.ok == "ASSEMBLY_NOTIFICATION_REPLAYED", f"replay: {replayed.ok}")
        check(pingbacks.get(timeout=10) == assembly.assembly_id, "it came again, well signed")

        chapter("Cancel a second Assembly while it runs")
        second = client.create_assembly(steps=STEPS, files=[PICTURE])
        check(second.busy, f"Assembly {second.assembly_id} is {second.ok}")
        second = client.cancel_assembly(second)
        check(second.ok == "ASSEMBLY_CANCELED", f"it is {second.ok}")

        chapter("Replay a third Assembly that crashed")
        api.crash_next()
        crashed = finished(client, client.create_assembly(steps=STEPS, files=[PICTURE]))
        check(crashed.failed, f"Assembly {crashed.assembly_id} crashed: {crashed.error}")
        replay = client.replay_assembly(crashed, reparse_template=True)
        check(replay.ok == "ASSEMBLY_REPLAYING", f"Assembly {replay.assembly_id} is {replay.ok}")
        replay = finished(client, replay)
        check(replay.ok == "ASSEMBLY_COMPLETED", f"it is {replay.ok}")
        check(replay.parent_id == crashed.assembly_id, "its parent is the crashed one")
        check(is_whole(replay, "resized"), "its result is whole")

    print("\nAll four endpoints did what they should.")


@contextmanager
def receiver(secret: str) -> Iterator[tuple[str, Queue[object]]]:
    """A server of our own for Pingbacks: its URL, and the Assembly ids of those well signed."""
    ids: Queue[object] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                ids.put(pingback.verify(body, self.headers["Content-Type"], secret).assembly_id)
                self.send_response(200)
            except pingback.PingbackError as error:
                ids.put(error)
                self.send_response(400)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's name
            """Say nothing: the story is told elsewhere."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/pingback", ids
    finally:
        server.shutdown()
        server.server_close()


def finished(client: Transloadit, assembly: AssemblyStatus) -> AssemblyStatus:
    """The Assembly's last status, asked for a few times a second."""
    deadline = time.monotonic() + 30
    while assembly.busy:
        if time.monotonic() > deadline:
            sys.exit(f"  ✗ Assembly {assembly.assembly_id} is still {assembly.ok}")
        time.sleep(0.4)
        assembly = client.get_assembly(assembly)
    return assembly


def is_whole(assembly: AssemblyStatus, step: str) -> bool:
    """Saves the first result of a Step; whether it is what the status tells of."""
    result = assembly.files[step][0]
    target = SAVED / f"{assembly.assembly_id}-{result.name}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(httpx.get(str(result.ssl_url)).raise_for_status().content)
    tell(f"saved {target}")
    return hashlib.md5(target.read_bytes()).hexdigest() == result.md5hash  # noqa: S324 - no secret


def width(assembly: AssemblyStatus, step: str) -> object:
    """The width of a Step's first result."""
    return (assembly.to_dict()["results"][step][0]["meta"] or {}).get("width")


def chapter(title: str) -> None:
    print(f"\n{title}")


def tell(line: str) -> None:
    print(f"    {line}")


def check(fine: bool, line: str) -> None:
    if not fine:
        sys.exit(f"  ✗ {line}: not what was expected")
    print(f"  ✓ {line}")


if __name__ == "__main__":
    main()
