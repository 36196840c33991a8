"""The Transloadit Assembly API, typed and signed.

    from transloadit_client import Transloadit

    with Transloadit() as client:  # TRANSLOADIT_KEY and TRANSLOADIT_SECRET
        assembly = client.create_assembly(template_id="…", files=["cat.jpg"])

Names are imported when first used, so `import transloadit_client` costs next to nothing. Editors
and type checkers read `__init__.pyi`, which has the same names.
"""

from importlib import import_module

from ._version import __version__

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
    "MissingFile": "._status",
    "NoAnswer": "._errors",
    "OutcomeUnknown": "._errors",
    "Progress": "._progress",
    "RetryPolicy": "._retry.policy",
    "SavedFile": "._status",
    "Secret": "._signing",
    "SignedParams": "._signing",
    "StillBusy": "._errors",
    "Stream": "._calls.contents",
    "Transloadit": "._client.blocking.transloadit",
    "TransloaditError": "._errors",
    "UnreadableAnswer": "._errors",
    "UntrustedUrl": "._errors",
    "UploadIncomplete": "._errors",
    "encode": "._signing",
    "new_assembly_id": "._calls.addresses",
    "sign": "._signing",
}

# Checkers read the stub, and pyright wants a plain list in what they do not read.
# pyright: reportUnsupportedDunderAll=false
# A star import must work without the extra `aiohttp`.
_OFFERED = [name for name in _HOME if name != "AiohttpTransport"]
__all__ = [*_OFFERED, "__version__", "pingback", "smart_cdn"]  # noqa: PLE0604  # the names above


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
