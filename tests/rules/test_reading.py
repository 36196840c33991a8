"""What a table makes of an answer is what the generated classes make of it, to the last value."""

import copy
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from weakref import ref

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_api import models
from transloadit_api.types import Unset
from transloadit_client import AssemblyFile, AssemblyStatus
from transloadit_client._status import as_received, reader

from ..foreign import many_cases
from .test_status import NESTED, ODD_STATUSES, STATUSES, file

Read = Callable[[dict[str, Any]], Any]
BOTH_READ: dict[type, Read] = {
    models.AssemblyStatus: lambda data: reader(models.AssemblyStatus).read(data),
    AssemblyStatus: as_received,
}
MADE_UP = st.builds(
    lambda odd, nested: {**odd, **nested}, ODD_STATUSES, st.fixed_dictionaries({}, optional=NESTED)
)


@pytest.fixture(autouse=True)
def new_tables() -> None:
    """Each test sees them made, whatever was read before."""
    reader.cache_clear()


def assert_alike(ours: Any, theirs: Any) -> None:
    """They are of the same types, down to the last value in them."""
    assert type(ours) is type(theirs)
    if attrs.has(type(ours)):
        for one in attrs.fields(type(ours)):
            assert_alike(getattr(ours, one.name), getattr(theirs, one.name))
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs)
        assert_alike(list(ours.values()), list(theirs.values()))
    elif isinstance(ours, list):
        for one, other in zip(ours, theirs, strict=True):
            assert_alike(one, other)
    else:
        assert ours == theirs


def assert_read_as_from_dict_does(data: dict[str, Any]) -> None:
    for model, read in BOTH_READ.items():
        theirs = model.from_dict(data)  # type: ignore[attr-defined]  # generated models have it

        def ours(read: Read = read) -> Any:
            """One of which nothing was asked yet."""
            return read(json.loads(json.dumps(data)))

        assert_alike(ours(), theirs)
        assert ours() == theirs
        assert theirs == ours()
        assert repr(ours()) == repr(theirs)
        assert json.dumps(ours().to_dict()) == json.dumps(theirs.to_dict())
        assert attrs.asdict(ours()) == attrs.asdict(theirs)
        assert attrs.evolve(ours(), ok="other") == attrs.evolve(theirs, ok="other")
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(ours(), protocol)) == theirs
        assert copy.copy(ours()) == theirs
        assert_alike(copy.deepcopy(ours()), theirs)


@pytest.mark.parametrize("data", STATUSES.values(), ids=STATUSES)
def test_what_was_seen_is_read_as_from_dict_does(data: dict[str, Any]) -> None:
    assert_read_as_from_dict_does(data)


@many_cases
@given(MADE_UP)
def test_any_json_is_read_as_from_dict_does(data: dict[str, Any]) -> None:
    assert_read_as_from_dict_does(data)


def alternatives(hint: Any) -> set[Any]:
    """What an attribute can be, without what is the same in JSON and in Python."""
    several = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return set(several) - {str, int, float, bool, NoneType, Unset, Any, list[Any]}


def hints(model: type) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(
        model, localns={name: getattr(models, name) for name in models.__all__}
    ).items():
        yield name, get_args(hint)[1] if name == "additional_properties" else hint


def test_a_table_can_say_all_that_the_classes_do() -> None:
    """A model, or a list of them, or neither: dates, or lists of lists, would need more than that.

    And it does say it: there is an entry wherever there are models.
    """
    seen: list[type] = []
    left: list[type] = [models.AssemblyStatus]
    while left:
        seen.append(model := left.pop())
        for name, hint in hints(model):
            several = [alternatives(*get_args(one) or (one,)) for one in alternatives(hint)]
            made = [one for inner in several for one in inner]

            assert len(made) <= 1, f"{model.__name__}.{name} is more than one kind of thing"
            assert all(attrs.has(one) for one in made), f"{model.__name__}.{name}: {hint}"
            assert bool(made) is (name in reader(model).parts), f"{model.__name__}.{name}"
            left += [one for one in made if one not in [*seen, *left]]

    assert models.AssemblyFileMeta in seen


def test_what_is_set_stays_set() -> None:
    """Before a part was read, and after."""
    for early in (True, False):
        status = as_received(copy.deepcopy(STATUSES["page_cancel"]))
        if not early:
            assert status.results
        status.results = None
        status.ok = "ASSEMBLY_PONDERING"

        assert status.to_dict() == {
            **STATUSES["page_cancel"], "results": None, "ok": "ASSEMBLY_PONDERING",
        }  # fmt: skip


def test_a_file_that_changed_is_given_back_changed() -> None:
    status = as_received(file(name="a.jpg", meta={"width": 1}, new=True))
    (result,) = status.files["step"]
    result.name = "b.jpg"
    result["new"] = False
    assert isinstance(result.meta, models.AssemblyFileMeta)
    result.meta["width"] = 2

    changed = {"name": "b.jpg", "meta": {"width": 2}, "new": False}
    assert status.to_dict()["results"] == {"step": [changed]}


def test_what_is_deleted_is_gone() -> None:
    for status in (as_received(STATUSES["page_cancel"]), AssemblyStatus.from_dict({})):
        assert status.results is not None
        del status.results

        with pytest.raises(AttributeError, match="results"):
            _ = status.results


def test_a_name_that_nobody_knows_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"'AssemblyStatus' object has no attribute 'asembly'"):
        _ = as_received({}).asembly  # type: ignore[attr-defined]  # which is the point


def test_nothing_in_a_status_has_a_hash() -> None:
    """As it can change; the generated classes have none either."""
    for one in (as_received({}), reader(models.AssemblyFile).read({})):
        with pytest.raises(TypeError, match="unhashable"):
            hash(one)


class Steps(dict[str, Any]):
    """Results that call back when they are being read."""

    called: Callable[[], object]

    def __iter__(self) -> Iterator[str]:  # or `dict()` would not ask for the keys
        return super().__iter__()

    def keys(self) -> Any:
        self.called()
        return super().keys()


def with_steps(called: Callable[[], object]) -> tuple[Steps, AssemblyStatus]:
    steps = Steps({"step": [{"name": "a.jpg"}]})
    steps.called = called
    return steps, as_received({"results": steps})


def test_threads_that_read_at_once_get_the_same_files() -> None:
    """Or what one of them changes would be lost on the others."""
    together = threading.Barrier(2, timeout=10)
    _, status = with_steps(together.wait)
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(status.results)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 2
    assert got[0] is got[1] is status.results


def test_what_was_interrupted_is_read_again() -> None:
    def interrupt() -> None:
        steps.called = bool
        raise KeyboardInterrupt

    steps, status = with_steps(interrupt)
    with pytest.raises(KeyboardInterrupt):
        _ = status.results

    assert [one.name for one in status.files["step"]] == ["a.jpg"]


def test_what_was_read_is_not_kept_twice() -> None:
    """Of 10,000 results the JSON alone takes half as much again."""
    steps, status = with_steps(bool)
    kept = ref(steps)
    del steps
    assert kept() is not None
    assert isinstance(status.files["step"][0], AssemblyFile)

    assert kept() is None
