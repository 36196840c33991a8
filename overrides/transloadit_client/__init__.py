"""The Transloadit Assembly API, typed and signed.

    from transloadit_client import Transloadit

    with Transloadit() as client:  # TRANSLOADIT_KEY and TRANSLOADIT_SECRET
        assembly = client.create_assembly(template_id="…", files=["cat.jpg"])

Names are imported when first used, so `import transloadit_client` costs next to nothing.
"""

from importlib import import_module

from ._version import __version__

# Checkers know this by its name; importing `typing` would cost more than all else here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from . import pingback, smart_cdn
    from ._calls.addresses import new_assembly_id as new_assembly_id
    from ._calls.contents import Stream as Stream
    from ._client.async_transloadit import AsyncTransloadit as AsyncTransloadit
    from ._errors import ApiError as ApiError
    from ._errors import AssemblyFailed as AssemblyFailed
    from ._errors import Attempt as Attempt
    from ._errors import DownloadIncomplete as DownloadIncomplete
    from ._errors import FileChanged as FileChanged
    from ._errors import InvalidInput as InvalidInput
    from ._errors import MissingCredentials as MissingCredentials
    from ._errors import NoAnswer as NoAnswer
    from ._errors import OutcomeUnknown as OutcomeUnknown
    from ._errors import StillBusy as StillBusy
    from ._errors import TransloaditError as TransloaditError
    from ._errors import UnreadableAnswer as UnreadableAnswer
    from ._errors import UntrustedUrl as UntrustedUrl
    from ._errors import UploadIncomplete as UploadIncomplete
    from ._http.aiohttp_transport import AiohttpTransport as AiohttpTransport
    from ._progress import MissingFile as MissingFile
    from ._progress import Progress as Progress
    from ._progress import SavedFile as SavedFile
    from ._retry.policy import RetryPolicy as RetryPolicy
    from ._runs.outcomes import Finished as Finished
    from ._runs.outcomes import Mapped as Mapped
    from ._signing import Credentials as Credentials
    from ._signing import Secret as Secret
    from ._signing import SignedParams as SignedParams
    from ._signing import encode as encode
    from ._signing import sign as sign
    from ._status import AssemblyFile as AssemblyFile
    from ._status import AssemblyStatus as AssemblyStatus
    from ._sync.transloadit import Transloadit as Transloadit

_HOME = {
    "AiohttpTransport": "._http.aiohttp_transport",  # not in `__all__`: it takes an extra
    "ApiError": "._errors",
    "AssemblyFailed": "._errors",
    "AssemblyFile": "._status",
    "AssemblyStatus": "._status",
    "AsyncTransloadit": "._client.async_transloadit",
    "Attempt": "._errors",
    "Credentials": "._signing",
    "DownloadIncomplete": "._errors",
    "FileChanged": "._errors",
    "Finished": "._runs.outcomes",
    "InvalidInput": "._errors",
    "Mapped": "._runs.outcomes",
    "MissingCredentials": "._errors",
    "MissingFile": "._progress",
    "NoAnswer": "._errors",
    "OutcomeUnknown": "._errors",
    "Progress": "._progress",
    "RetryPolicy": "._retry.policy",
    "SavedFile": "._progress",
    "Secret": "._signing",
    "SignedParams": "._signing",
    "StillBusy": "._errors",
    "Stream": "._calls.contents",
    "Transloadit": "._sync.transloadit",
    "TransloaditError": "._errors",
    "UnreadableAnswer": "._errors",
    "UntrustedUrl": "._errors",
    "UploadIncomplete": "._errors",
    "encode": "._signing",
    "new_assembly_id": "._calls.addresses",
    "sign": "._signing",
}

__all__ = [
    "ApiError",
    "AssemblyFailed",
    "AssemblyFile",
    "AssemblyStatus",
    "AsyncTransloadit",
    "Attempt",
    "Credentials",
    "DownloadIncomplete",
    "FileChanged",
    "Finished",
    "InvalidInput",
    "Mapped",
    "MissingCredentials",
    "MissingFile",
    "NoAnswer",
    "OutcomeUnknown",
    "Progress",
    "RetryPolicy",
    "SavedFile",
    "Secret",
    "SignedParams",
    "StillBusy",
    "Stream",
    "Transloadit",
    "TransloaditError",
    "UnreadableAnswer",
    "UntrustedUrl",
    "UploadIncomplete",
    "__version__",
    "encode",
    "new_assembly_id",
    "pingback",
    "sign",
    "smart_cdn",
]


if not TYPE_CHECKING:  # pragma: no branch  # checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name in ("pingback", "smart_cdn"):
            return import_module(f".{name}", __name__)
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_HOME[name], __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
