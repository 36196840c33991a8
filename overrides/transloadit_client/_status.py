"""The status that people get: the generated one, and what they ask of it first."""

import copyreg
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import field, frozen

from transloadit_api import models
from transloadit_api.types import Unset

T = TypeVar("T", bound="AssemblyStatus")

# What ends an Assembly well or on purpose; any `error` ends it too. All else is busy, also states
# that were added to the API later. (Two of the vendor's SDKs take ASSEMBLY_REPLAYING for an end.)
_FINAL = frozenset({"ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"})

NO_HEADERS: Mapping[str, str] = {}

# Generated models compare with the one `UNSET`, so a pickle must come back as that very object. The
# generated class has no repr, and its address would stand in `help()` and in the repr of each file.
copyreg.pickle(Unset, lambda _unset: "UNSET")
Unset.__repr__ = lambda _: "UNSET"  # type: ignore[method-assign]  # see above


def _pydantic_schema(cls: Any, _source: object, _handler: object) -> Any:
    """How pydantic, and FastAPI with it, reads and writes a model: as the JSON that was received.

    JSON becomes a model; a model that is there already stays the same object.
    """
    from pydantic_core import core_schema as to  # noqa: PLC0415  # those who ask for it have it

    json_object = to.dict_schema(to.str_schema())
    read = to.no_info_after_validator_function(cls.from_dict, json_object)
    return to.json_or_python_schema(
        json_schema=read,
        python_schema=to.union_schema([to.is_instance_schema(cls), read]),
        serialization=to.plain_serializer_function_ser_schema(lambda model: model.to_dict()),
    )


class AssemblyFile(models.AssemblyFile):
    """A file of an Assembly: an upload, or a result of a Step.

    Any attribute can be `UNSET` (not in the answer), None, or of a type that the API never
    documented, as in `AssemblyStatus`. `download_url` is always a string.

    Example:
        for file in status.result_files:
            print(file.name, file.download_url)
    """

    __slots__ = ()
    __module__ = "transloadit_client"
    __get_pydantic_core_schema__ = classmethod(_pydantic_schema)

    @property
    def download_url(self) -> str:
        """Where the file can be fetched, by https if the answer has such a URL; empty if none.

        (`url` and `ssl_url` are the two keys of the answer, as they were received.)
        """
        return _text(self.ssl_url) or _text(self.url)

    def __repr__(self) -> str:
        return f"AssemblyFile(name={self.name!r}, size={self.size!r}, mime={self.mime!r})"


class AssemblyStatus(models.AssemblyStatus):
    """The state of an Assembly.

    Any attribute of the answer can be `UNSET` (not in the answer), None, or of a type that the API
    never documented: nothing in an answer is refused or lost. Keys that the spec does not know are
    in `additional_properties`, and `to_dict()` returns what was received. `id`, `url`,
    `upload_files`, `result_files` and `files` always have the type they say.

    Attributes:
        headers: the headers of the answer; names are case-insensitive. Empty for a status that was
            not an answer, such as that of a webhook. They are pickled, and not in `to_dict()`.

    Example:
        status = client.get_assembly("7828446e5acd4aa996dce3455ec914e9")
        if status.done:
            print(status.url, [file.name for file in status.result_files])
    """

    __slots__ = ("_unread", "headers")
    __module__ = "transloadit_client"
    __get_pydantic_core_schema__ = classmethod(_pydantic_schema)
    _unread: dict[str, list[Any]]
    headers: Mapping[str, str]

    if not TYPE_CHECKING:  # pragma: no branch  # checkers would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Reads the files when they are asked for: Python calls this where a slot is empty."""
            if name == "headers":
                return NO_HEADERS
            if name in _PARTS and (part := getattr(self, "_unread", {}).get(name)):
                part.append(_PARTS[name][1](part[0]))
                setattr(self, name, part[1])  # of threads that read at once all get the first one's
                self._unread.pop(name, None)
            return super().__getattribute__(name)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "headers": self.headers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]  # attrs makes it
        self.headers = state["headers"]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Makes a status of JSON, such as that of `to_dict()`; the dict is left alone."""
        status = _received(cls, dict(src_dict))
        for name in _PARTS:  # it would be lazy at the risk that the caller changes the dict
            getattr(status, name)
        return status

    @property
    def id(self) -> str:
        """The Assembly's id; an empty text if the answer names none."""
        return _text(self.assembly_id)

    @property
    def url(self) -> str:
        """The Assembly's URL over https (`assembly_ssl_url`); an empty text if there is none."""
        return _text(self.assembly_ssl_url)

    @property
    def request_id(self) -> str | None:
        """The id that the service, or a proxy before it, gave this answer in `X-Request-Id`."""
        return self.headers.get("X-Request-Id")

    @property
    def failed(self) -> bool:
        """Whether the Assembly ended with an error; `error` and `message` say which."""
        return bool(self.error)

    @property
    def done(self) -> bool:
        """Whether nothing more will happen: completed, canceled, aborted or failed."""
        return self.failed or (isinstance(self.ok, str) and self.ok in _FINAL)

    @property
    def busy(self) -> bool:
        """Whether the Assembly is uploading, executing, replaying, or in a state unknown to us."""
        return not self.done

    @property
    def files(self) -> dict[str, list[AssemblyFile]]:
        """The result files by Step name; empty until there are any."""
        return {
            step: _files_in(files)
            for step, files in _by_step(self.results).items()
            if isinstance(files, list)
        }

    @property
    def upload_files(self) -> list[AssemblyFile]:
        """The uploaded files; empty until there are any."""
        return _files_in(self.uploads)

    @property
    def result_files(self) -> list[AssemblyFile]:
        """The result files of all Steps, one Step after another; empty until there are any."""
        return [file for files in self.files.values() for file in files]

    def __repr__(self) -> str:
        said = {"id": self.id, "ok": self.ok, "error": self.error, **self._counts()}
        shown = (f"{name}={value!r}" for name, value in said.items() if value or name != "error")
        return f"AssemblyStatus({', '.join(shown)})"

    def _repr_html_(self) -> str:
        """A small table, for notebooks."""
        by_step = {f"results of {step}": len(files) for step, files in self.files.items()}
        said = {
            "Assembly": self.id,
            "state": self.error or self.ok,
            "message": self.message,
            "uploads": len(self.upload_files),
            **by_step,
        }
        rows = (
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in said.items()
            if value or value == 0
        )
        return f"<table>{''.join(rows)}</table>"

    def _counts(self) -> dict[str, int]:
        """How many files there are. Those that were not read yet stay so: a log line is cheap."""
        uploads, results = (
            unread[0] if (unread := getattr(self, "_unread", {}).get(name)) else getattr(self, name)
            for name in _PARTS
        )
        return {
            "uploads": _number_of_files(uploads),
            "results": sum(map(_number_of_files, _by_step(results).values())),
        }


@frozen
class SavedFile:
    """A result that was saved.

    Attributes:
        step: the Step that made it.
        file: its entry in the status.
        path: where it is.
    """

    __module__ = "transloadit_client"

    step: str
    file: AssemblyFile = field(repr=False)
    path: Path


@frozen
class MissingFile:
    """A result that could not be saved.

    Attributes:
        step: the Step that made it.
        file: its entry in the status.
        why: the reason, as a sentence.
    """

    __module__ = "transloadit_client"

    step: str
    file: AssemblyFile = field(repr=False)
    why: str


def code_of(status: AssemblyStatus) -> str | None:
    """The API's code for the state of an Assembly: its `error`, else its `ok`; None for neither."""
    return next((code for code in (status.error, status.ok) if isinstance(code, str)), None)


def as_received(data: dict[str, Any], headers: Mapping[str, str] = NO_HEADERS) -> AssemblyStatus:
    """Builds a status from fresh JSON and takes ownership of it: its files are read when asked for.

    Reading 10,000 files takes longer than parsing their JSON, and most callers want `ok`.
    """
    status = _received(AssemblyStatus, data)
    status.headers = headers
    return status


def _received(cls: type[T], data: dict[str, Any]) -> T:
    unread = {name: [data[name]] for name, (kind, _) in _PARTS.items()
              if isinstance(data.get(name), kind)}  # fmt: skip
    rest = {key: value for key, value in data.items() if key not in unread}
    status = super(AssemblyStatus, cls).from_dict(rest)
    status._unread = unread
    for name in unread:
        delattr(status, name)
    return status


def _read_files(data: Any) -> list[Any]:
    read = AssemblyFile.from_dict
    return [read(one) if isinstance(one, dict) else one for one in data]


def _read_results(data: dict[str, Any]) -> models.AssemblyStatusResults:
    results = models.AssemblyStatusResults()
    results.additional_properties = {
        step: _read_files(files) if isinstance(files, list) else files
        for step, files in data.items()
    }
    return results


_PARTS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "uploads": (list, _read_files),
    "results": (dict, _read_results),
}
"""The attributes that hold files: what they are in JSON if they are files, and how that is read."""


def _by_step(results: object) -> Mapping[str, object]:
    if isinstance(results, models.AssemblyStatusResults):
        return results.additional_properties
    return results if isinstance(results, dict) else {}


def _files_in(values: object) -> list[AssemblyFile]:
    listed = values if isinstance(values, list) else []
    return [file for file in listed if isinstance(file, AssemblyFile)]


def _number_of_files(values: object) -> int:
    listed = values if isinstance(values, list) else []
    return sum(isinstance(file, dict | AssemblyFile) for file in listed)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# Now, not on the first answer: it imports the models of all parts.
AssemblyStatus.from_dict({"uploads": [{}], "tus_uploads": [{}]})
