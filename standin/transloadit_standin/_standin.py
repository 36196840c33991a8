"""`StandIn`: the whole local API as one object."""

from __future__ import annotations

import math
import shutil
import socket
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from ._account import Account
from ._api.app import App
from ._api.spec import load_spec, reserved_fields
from ._network.line import Line
from ._network.relay import BACKLOG, Relay, bind, origin
from ._network.server import PromptServer, ServerThread
from ._service.events import EventStream
from ._service.limits import Limits, Meter
from ._service.notifications import Encoding, Notifier
from ._service.service import Hosts, Service
from ._service.settings import EmptyNotifyUrl, Replayable, Settings, SingleUse, TypedText
from ._service.state import StateFile, restore, resume
from ._service.templates import RESIZE_TO_FIT, read_template
from ._service.verdict import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator
    from types import TracebackType

    from ._ledger import Received
    from ._network.link import Address

LOOPBACK = "127.0.0.1"
NARROW = 64 * 1024
"""Bytes that wait in a connection whose client is to be slow."""
EVENT_STREAM = EventStream()
STATE_FILE = "state.json"


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

    It checks the requests that the service checks and answers as the service does. Pictures are
    resized with the extra `media`; other Steps pass their files through, and imports bring none.
    Where the service's way is not known one was chosen: `transloadit_standin.CODES` says which. The
    defaults are what software meets that is tested against the service; stricter ways are options.

    Args:
        key: The Auth Key.
        secret: The Auth Secret.
        auth_token: A bearer token that stands for the key.
        port: Of the base URL; 0 for a free one.
        instances: How many instance hosts there are; Assemblies live on them in turn.
        instance_address: The loopback address of the instance hosts.
        state: A folder that keeps Templates, Assemblies and files from one run to the next, also if
            the process is killed: it is written each second and at the end. By default nothing is
            left.
        step_seconds: How long each Step takes. With 0 an Assembly is done right after its create
            was answered.
        strict: Whether Steps are refused whose Robot or `use` does not exist.
        media: Whether `/image/resize` and `/image/optimize` work, which takes Pillow; by default if
            that is installed.
        signature_required: Whether creates with this key have to be signed.
        notification_encoding: How Notifications are sent. The pages say multipart, receivers that
            are tested against the service read urlencoded.
        notification_algorithm: The HMAC that signs Notifications; SHA-1 goes without a prefix.
        notification_attempts: How often a Notification is sent until it is answered with 200.
        notification_retry_seconds: How long to wait between two of these.
        typed_text: Whether a form's part with a `Content-Type` and no file name is a "text" or, as
            strict form parsers have it, a "file".
        single_use: When a nonce, and an id of the client's choice, count as used: on the request's
            "arrival", or once its "work" is done, so that an upload which breaks off uses up
            neither. The service's way is not known.
        forget_refused: Whether a nonce is good again once its request was refused; not known.
        replayable: Which Assemblies can be replayed: "any", or only one that "crashed".
        instance_replays: Whether instance hosts take replays, too.
        empty_notify_url: Whether `notify_url: ""` in a replay means the "original" Assembly's URL,
            or "none".
        assembly_url: Whether the plain `assembly_url` "answers", or "refuses" connections, which
            shows that a client uses it.
        not_found_reads: How many reads of a new Assembly's status find nothing yet: the service's
            statuses are eventually consistent.
        cors: Whether pages of other origins may use the API in a browser.
        host_names: Names of this machine, besides its own, that a request's `Host` may have.
        tus_checksum: Whether uploads by tus can carry a checksum; not known of the service.
        event_stream: How Assemblies tell of their events; None to offer no such thing, so that
            clients have to poll.
        limits: The rate limits, by `clock`; None to have none.
        upload_rate: Bytes a second that all clients together can send; None for as many as come.
        download_rate: Bytes a second that all clients together are sent.
        keep_body: How many bytes of a request's body the ledger keeps; of uploads by tus none.
        clock: Tells the time for `auth.expires` and for the limits; has to be aware of its zone.
        log: Called with each request once it was answered, on the server's thread.
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
        state: Path | None = None,
        step_seconds: float = 0.0,
        strict: bool = True,
        media: bool | None = None,
        signature_required: bool = False,
        notification_encoding: Encoding = "urlencoded",
        notification_algorithm: str = "sha1",
        notification_attempts: int = 3,
        notification_retry_seconds: float = 0.05,
        typed_text: TypedText = "text",
        single_use: SingleUse = "arrival",
        forget_refused: bool = False,
        replayable: Replayable = "any",
        instance_replays: bool = True,
        empty_notify_url: EmptyNotifyUrl = "original",
        assembly_url: Literal["answers", "refuses"] = "answers",
        not_found_reads: int = 0,
        cors: bool = True,
        host_names: Iterable[str] = (),
        tus_checksum: bool = True,
        event_stream: EventStream | None = EVENT_STREAM,
        limits: Limits | None = None,
        upload_rate: float | None = None,
        download_rate: float | None = None,
        keep_body: int = 1024 * 1024,
        clock: Callable[[], datetime] = _now,
        log: Callable[[Received], None] | None = None,
    ) -> None:
        if instances < 1:
            raise ValueError("an Assembly needs an instance host to live on: instances >= 1")
        if not 0 <= port < 65536:
            raise ValueError("a port is a number from 0 to 65535")
        if instance_address != "localhost" and not ip_address(instance_address).is_loopback:
            raise ValueError("the stand-in listens on loopback addresses alone, such as 127.0.0.2")
        if not (0 <= step_seconds < math.inf and 0 <= notification_retry_seconds < math.inf):
            raise ValueError("seconds are a number from 0")
        if not_found_reads < 0 or keep_body < 0 or notification_attempts < 1:
            raise ValueError("reads and bytes are a number from 0, and attempts one from 1")
        if notification_algorithm not in ALGORITHMS:
            raise ValueError(f"notification_algorithm has to be one of {', '.join(ALGORITHMS)}")
        if media and find_spec("PIL") is None:
            raise ValueError("media needs Pillow: pip install 'transloadit-client[media]'")
        self.key = key
        self.secret = secret
        self.auth_token = auth_token
        self._state_folder = state
        self._state = None if state is None else StateFile(state / STATE_FILE)
        self._addresses = [(LOOPBACK, port), *[(instance_address, 0)] * instances * 2]
        self._plain_answers = assembly_url == "answers"
        self._spec = load_spec()
        self._service = Service(
            hosts=Hosts(),
            folder=Path(),
            notifier=Notifier(
                encoding=notification_encoding,
                algorithm=notification_algorithm,
                attempts=notification_attempts,
                retry_seconds=notification_retry_seconds,
            ),
            clock=clock,
            settings=Settings(
                step_seconds=step_seconds,
                strict=strict,
                media=find_spec("PIL") is not None if media is None else media,
                typed_text=typed_text,
                single_use=single_use,
                forget_refused=forget_refused,
                replayable=replayable,
                instance_replays=instance_replays,
                empty_notify_url=empty_notify_url,
                not_found_reads=not_found_reads,
                cors=cors,
                host_names=frozenset(name.lower() for name in host_names),
                tus_checksum=tus_checksum,
                event_stream=event_stream,
                keep_body=keep_body,
                log=log,
            ),
            reserved=reserved_fields(self._spec),
            meter=Meter(limits),
            upload_line=Line(upload_rate),
            download_line=Line(download_rate),
        )
        self.add_key(key, secret, auth_token=auth_token, signature_required=signature_required)
        self.templates["resize-to-fit"] = read_template("resize-to-fit", RESIZE_TO_FIT)
        self.faults = self._service.faults
        self._relay = Relay()
        self._narrow = upload_rate is not None
        self._thread: ServerThread | None = None
        self._unused: list[socket.socket] = []

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
        kept = {} if self._state is None else self._state.read()
        sockets: list[socket.socket] = []
        try:
            wished = self._wished_addresses(kept)
            answering = len(wished) if self._plain_answers else 1 + len(wished) // 2
            for number, (address, old_port) in enumerate(wished):
                sockets.append(self._open(address, old_port, listening=number < answering))
            # The server's own port comes last: any that is free, but none of the wished ones.
            sockets.append(self._open((LOOPBACK, 0), 0, listening=True))
            *wanted, server = sockets
            api, *others = [origin(listener) for listener in wanted]
            instances, plain = others[: len(others) // 2], others[len(others) // 2 :]
            service.hosts = Hosts(api, instances, plain)
            # The rest is only bound: the ports stay ours, and refuse connections.
            public, self._unused = wanted[:answering], wanted[answering:]
            service.folder = self._make_folder()
            restore(service, kept)
            self._thread = ServerThread(
                PromptServer(
                    App(service, self._spec, relay),
                    opened=lambda: self._opened(server, public),
                    closing=relay.close,
                    close=service.close,
                    each_second=self._keep_state,
                ),
                [server],
            )
            self._thread.start()
        except BaseException:
            self._clean()
            for listener in sockets:
                listener.close()
            raise

    def _opened(self, server: socket.socket, public: list[socket.socket]) -> None:
        self._relay.open(server.getsockname(), public)
        resume(self._service)

    def _keep_state(self) -> None:
        """Write the state while the server runs, so that a kill loses at most a second."""
        if self._state is None:
            return
        try:
            self._state.save(self._service)
        except OSError:
            pass  # it may work the next time, and at the end it is told
        except Exception as error:  # noqa: BLE001 - a Template of a test may hold what is no JSON
            self._service.report(error)
            self._state = None  # once is enough

    def _wished_addresses(self, kept: dict[str, Any]) -> list[tuple[Address, int]]:
        """Where to listen, and the ports of the last run, whose URLs people still have."""
        origins = kept.get("origins", {})
        old = [origins.get("api", ""), *origins.get("instances", []), *origins.get("plain", [])]
        ports = [urlsplit(one).port or 0 for one in old]
        if len(ports) != len(self._addresses):
            ports = [0] * len(self._addresses)
        return list(zip(self._addresses, ports, strict=True))

    def _open(self, address: Address, old_port: int, *, listening: bool) -> socket.socket:
        """A socket of an address; of one without a port, on the old port, if that is free."""
        host, port = address
        if old_port and not port:
            with suppress(OSError):
                return self._open((host, old_port), 0, listening=listening)
        opened = bind(address)
        try:
            if self._narrow:  # or the kernel takes megabytes in at once, and calls them sent
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            if listening:  # at once: another process may have bound the port too
                opened.listen(BACKLOG)
        except BaseException:
            opened.close()
            raise
        return opened

    def _make_folder(self) -> Path:
        if self._state_folder is None:
            return Path(tempfile.mkdtemp(prefix="transloadit-standin-"))
        folder = self._state_folder / "files"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def stop(self) -> None:
        """Cut all connections and leave nothing behind, but the state folder if there is one.

        Raises:
            ExceptionGroup: if something went wrong in the stand-in itself.
        """
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
            if self._state is not None:
                self._state.save(self._service)
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

    def reset(self) -> None:
        """Forget Assemblies, requests, faults and used nonces; Templates and keys stay."""
        self._wait_for(self._service.reset(), 10.0)

    def _wait_for(self, work: Coroutine[Any, Any, None], timeout: float = 10.0) -> None:
        if self._thread is None:
            work.close()
            raise RuntimeError("the stand-in does not run")
        self._thread.wait_for(work, timeout)

    def _clean(self) -> None:
        for unused in self._unused:
            unused.close()
        self._unused = []
        if self._service.folder != Path():
            if self._state_folder is None:
                shutil.rmtree(self._service.folder)
            self._service.folder = Path()
