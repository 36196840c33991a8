"""Which upload of an Assembly is whose, whatever its status holds."""

from io import BytesIO
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import AssemblyStatus, FileChanged, Stream
from transloadit_client._calls.sources import FileSource, Source, StreamSource
from transloadit_client._uploads.matching import ExistingUpload, assigned, uploads_of


def file(name: str = "a", size: int = 3, field: str = "f") -> Source:
    return FileSource(field, name, BytesIO(bytes(size)))


def stream(name: str = "a", size: int | None = None) -> Source:
    return StreamSource("f", name, Stream([], size))


def begun(name: str = "a", size: int | None = 3, mark: str | None = None) -> ExistingUpload:
    return ExistingUpload("f", name, size, mark, 0, finished=False, url=f"{name}{size}{mark}")


def status(*uploads: Any) -> AssemblyStatus:
    return AssemblyStatus.from_dict({"tus_uploads": list(uploads)})


def told(mark: str | None, **more: Any) -> dict[str, Any]:
    upload = {"filename": "a", "fieldname": "f", "size": 3, "offset": 0, "finished": False}
    return {**upload, "user_meta": {"fingerprint": mark}, "upload_url": "u", **more}


@pytest.mark.parametrize(
    "upload",
    [
        begun(mark="other-1"),  # of the same size, with other bytes
        begun(size=4),  # of another size
        begun(size=None, mark="other-1"),  # of a length that was never told
        begun(size=None),  # likewise, and begun by others
    ],
)
def test_a_file_that_is_not_the_one_whose_upload_began_is_refused(upload: ExistingUpload) -> None:
    with pytest.raises(FileChanged, match="'a' is not the file whose upload began"):
        assigned([file()], ["mine"], [upload])


def test_an_upload_that_others_made_goes_by_its_order() -> None:
    one, two = begun(), begun()

    mine, others = assigned([file(), file()], ["x", "y"], [one, two])

    assert mine[0] is one
    assert mine[1] is two
    assert not others


def test_a_fingerprint_goes_before_the_order() -> None:
    strange, ours = begun(), begun(mark="mine-1")

    mine, others = assigned([file(), file()], ["other", "mine"], [strange, ours])

    assert mine == [strange, ours]
    assert not others


@pytest.mark.parametrize("upload", [begun("b"), begun("a2"), begun("")])
def test_an_upload_of_another_name_is_another_file_s(upload: ExistingUpload) -> None:
    assert assigned([file()], ["x"], [upload]) == ([None], [upload])


def test_field_and_name_have_to_agree() -> None:
    upload = begun()

    assert assigned([file(field="g")], ["x"], [upload]) == ([None], [upload])


@pytest.mark.parametrize(
    ("given", "has", "fits"),
    [(None, None, True), (None, 3, True), (3, None, True), (3, 3, True), (3, 4, False)],
)
def test_a_stream_has_the_upload_of_its_name(
    given: int | None, has: int | None, *, fits: bool
) -> None:
    upload = begun(size=has, mark="stream-1")

    if fits:
        assert assigned([stream(size=given)], [None], [upload]) == ([upload], [])
    else:
        with pytest.raises(FileChanged):
            assigned([stream(size=given)], [None], [upload])


def test_an_upload_that_was_begun_twice_is_one() -> None:
    """Its answer was lost, and nothing was seen of it yet: the further one counts."""
    twice = status(told("m-1", offset=0), told("m-1", offset=2), told("m-1", offset=1))

    (upload,) = uploads_of(twice)

    assert upload.offset == 2


def test_an_upload_that_was_begun_anew_by_a_later_call_is_left_alone() -> None:
    """Its creation was given up here, and carried out there after nobody looked any more."""
    late, ours = begun(mark="mine-1"), evolve(begun(mark="mine-2"), offset=2)

    mine, others = assigned([file()], ["mine"], [late, ours])

    assert mine == [ours]
    assert others == []


def test_an_upload_that_was_begun_anew_is_no_other_file_of_its_name() -> None:
    """Two files of one name and size: a late creation of the first must not bar the second."""
    late, arrived = begun(mark="first-1"), evolve(begun(mark="first-2"), finished=True, offset=3)

    mine, others = assigned([file(), file()], ["first", "second"], [late, arrived])

    assert mine == [arrived, None]
    assert not others


def test_of_two_begun_uploads_the_finished_one_is_the_files() -> None:
    late, ours = begun(mark="mine-1"), evolve(begun(mark="mine-2"), offset=3, finished=True)

    assert assigned([file()], ["mine"], [late, ours]) == ([ours], [])
    assert assigned([file()], ["mine"], [ours, late]) == ([ours], [])


@pytest.mark.parametrize(
    "other",
    [
        evolve(begun(mark="mine-2"), name="b"),
        evolve(begun(mark="mine-2"), field="g"),
        evolve(begun(mark="mine-2"), name="b", size=4),
    ],
)
def test_an_upload_of_the_same_bytes_under_another_name_is_another_file_s(
    other: ExistingUpload,
) -> None:
    ours = begun(mark="mine-1")

    assert assigned([file()], ["mine"], [ours, other]) == ([ours], [other])


def test_of_several_streams_each_has_an_upload_of_its_own() -> None:
    first, second = begun(mark="stream-1"), begun(mark="stream-2")

    assert assigned([stream(), stream()], [None, None], [first, second]) == ([first, second], [])


def test_what_another_process_began_of_other_bytes_is_not_left_alone() -> None:
    ours, other = begun(mark="mine-1"), begun(mark="other-1")

    assert assigned([file()], ["mine"], [ours, other]) == ([ours], [other])


def test_equal_files_that_arrived_count_one_by_one() -> None:
    """Also where fewer are handed over again: the Assembly was created for all of them."""
    arrived = [evolve(begun(mark=f"mine-{n}"), offset=3, finished=True) for n in range(2)]

    assert assigned([file()], ["mine"], arrived) == ([arrived[0]], [arrived[1]])


@pytest.mark.parametrize("turn", [1, -1])
def test_of_an_upload_that_was_begun_twice_the_finished_one_counts(turn: int) -> None:
    twice = [told("m-1", offset=3), told("m-1", offset=1, finished=True)]

    (upload,) = uploads_of(status(*twice[::turn]))

    assert (upload.finished, upload.offset) == (True, 1)


def test_an_upload_is_as_the_status_tells_it() -> None:
    (upload,) = uploads_of(status(told("m-1", offset=2)))

    assert upload == ExistingUpload("f", "a", 3, "m-1", 2, finished=False, url="u")
    assert (upload.called, upload.fingerprint) == (("f", "a"), "m")


@pytest.mark.parametrize(
    ("strange", "attribute", "value"),
    [
        ({"size": "3"}, "size", None),
        ({"size": None}, "size", None),
        ({"offset": "2"}, "offset", 0),
        ({"offset": None}, "offset", 0),
        ({"finished": True}, "finished", True),
        ({"finished": "true"}, "finished", False),
        ({"finished": 1}, "finished", False),
        ({"user_meta": None}, "tag", None),
        ({"user_meta": {}}, "tag", None),
        ({"user_meta": "m-1"}, "tag", None),
        ({"user_meta": {"fingerprint": 7}}, "tag", None),
        ({"user_meta": {"fingerprint": ""}}, "tag", None),
    ],
)
def test_what_is_of_another_type_in_a_status_is_not_known(
    strange: dict[str, Any], attribute: str, value: object
) -> None:
    (upload,) = uploads_of(status(told("m-1", **strange)))

    assert repr(getattr(upload, attribute)) == repr(value)  # True is no 1


@pytest.mark.parametrize("uploads", [None, 7, "text", {"0": {}}, [None, 7, "text"]])
def test_a_status_whose_uploads_are_none_has_none(uploads: Any) -> None:
    assert uploads_of(AssemblyStatus.from_dict({"tus_uploads": uploads})) == []


def test_equal_files_that_others_uploaded_are_several() -> None:
    assert len(uploads_of(status(told(None), told(None), told("")))) == 3


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
keys = ["filename", "fieldname", "size", "offset", "finished", "user_meta", "upload_url"]


@given(
    uploads=json
    | st.lists(json | st.dictionaries(st.sampled_from(keys), json), max_size=4)
    | st.lists(st.builds(lambda meta: told(None, user_meta=meta), json), max_size=2)
)
def test_whatever_a_status_holds_is_no_reason_to_fail(uploads: Any) -> None:
    found = uploads_of(AssemblyStatus.from_dict({"tus_uploads": uploads}))

    try:
        mine, others = assigned([file(), stream("b")], ["x", None], found)
    except FileChanged:
        return
    assert len([one for one in mine if one]) + len(others) == len(found)
