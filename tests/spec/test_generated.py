"""The generated classes take any answer, and give it back as it was."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from transloadit_api.models import (
    AssemblyError,
    AssemblyFile,
    AssemblyStatus,
    ReplayAssemblyNotificationResult,
    ReplayAssemblyResult,
)

TESTS = Path(__file__).parents[1]
SCHEMAS = yaml.safe_load((TESTS.parent / "openapi/transloadit.yaml").read_text("utf-8"))[
    "components"
]["schemas"]
CLASSES: list[Any] = [
    AssemblyStatus,
    AssemblyFile,
    AssemblyError,
    ReplayAssemblyResult,
    ReplayAssemblyNotificationResult,
]
PAGES = sorted((TESTS / "data").glob("page_*.json"))
FILE = {"id": "1", "meta": {"width": 600}}
OUT_OF_PLACE: list[Any] = [
    None, True, 0, -1.5, 10**30, "", "text", [], {},
    [None], ["text"], [1], [[1]], [[[]]], [{}], [{"unknown": None}],
    {"a": None}, {"a": "text"}, {"a": {"b": 1}}, {"a": ["x", None, FILE]}, {"a": [[FILE]]},
    [FILE, None, "text"], [{"meta": []}], [{"meta": "text"}], [{"user_meta": [1]}],
    [{"original_id": ["a", None]}], [{"level": {}, "msg": 1}], {"retryIn": []},
]  # fmt: skip


def survives(class_: Any, answer: dict[str, Any]) -> None:
    """Parsed and written again, it is what it was; as a text, where 1 and true are not equal."""
    before = json.dumps(answer, sort_keys=True)
    after = class_.from_dict(answer).to_dict()

    assert json.dumps(after, sort_keys=True) == before
    assert json.dumps(answer, sort_keys=True) == before, "the caller's own was changed"


@pytest.mark.parametrize("class_", CLASSES)
def test_no_value_at_any_documented_key_is_refused_or_lost(class_: Any) -> None:
    keys = SCHEMAS[class_.__name__]["properties"]

    for key in [*keys, "unknown", "additional_properties", "self"]:
        for value in OUT_OF_PLACE:
            survives(class_, {key: value})


@pytest.mark.parametrize(
    "oddity",
    [
        {"errno": -104, "code": "ECONNRESET", "syscall": "read"},
        {"ok": "ASSEMBLY_COMPLETED", "error": "IMPORT_ERROR"},
        {"uploads": [{"original_id": ["a", None]}]},
        {"uploads": [{"meta": {"aspect_ratio": "1.500"}}, {"meta": {"aspect_ratio": 1.5}}]},
        {"uploads": [{"execTime": 0.1, "queueTime": 1}, {"exec_time": 0.1, "queue_time": 1}]},
        {"uploads": [{"as": None}, {"as": "tree"}, {"thumb_offset": "3"}, {"thumb_offset": 3}]},
        {"uploads": [{"meta": {"title": ["a"], "year": "2020", "keywords": 7}}]},
        {"start_date": "2020/01/09 12:02:08 GMT"},
        {"start_date": "2020-01-09T12:02:08.000Z"},
        {"bytes_expected": None},
        {"bytes_expected": ""},
        {"cmd": "convert"},
        {"cmd": ["convert", "a.jpg"]},
        {"reason": {"any": ["JSON"]}},
        {"params": '{"auth":{"key":"****"}}'},
    ],
    ids=str,
)
def test_what_was_recorded_of_the_service_survives(oddity: dict[str, Any]) -> None:
    survives(AssemblyStatus, oddity)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_pages_own_examples_survive(page: Path) -> None:
    survives(AssemblyStatus, json.loads(page.read_text(encoding="utf-8"))["status"])


def test_uploads_and_results_are_files_where_they_are_objects() -> None:
    status = AssemblyStatus.from_dict({"uploads": [None, FILE], "results": {"a": [FILE, "text"]}})

    assert isinstance(status.uploads, list)
    upload = status.uploads[1]
    assert status.uploads[0] is None
    assert isinstance(upload, AssemblyFile)
    assert upload.id == "1"


known = st.sampled_from(sorted({key for c in CLASSES for key in SCHEMAS[c.__name__]["properties"]}))
values = st.recursive(
    st.sampled_from([None, True, 0, 1.5, 10**30, "", "text"]) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(known, inner, max_size=3),
    max_leaves=6,
)


@settings(
    max_examples=500, deadline=None
)  # tests/rules/test_status.py tries 10,000 on the class people get
@given(status=st.dictionaries(known | st.text(max_size=4), values, max_size=5))
def test_statuses_nobody_thought_of_survive(status: dict[str, Any]) -> None:
    survives(AssemblyStatus, status)
