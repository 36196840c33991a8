"""What the clients are asked to do under faults, and where the stand-in's ledger shows it done."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from transloadit_client import Transloadit
from transloadit_standin import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from transloadit_standin import Assembly, Kind, StandIn

STEPS: dict[str, Any] = {"resized": {"robot": "/image/resize", "width": 75}}
FILE = {"file": ("f.bin", b"x" * 3000)}
UNTELLABLE = {"another's answer"}
"""Where the service chooses the id, nobody can tell that it is another Assembly's."""
TELLABLE = {name: kind for name, kind in KINDS.items() if name not in UNTELLABLE}

Done = dict[int, list[str]]
"""By the number of a call: the ids of what was done for it."""


class Errand:
    """Something to ask for, many times; each call has a number, by which the ledger knows it."""

    kinds: Mapping[str, Kind] = TELLABLE
    step_seconds = 0.0

    def __init__(self, api: StandIn) -> None:
        self.api = api

    def prepare(self, count: int) -> None:
        """Make what so many calls need, while nothing goes wrong."""

    def ask(self, client: Any, number: int) -> Any:
        """Make a call; an asynchronous client's is still to be awaited."""
        raise NotImplementedError

    def done(self) -> Done:
        """What was done, by the stand-in's own account."""
        raise NotImplementedError

    def _create(self) -> str:
        with Transloadit(self.api.key, self.api.secret, base_url=self.api.url) as client:
            created = client.create_assembly(steps=STEPS, files=FILE)
        assert isinstance(created.assembly_id, str)
        return created.assembly_id


class Create(Errand):
    """Creates Assemblies under ids that the client makes; every third call has a file."""

    kinds = KINDS

    def ask(self, client: Any, number: int) -> Any:
        files = None if number % 3 else FILE
        return client.create_assembly(steps=STEPS, form_fields={"call": number}, files=files)

    def done(self) -> Done:
        return _by_call(self.api.assemblies.values())


class CreateWithoutId(Create):
    """Creates Assemblies and lets the API choose their ids."""

    kinds = TELLABLE

    def ask(self, client: Any, number: int) -> Any:
        return client.create_assembly(steps=STEPS, form_fields={"call": number}, assembly_id=None)


class Replay(Errand):
    """Replays one crashed Assembly, over and over."""

    def prepare(self, count: int) -> None:
        self.api.crash_next()
        self.original = self._create()
        self.api.settle()

    def ask(self, client: Any, number: int) -> Any:
        return client.replay_assembly(self.original, fields={"call": number})

    def done(self) -> Done:
        return _by_call(assembly for assembly in self.api.assemblies.values() if assembly.parent)


class ReplayNotification(Replay):
    """Replays the Notification of one Assembly, each time to an address of its own."""

    def ask(self, client: Any, number: int) -> Any:
        # Nobody listens there. That it was sent is what counts, and the ledger has it.
        url = f"http://127.0.0.1:9/?call={number}"
        return client.replay_assembly_notification(self.original, notify_url=url, wait=False)

    def done(self) -> Done:
        done: Done = defaultdict(list)
        for notification in self.api.assemblies[self.original].notifications:
            done[int(notification.url.rpartition("=")[2])].append(notification.id)
        return done


class Cancel(Errand):
    """Cancels Assemblies that run."""

    kinds = KINDS
    step_seconds = 3600.0

    def prepare(self, count: int) -> None:
        self.ids = [self._create() for _ in range(count)]

    def ask(self, client: Any, number: int) -> Any:
        return client.cancel_assembly(self.ids[number])

    def done(self) -> Done:
        assemblies = [self.api.assemblies[id_] for id_ in self.ids]
        canceled = [assembly.state == "ASSEMBLY_CANCELED" for assembly in assemblies]
        return {number: [self.ids[number]] for number, done in enumerate(canceled) if done}


ERRANDS = {
    "create": Create,
    "create, id by the API": CreateWithoutId,
    "replay": Replay,
    "replay a Notification": ReplayNotification,
    "cancel": Cancel,
}


def _by_call(assemblies: Iterable[Assembly]) -> Done:
    """Those that ran. One whose upload broke off has none of its form fields, and did not run."""
    done: Done = defaultdict(list)
    for assembly in assemblies:
        if assembly.executed is not None:
            done[int(assembly.variables["call"])].append(assembly.id)
    return done
