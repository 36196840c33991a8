"""A local stand-in for Transloadit's Assembly API: real HTTP on 127.0.0.1, no account, no media.

    with StandIn() as api:
        os.environ.update(api.environ)

It comes with the extra `standin`: `pip install 'transloadit-client[standin]'`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._codes import CODES, Code
    from ._faults.mix import KINDS, FaultMix, Kind
    from ._faults.script import (
        Answer,
        Crash,
        Delay,
        Drop,
        Fault,
        Faults,
        Garble,
        Refuse,
        rate_limit,
        unavailable,
    )
    from ._ledger import Received
    from ._service.assembly import Assembly
    from ._service.events import EventStream
    from ._service.files import AssemblyFile
    from ._service.keys import AuthKey
    from ._service.limits import Limits
    from ._service.notifications import Notification
    from ._service.templates import Template
    from ._standin import StandIn
    from ._storage import StoredFile

# Where each name lives; a module is read when one of its names is first asked for.
_HOMES = {
    "Answer": "_faults.script",
    "Assembly": "_service.assembly",
    "AssemblyFile": "_service.files",
    "AuthKey": "_service.keys",
    "CODES": "_codes",
    "Code": "_codes",
    "Crash": "_faults.script",
    "Delay": "_faults.script",
    "Drop": "_faults.script",
    "EventStream": "_service.events",
    "Fault": "_faults.script",
    "FaultMix": "_faults.mix",
    "Faults": "_faults.script",
    "Garble": "_faults.script",
    "KINDS": "_faults.mix",
    "Kind": "_faults.mix",
    "Limits": "_service.limits",
    "Notification": "_service.notifications",
    "Received": "_ledger",
    "Refuse": "_faults.script",
    "StandIn": "_standin",
    "StoredFile": "_storage",
    "Template": "_service.templates",
    "rate_limit": "_faults.script",
    "unavailable": "_faults.script",
}

__all__ = [
    "CODES",
    "KINDS",
    "Answer",
    "Assembly",
    "AssemblyFile",
    "AuthKey",
    "Code",
    "Crash",
    "Delay",
    "Drop",
    "EventStream",
    "Fault",
    "FaultMix",
    "Faults",
    "Garble",
    "Kind",
    "Limits",
    "Notification",
    "Received",
    "Refuse",
    "StandIn",
    "StoredFile",
    "Template",
    "rate_limit",
    "unavailable",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"this needs the module {error.name}: pip install 'transloadit-client[standin]'",
            name=error.name,
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
