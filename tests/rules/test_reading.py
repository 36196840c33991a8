"""Files are read when they are asked for, and are then what `from_dict` makes of the answer."""

import copy
import json
import pickle
import threading
from collections.abc import Callable
from typing import Any
from weakref import ref

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_api import models
from transloadit_client import AssemblyFile, AssemblyStatus
from transloadit_client._status import as_received

from ..foreign import many_cases
from .test_status import NESTED, ODD_STATUSES, STATUSES, file

MADE_UP = st.builds(
    lambda odd, nested: {**odd, **nested}, ODD_STATUSES, st.fixed_dictionaries({}, optional=NESTED)
)


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
    theirs = AssemblyStatus.from_dict(data)
    generated = models.AssemblyStatus.from_dict(data)

    def ours() -> AssemblyStatus:
        """One of which nothing was asked yet."""
        return as_received(json.loads(json.dumps(data)))

    assert_alike(ours(), theirs)
    assert ours() == theirs
    assert theirs == ours()
    assert repr(ours()) == repr(theirs)
    assert json.dumps(ours().to_dict()) == json.dumps(generated.to_dict())
    assert attrs.asdict(ours()) == attrs.asdict(generated)
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
    for one in (as_received({}), AssemblyFile.from_dict({})):
        with pytest.raises(TypeError, match="unhashable"):
            hash(one)


class Steps(dict[str, Any]):
    """Results that call back when they are being read."""

    called: Callable[[], object]

    def items(self) -> Any:
        self.called()
        return super().items()


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
