"""A status keeps whatever an answer holds, and says first what people ask first."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from transloadit_api import models
from transloadit_client import AssemblyStatus
from transloadit_client._status import as_received, code_of

from ..foreign import many_cases

TESTS = Path(__file__).parents[1]
SCHEMAS = yaml.safe_load((TESTS.parent / "openapi" / "transloadit.yaml").read_text("utf-8"))[
    "components"
]["schemas"]


def exactly(value: Any) -> str:
    """A text that is the same for the same JSON alone: `1`, `1.0` and `true` are three things."""
    return json.dumps(value, sort_keys=True)


def page(name: str) -> dict[str, Any]:
    """The example status of one of the API's reference pages; each file names its page."""
    status = json.loads((TESTS / "data" / f"{name}.json").read_text("utf-8"))["status"]
    assert isinstance(status, dict)
    return status


def file(**keys: Any) -> dict[str, Any]:
    """A status with one upload and one result that have these keys."""
    return {"ok": "ASSEMBLY_COMPLETED", "uploads": [keys], "results": {"step": [keys]}}


PAGES = {name: page(name) for name in ("page_cancel", "page_create")}
# What was seen in recorded answers, or is known of them, beside what the pages show.
ODDITIES: dict[str, dict[str, Any]] = {
    "an error beside HTTP 200": {"error": "INVALID_FILE_META_DATA", "http_code": 200},
    "ok and error": {"ok": "ASSEMBLY_COMPLETED", "error": "INTERNAL_COMMAND_ERROR"},
    "neither ok nor error": {"errno": -104, "code": "ECONNRESET", "syscall": "read"},
    "an errno of text": {"errno": "ECONNRESET", "code": 54},
    "an error code nobody knows": {"error": "WHAT_IS_NEW_IN_2030"},
    "a state nobody knows": {"ok": "ASSEMBLY_PONDERING"},
    "an aspect ratio of text": file(meta={"aspect_ratio": "1.500"}),
    "an aspect ratio of number": file(meta={"aspect_ratio": 1.5}),
    "times in camel case": file(queueTime=0.01, execTime=0.83),
    "times in snake case": file(queue_time=0.01, exec_time=0.83),
    "dates with a zone": {"start_date": "2020/01/09 12:02:08 GMT"},
    "dates of ISO": {"start_date": "2020-01-09T12:02:08.000Z"},
    "no date": {"start_date": "", "execution_start": None},
    "bytes expected": {"bytes_expected": 486608},
    "bytes expected, null": {"bytes_expected": None},
    "bytes expected, empty": {"bytes_expected": ""},
    "an original's id": file(original_id="a30bd0776e7f4ac3817b056d102e8219"),
    "the ids of several": file(original_id=["a30b", None, "b8d1"]),
    "a thumb's offset of text": file(thumb_offset="1.5"),
    "a thumb's offset of number": file(thumb_offset=1),
    "a command of text": {"error": "E", "cmd": "convert a b"},
    "a command of list": {"error": "E", "cmd": ["convert", "a", 1, None]},
    "meta of texts": file(meta={"title": "A", "year": "1999", "keywords": "a, b"}),
    "meta of numbers": file(meta={"title": 7, "year": 1999, "keywords": 3}),
    "meta of lists": file(meta={"title": ["A"], "year": [1999, None], "keywords": ["a", 1]}),
    "meta of another kind": file(meta=["a"]),
    "no meta": file(meta=None),
    "a reason of text": {"error": "E", "reason": "because"},
    "a reason of list": {"error": "E", "reason": [1, {"a": None}]},
    "a reason of object": {"error": "E", "reason": {"code": 7, "more": {"a": []}}},
    "an upload of its original's id alone": {"uploads": [{"original_id": "a30b"}]},
    "an upload without a URL": file(id="a30b", ssl_url="https://example.com/a"),
    "as, null": file(**{"as": None}),
    "as, a text": file(**{"as": "image"}),
    "params of text": {"params": '{"auth":{"key":"****"}}', "merged_params": "{}"},
    "params of object": {"params": {"auth": {"key": "****"}}, "merged_params": None},
    "an HTTP code": {"ok": "ASSEMBLY_COMPLETED", "http_code": 200},
    "an HTTP code of text": {"ok": "ASSEMBLY_COMPLETED", "http_code": "200"},
    "whose and where": {
        "region": "eu-west-1", "account_name": "a", "account_slug": "a-b", "template_name": "t",
        "update_stream_url": "https://api2-x.transloadit.com/ws1?assembly=1",
    },
    "uploads by tus": {
        "tus_uploads": [
            {"filename": "a.jpg", "fieldname": "f", "user_meta": {"a": "b", "c": 1}, "size": 7,
             "offset": 3, "finished": False, "upload_url": "https://api2-x.transloadit.com/r/1"},
            {"user_meta": None}, None, "text",
        ],
    },
    "errors that were ignored": {
        "num_input_files": 2, "ignored_error_count": 1, "ignored_errors": [{"code": "E"}, "text"],
    },
    "tags of list": {"usage_tags": ["a", "b"]},
    "tags of text": {"usage_tags": "a,b"},
    "how long to wait": {"error": "RATE_LIMIT_REACHED", "info": {"retryIn": 0, "more": 1}},
    "info of text": {"error": "RATE_LIMIT_REACHED", "info": "later"},
    "a Notification": {
        "notify_url": "https://example.com", "notify_response_code": 200, "notify_duration": 0.1,
        "notify_response_data": "<html>", "notify_error": {"code": "ECONNREFUSED"},
    },
    "warnings": {"warnings": [{"level": "notice", "msg": "a"}, {"msg": 1}, None, "text", ["a"]]},
    "how a Step failed": {
        "error": "E", "retries": 3, "numRetries": 3, "step": "a", "previousStep": ":original",
        "worker": "w1", "exitCode": 137, "stdout": "", "stderr": "killed",
    },
    "how a Step failed, in texts": {"error": "E", "retries": "3", "exitCode": "1", "stdout": None},
    "a replay": {
        "ok": "ASSEMBLY_REPLAYING", "success": True, "notify_url": None,
        "parent_id": "7828446e5acd4aa996dce3455ec914e9", "parent_assembly_status": None,
    },
    "a parent's status of object": {"parent_assembly_status": {"ok": "ASSEMBLY_COMPLETED"}},
    "nulls": dict.fromkeys(SCHEMAS["AssemblyStatus"]["properties"]),
    "odd uploads": {"uploads": [None, "text", 7, ["a"], {}]},
    "uploads of another kind": {"uploads": {"a": []}},
    "odd results": {"results": {"a": None, "b": "text", "c": {}, "d": [None, "text", 7, [], {}]}},
    "results of another kind": {"results": []},
    "fields of any JSON": {"fields": {"a": 1, "b": [None], "c": {"d": 1.5}, "": "", "🙂": "é"}},
    "fields of another kind": {"fields": ["a"]},
    "keys of our own classes": {"additional_properties": {"a": 1}, "to_dict": 1, "self": 2},
    "nothing": {},
}  # fmt: skip
STATUSES = PAGES | ODDITIES


def assert_nothing_is_lost(data: dict[str, Any]) -> None:
    before = exactly(data)

    status = AssemblyStatus.from_dict(data)
    later = as_received(json.loads(json.dumps(data)))

    assert repr(as_received(data)) == repr(status)
    assert pickle.dumps(as_received(data)) == pickle.dumps(status)
    assert exactly(as_received(data).to_dict()) == before
    assert (later.done, later.failed, later.files) == (status.done, status.failed, status.files)
    assert later == status
    assert exactly(status.to_dict()) == before
    assert exactly(data) == before, "what was given has changed"
    assert status == AssemblyStatus.from_dict(data)
    for twin in (pickle.loads(pickle.dumps(status)), copy.deepcopy(status), copy.copy(status)):
        assert type(twin) is AssemblyStatus
        assert twin == status
        assert exactly(twin.to_dict()) == before
    assert status.busy is not status.done
    assert status.done or not status.failed
    files = [one for several in status.files.values() for one in several]
    assert all(isinstance(one, models.AssemblyFile) for one in files)


@pytest.mark.parametrize("data", STATUSES.values(), ids=STATUSES)
def test_a_status_comes_back_as_it_came(data: dict[str, Any]) -> None:
    """Through its class and back, pickled, copied; nothing lost and nothing of another type."""
    assert_nothing_is_lost(data)


def test_a_log_line_counts_files_without_reading_them() -> None:
    """Reading 10,000 of them takes longer than parsing their JSON."""
    status = as_received(page("page_cancel"))

    assert repr(status).endswith("uploads=1, results=2)")
    assert status._unread.keys() == {"uploads", "results"}


@pytest.mark.parametrize("data", STATUSES.values(), ids=STATUSES)
def test_another_status_is_another(data: dict[str, Any]) -> None:
    assert AssemblyStatus.from_dict(data) != AssemblyStatus.from_dict({**data, "more": 1})
    assert AssemblyStatus.from_dict(data) != AssemblyStatus.from_dict({**data, "ok": "other"})


def keys_of(*schemas: str) -> st.SearchStrategy[str]:
    """The documented keys, and now and then another."""
    documented = {key for name in schemas for key in SCHEMAS[name].get("properties", {})}
    return st.sampled_from(sorted(documented)) | st.text(max_size=5)


SCALARS = (
    st.sampled_from([None, True, False, 0, 1, 1.0, "", "1.500", "ASSEMBLY_COMPLETED"])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
ANY_KEY = keys_of(*(name for name in SCHEMAS if name.startswith(("Assembly", "Tus"))))
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_KEY, inner, max_size=3),
    max_leaves=4,
)
FILES = st.dictionaries(keys_of("AssemblyFile"), ANY_JSON, max_size=3) | SCALARS
ODD_STATUSES = st.dictionaries(keys_of("AssemblyStatus"), ANY_JSON, max_size=4)
NESTED = {
    "uploads": st.lists(FILES, max_size=2),
    "results": st.dictionaries(st.text(max_size=5), st.lists(FILES, max_size=2), max_size=2),
    "tus_uploads": st.lists(st.dictionaries(ANY_KEY, SCALARS, max_size=2) | SCALARS, max_size=2),
    "warnings": st.lists(st.dictionaries(ANY_KEY, SCALARS, max_size=2) | SCALARS, max_size=2),
}


@many_cases
@given(ODD_STATUSES)
def test_any_json_under_any_key_comes_back_as_it_came(data: dict[str, Any]) -> None:
    assert_nothing_is_lost(data)


@many_cases
@given(st.fixed_dictionaries({}, optional=NESTED))
def test_any_json_in_files_comes_back_as_it_came(data: dict[str, Any]) -> None:
    assert_nothing_is_lost(data)


BUSY, DONE, FAILED = (True, False, False), (False, True, False), (False, True, True)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"ok": "ASSEMBLY_UPLOADING"}, BUSY),
        ({"ok": "ASSEMBLY_EXECUTING"}, BUSY),
        ({"ok": "ASSEMBLY_REPLAYING"}, BUSY),
        ({"ok": "ASSEMBLY_PONDERING"}, BUSY),
        ({"ok": "assembly_completed"}, BUSY),
        ({"ok": ""}, BUSY),
        ({"ok": None}, BUSY),
        ({"ok": True}, BUSY),
        ({"ok": ["ASSEMBLY_COMPLETED"]}, BUSY),
        ({"ok": {"ASSEMBLY_COMPLETED": 1}}, BUSY),
        ({}, BUSY),
        ({"errno": -104, "code": "ECONNRESET", "syscall": "read"}, BUSY),
        ({"ok": "ASSEMBLY_EXECUTING", "error": None}, BUSY),
        ({"ok": "ASSEMBLY_EXECUTING", "error": ""}, BUSY),
        ({"ok": "ASSEMBLY_COMPLETED"}, DONE),
        ({"ok": "ASSEMBLY_CANCELED"}, DONE),
        ({"ok": "REQUEST_ABORTED"}, DONE),
        ({"ok": "ASSEMBLY_COMPLETED", "error": None}, DONE),
        ({"error": "INTERNAL_COMMAND_ERROR"}, FAILED),
        ({"error": "WHAT_IS_NEW_IN_2030"}, FAILED),
        ({"ok": "ASSEMBLY_COMPLETED", "error": "INTERNAL_COMMAND_ERROR"}, FAILED),
        ({"ok": "ASSEMBLY_EXECUTING", "error": "INTERNAL_COMMAND_ERROR"}, FAILED),
        ({"ok": None, "error": {"code": "E"}}, FAILED),
    ],
    ids=exactly,
)
def test_busy_done_failed(data: dict[str, Any], expected: tuple[bool, bool, bool]) -> None:
    """Only what is known to end an Assembly ends it; what nobody knows yet is busy."""
    status = AssemblyStatus.from_dict(data)

    assert (status.busy, status.done, status.failed) == expected


@pytest.mark.parametrize(
    ("results", "names"),
    [
        (None, {}),
        ("text", {}),
        ([], {}),
        (["a"], {}),
        ({}, {}),
        ({"a": None, "b": "text", "c": {"name": "x"}, "d": 7}, {}),
        ({"a": []}, {"a": []}),
        ({"a": [None, "text", 7, [], {"name": "x"}]}, {"a": ["x"]}),
        (
            {"a": [{"name": "x"}, {"name": "y"}], "b": [{"name": "z"}]},
            {"a": ["x", "y"], "b": ["z"]},
        ),
    ],
    ids=exactly,
)
def test_files_by_step(results: Any, names: dict[str, list[str]]) -> None:
    """Those that are files; what else stands there stays in `results`."""
    files = AssemblyStatus.from_dict({"results": results}).files

    assert {step: [one.name for one in several] for step, several in files.items()} == names


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"ok": "ASSEMBLY_COMPLETED"}, "ASSEMBLY_COMPLETED"),
        ({"ok": "ASSEMBLY_COMPLETED", "error": "NO"}, "NO"),
        ({"ok": "ASSEMBLY_COMPLETED", "error": {"code": "NO"}}, "ASSEMBLY_COMPLETED"),
        ({"ok": None}, None),
        ({}, None),
    ],
    ids=exactly,
)
def test_the_code_of_a_status_is_a_text_or_none(data: dict[str, Any], code: str | None) -> None:
    assert code_of(AssemblyStatus.from_dict(data)) == code


def test_no_results_are_no_files() -> None:
    assert AssemblyStatus.from_dict({}).files == {}


def test_the_files_of_the_page() -> None:
    status = AssemblyStatus.from_dict(PAGES["page_cancel"])

    assert list(status.files) == [":original", "faces_detected"]
    (face,) = status.files["faces_detected"]
    assert face.ssl_url == PAGES["page_cancel"]["results"]["faces_detected"][0]["ssl_url"]
    assert face.size == 141822
