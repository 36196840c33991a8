"""`StandIn`: the whole local API as one object."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ._account import Account
from ._api.app import App
from ._api.spec import load_spec, reserved_fields
from ._network.line import Line
from ._network.relay import Relay, bind, origin
from ._network.server import PromptServer, ServerThread
from ._service.events import EventStream
from ._service.keys import ALGORITHMS
from ._service.limits import Limits, Meter
from ._service.notifications import Encoding, Notifier
from ._service.service import Hosts, Service, SingleUse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import TracebackType

    from ._service.service import TypedText

LOOPBACK = "127.0.0.1"
NARROW = 64 * 1024
"""Bytes that wait in a connection whose client is to be slow."""
EVENT_STREAM = EventStream()


def _now() -> datetime:
    return datetime.now(UTC)


class StandIn(Account):
    """Transloadit's Assembly API on this machine, for tests and first steps, without an account.

    ```python
    with StandIn() as api:
        os.environ.update(api.environ)
        ...
        assert api.requests[-1].operation == "createAssembly"
    ```

    It checks what the service checks and answers as the service does; it processes no media: a
    Step's result is the uploaded file, byte for byte, and a Step that imports brings nothing. What
    is not known of the service was chosen, and `transloadit_standin.CODES` says which is which.

    Args:
        key: The Auth Key.
        secret: The Auth Secret.
        auth_token: A bearer token that stands for the key.
        port: Of the base URL; 0 for a free one.
        instances: How many instance hosts there are; Assemblies live on them in turn.
        instance_address: The loopback address of the instance hosts.
        step_seconds: How long each Step takes. With 0 an Assembly is done right after its create
            was answered.
        signature_required: Whether creates with this key have to be signed.
        notification_encoding: How Notifications are sent. The pages say multipart; receivers that
            are written after the vendor's SDKs may read urlencoded alone.
        notification_algorithm: What Notifications are signed with; SHA-1 goes without a prefix.
        notification_attempts: How often a Notification is sent until it is answered with 200.
        notification_retry_seconds: How long to wait between two of these.
        typed_text: What a part with a `Content-Type` and no file name is. The service's form parser
            takes it for a file; "text" is for SDKs that type all their parts.
        single_use: When a nonce, and an id of the client's choice, count as used: on the request's
            "arrival", or once its "work" is done, so that an upload which breaks off uses up
            neither. The service's way is not known.
        forget_refused: Whether a nonce is good again once its request was refused; not known.
        tus_checksum: Whether uploads by tus can carry a checksum; not known of the service.
        event_stream: How Assemblies tell of their events; None to offer no such thing, so that
            clients have to poll.
        limits: How much is too much, by `clock`; None to have no limits.
        upload_rate: Bytes a second that all clients together can send; None for as many as come.
        download_rate: Bytes a second that all clients together are sent.
        keep_body: How many bytes of a request's body the ledger keeps; of uploads by tus none.
        clock: Tells the time for `auth.expires` and for the limits; has to be aware of its zone.
    """

    def __init__(
        self,
        *,
        key: str = "standin_key",
        secret: str = "standin_secret",  # noqa: S107 - made up, and good for nothing else
        auth_token: str = "standin_token",  # noqa: S107 - likewise
        port: int = 0,
        instances: int = 1,
        instance_address: str = LOOPBACK,
        step_seconds: float = 0.0,
        signature_required: bool = False,
        notification_encoding: Encoding = "multipart",
        notification_algorithm: str = "sha1",
        notification_attempts: int = 3,
        notification_retry_seconds: float = 0.05,
        typed_text: TypedText = "file",
        single_use: SingleUse = "arrival",
        forget_refused: bool = False,
        tus_checksum: bool = True,
        event_stream: EventStream | None = EVENT_STREAM,
        limits: Limits | None = None,
        upload_rate: float | None = None,
        download_rate: float | None = None,
        keep_body: int = 1024 * 1024,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        if instances < 1:
            raise ValueError("an Assembly needs an instance host to live on: instances >= 1")
        if notification_algorithm not in ALGORITHMS:
            raise ValueError(f"notification_algorithm has to be one of {', '.join(ALGORITHMS)}")
        self.key = key
        self.secret = secret
        self.auth_token = auth_token
        self._addresses = [(LOOPBACK, port), *[(instance_address, 0)] * instances]
        self._spec = load_spec()
        self._service = Service(
            hosts=Hosts("", [], ""),
            folder=Path(),
            notifier=Notifier(
                encoding=notification_encoding,
                algorithm=notification_algorithm,
                attempts=notification_attempts,
                retry_seconds=notification_retry_seconds,
            ),
            clock=clock,
            step_seconds=step_seconds,
            typed_text=typed_text,
            keep_body=keep_body,
            reserved=reserved_fields(self._spec),
            single_use=single_use,
            forget_refused=forget_refused,
            tus_checksum=tus_checksum,
            event_stream=event_stream,
            meter=Meter(limits),
            upload_line=Line(upload_rate),
            download_line=Line(download_rate),
        )
        self.add_key(key, secret, auth_token=auth_token, signature_required=signature_required)
        self.faults = self._service.faults
        self._relay = Relay()
        self._narrow = upload_rate is not None
        self._thread: ServerThread | None = None
        self._dead: socket.socket | None = None

    def __repr__(self) -> str:
        return f"StandIn(url={self._service.hosts.api!r}, key={self.key!r})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        except ExceptionGroup:
            if error is None:  # otherwise the body's own error says more
                raise

    def start(self) -> None:
        """Listen; a stand-in runs once.

        Raises:
            OSError: if the port is taken.
        """
        if self._thread is not None or self.url:
            raise RuntimeError("a stand-in runs once; make another")
        service, relay = self._service, self._relay
        self._dead = bind((LOOPBACK, 0))
        sockets: list[socket.socket] = []
        try:
            for address in [(LOOPBACK, 0), *self._addresses]:
                sockets.append(bind(address))
                if self._narrow:  # or the kernel takes megabytes in at once, and calls them sent
                    sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            server, *public = sockets
            api, *instances = [origin(listener) for listener in public]
            service.hosts = Hosts(api, instances, origin(self._dead))
            service.folder = Path(tempfile.mkdtemp(prefix="transloadit-standin-"))
            self._thread = ServerThread(
                PromptServer(
                    App(service, self._spec, relay),
                    opened=lambda: relay.open(server.getsockname(), public),
                    closing=relay.close,
                    close=service.close,
                ),
                [server],
            )
            self._thread.start()
        except BaseException:
            self._clean()
            for listener in sockets:
                listener.close()
            raise

    def stop(self) -> None:
        """Cut all connections and leave nothing behind: no thread, no socket, no file.

        Raises:
            ExceptionGroup: if something went wrong in the stand-in itself.
        """
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self._clean()
        if errors := self._service.errors:
            self._service.errors = []
            raise ExceptionGroup("the stand-in itself failed", errors)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until no Assembly runs and no Notification is under way any more.

        An Assembly that waits for its uploads does not count as running.

        Raises:
            TimeoutError: if that takes longer than `timeout` seconds.
        """
        self._wait_for(self._service.settle(), timeout)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens in this block: connections break, and new ones are refused."""
        self._wait_for(self._relay.vanish())
        try:
            yield
        finally:
            self._wait_for(self._relay.listen())

    def _wait_for(self, work: Coroutine[Any, Any, None], timeout: float = 10.0) -> None:
        if self._thread is None:
            work.close()
            raise RuntimeError("the stand-in does not run")
        self._thread.wait_for(work, timeout)

    def _clean(self) -> None:
        if self._dead is not None:
            self._dead.close()
            self._dead = None
        if self._service.folder != Path():
            shutil.rmtree(self._service.folder)
            self._service.folder = Path()
