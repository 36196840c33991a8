"""A local stand-in for Transloadit's Assembly API: real HTTP on 127.0.0.1, no account, no media.

    with StandIn() as api:
        os.environ.update(api.environ)

It comes with the extra `standin`: `pip install 'transloadit-client[standin]'`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transloadit_standin._assemblies import Assembly
    from transloadit_standin._auth import AuthKey
    from transloadit_standin._codes import CODES, Code
    from transloadit_standin._events import EventStream
    from transloadit_standin._fault_mix import KINDS, FaultMix, Kind
    from transloadit_standin._faults import (
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
    from transloadit_standin._files import AssemblyFile
    from transloadit_standin._ledger import Received
    from transloadit_standin._limits import Limits
    from transloadit_standin._notifications import Notification
    from transloadit_standin._standin import StandIn
    from transloadit_standin._storage import StoredFile
    from transloadit_standin._templates import Template

# Where each name lives; a module is read when one of its names is first asked for.
_HOMES = {
    "Answer": "_faults",
    "Assembly": "_assemblies",
    "AssemblyFile": "_files",
    "AuthKey": "_auth",
    "CODES": "_codes",
    "Code": "_codes",
    "Crash": "_faults",
    "Delay": "_faults",
    "Drop": "_faults",
    "EventStream": "_events",
    "Fault": "_faults",
    "FaultMix": "_fault_mix",
    "Faults": "_faults",
    "Garble": "_faults",
    "KINDS": "_fault_mix",
    "Kind": "_fault_mix",
    "Limits": "_limits",
    "Notification": "_notifications",
    "Received": "_ledger",
    "Refuse": "_faults",
    "StandIn": "_standin",
    "StoredFile": "_storage",
    "Template": "_templates",
    "rate_limit": "_faults",
    "unavailable": "_faults",
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
