"""The status that people get: the generated one, and what they ask of it first."""

import copyreg
from collections.abc import Callable, Mapping
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from attrs import fields

from transloadit_api import models
from transloadit_api.types import UNSET, Unset

# What ends an Assembly well or on purpose; any `error` ends it too. All else is busy, also what
# nobody knows yet. (Two of the vendor's SDKs take ASSEMBLY_REPLAYING for an end; it is not.)
_FINAL = frozenset({"ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"})

# Generated models compare with the one `UNSET`, so a pickle must come back as that very object.
copyreg.pickle(Unset, lambda _unset: "UNSET")

AssemblyFile = models.AssemblyFile
"""A file of an Assembly: an upload, or a Step's result. The generated class, by a public name."""


class AssemblyStatus(models.AssemblyStatus):
    """The state of an Assembly.

    Any attribute can be `UNSET` (not in the answer), None, or of a type that the API never
    documented: nothing an answer holds is refused or lost. Keys that the spec does not know are in
    `additional_properties`, and `to_dict()` gives back what was received.
    """

    __slots__ = ("_unread",)
    _unread: dict[str, list[Any]]

    if not TYPE_CHECKING:  # pragma: no branch  # checkers would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """A part that nobody has asked for yet: Python calls this where a slot is empty."""
            parts = reader(AssemblyStatus).parts
            if name in parts and (part := getattr(self, "_unread", {}).get(name)):
                _, read = parts[name]
                part.append(read(part[0]))
                setattr(self, name, part[1])  # of threads that read at once all get the first one's
                self._unread.pop(name, None)
            return super().__getattribute__(name)

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
        by_step = getattr(self.results, "additional_properties", {})
        return {
            step: [file for file in files if isinstance(file, AssemblyFile)]
            for step, files in by_step.items()
            if isinstance(files, list)
        }


def as_received(data: Mapping[str, Any]) -> AssemblyStatus:
    """The status in an answer that nobody else holds: as `from_dict`, but its files are read later.

    Reading 10,000 files takes two thirds of the time of their JSON, and most callers want `ok`.
    """
    read = reader(AssemblyStatus)
    status: AssemblyStatus = read.outline(data)
    status._unread = {}
    for name, (kind, _) in read.parts.items():
        value = getattr(status, name)
        if isinstance(value, kind):
            status._unread[name] = [value]
            delattr(status, name)
    return status


# The generated `from_dict` has a function for each key, made anew for each object. A class is read
# here by a table instead, in a quarter of the time: its keys, and under which of them it makes
# models of dicts and lists. The class itself is asked, so a new spec needs no new line here.
Read = Callable[[Any], Any]
Part = tuple[type, Read]
"""Of what a class makes models, dicts or lists, and how; all else stays what it is."""

_UNSETS = repeat(UNSET)
_PROBES: tuple[Any, ...] = ({}, [{}])
_OTHER = "?"  # a key that no class knows
_REST = "additional_properties"


class Reader:
    """Reads JSON objects as a generated class does, or a subclass that has no fields of its own."""

    def __init__(self, model: Any) -> None:
        keys = _keys(model)
        self._model = model
        self._keys = tuple(keys.values())
        self.parts = _parts(model, keys)
        """By attribute."""

    def read(self, data: Mapping[str, Any]) -> Any:
        made = self.outline(data)
        for name, (kind, read) in self.parts.items():
            value = getattr(made, name)
            if isinstance(value, kind):
                setattr(made, name, read(value))
        return made

    def outline(self, data: Mapping[str, Any]) -> Any:
        """The model, with its parts as they came."""
        rest = dict(data)
        if not self._keys:
            made = self._model()
        else:
            made = self._model(*map(rest.pop, self._keys, _UNSETS))
            rest = dict(rest)  # a dict stays as large as it ever was
        made.additional_properties = rest
        return made


reader = cache(Reader)


def _keys(model: Any) -> dict[str, str]:
    """The JSON key of each attribute that `__init__` takes, in its order."""
    names = [one.name for one in fields(model) if one.init]
    key_of = {name: key for key, name in model(*names).to_dict().items()}
    return {name: key_of[name] for name in names}


def _parts(model: Any, keys: Mapping[str, str]) -> dict[str, Part]:
    """Found by giving the class a dict, and a list of one, under each key and under another."""
    given = [*keys.values(), _OTHER]
    made = [model.from_dict(dict.fromkeys(given, probe)) for probe in _PROBES]
    parts = {name: _part(*(getattr(one, name) for one in made)) for name in keys}
    other = _part(*(getattr(one, _REST)[_OTHER] for one in made))
    parts[_REST] = other and (dict, _of_values(*other))
    return {name: part for name, part in parts.items() if part}


def _part(of_dict: Any, of_list: Any) -> Part | None:
    """How a class reads where it makes `of_dict` of `{}`, and `of_list` of `[{}]`."""
    if of_dict != {}:
        return dict, reader(of_dict.__class__).read
    if of_list != [{}]:
        return list, _of_items(reader(of_list[0].__class__).read)
    return None


def _of_items(read: Read) -> Read:
    return lambda value: [read(one) if isinstance(one, dict) else one for one in value]


def _of_values(kind: type, read: Read) -> Read:
    return lambda value: {
        key: read(one) if isinstance(one, kind) else one for key, one in value.items()
    }


reader(AssemblyStatus)  # now, not on the first answer: it imports the models of the parts
