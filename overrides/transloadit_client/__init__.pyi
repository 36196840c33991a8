# The names of `__init__.py`, for editors and type checkers; a test compares the two.
from . import pingback as pingback
from . import smart_cdn as smart_cdn
from ._calls.addresses import new_assembly_id as new_assembly_id
from ._calls.contents import Stream as Stream
from ._client.async_transloadit import AsyncTransloadit as AsyncTransloadit
from ._client.blocking.transloadit import Transloadit as Transloadit
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
from ._progress import Progress as Progress
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
from ._status import MissingFile as MissingFile
from ._status import SavedFile as SavedFile
from ._version import __version__ as __version__

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

def __dir__() -> list[str]: ...
