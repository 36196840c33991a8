"""What openapi-python-client 0.29.1 sends without our seam: why the other tests here can fail.

When one of these fails, the generator has mended its ways: then the seam can do less.
"""

from io import BytesIO

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.client import Client
from transloadit_api.models import CreateAssemblyForm
from transloadit_api.types import File

from .parsers import Node, python_multipart, werkzeug
from .tap import Received, Tap
from .test_hostile_files import EVIL, forged


def sent_by_the_generator_alone(tap: Tap, file: File) -> Received:
    form = CreateAssemblyForm(params='{"auth":{"key":"mine"}}', signature="sha384:…", files=[file])
    form.additional_properties = {"field": "value"}
    with Client(base_url=tap.url) as client:
        create_assembly.sync_detailed(client=client, body=form)
    return tap.only()


def test_a_file_forges_a_field(tap: Tap) -> None:
    """The boundary is the constant `+++`."""
    file = File(BytesIO(forged(b"+++")), "cat.jpg", "image/jpeg")

    received = sent_by_the_generator_alone(tap, file)

    for parse in (python_multipart, werkzeug):
        parts = parse(received.content_type, received.body)
        params = [part.content for part in parts if part.name == "params"]
        assert params == [b'{"auth":{"key":"mine"}}', EVIL]
        assert b"a picture" in [part.content for part in parts]


def test_a_file_forges_a_field_in_node_as_well(tap: Tap, node: Node) -> None:
    file = File(BytesIO(forged(b"+++")), "cat.jpg", "image/jpeg")

    received = sent_by_the_generator_alone(tap, file)

    for parse in (node.formidable, node.busboy):
        parts = parse(received.content_type, received.body)
        assert [part.content for part in parts if part.name == "params"][1:] == [EVIL]


def test_text_parts_are_files_to_formidable(tap: Tap, node: Node) -> None:
    """They have a content type, `text/plain`."""
    file = File(BytesIO(b"content"), "cat.jpg", "image/jpeg")

    received = sent_by_the_generator_alone(tap, file)

    parts = node.formidable(received.content_type, received.body)
    assert all(part.file_name is not None for part in parts)


def test_a_file_without_a_name_is_a_field(tap: Tap) -> None:
    received = sent_by_the_generator_alone(tap, File(BytesIO(b"content")))

    for parse in (python_multipart, werkzeug):
        parts = parse(received.content_type, received.body)
        assert all(part.file_name is None for part in parts)


def test_files_stand_before_further_fields(tap: Tap) -> None:
    file = File(BytesIO(b"content"), "cat.jpg", "image/jpeg")

    received = sent_by_the_generator_alone(tap, file)

    parts = python_multipart(received.content_type, received.body)
    assert [part.name for part in parts] == ["params", "signature", "files", "field"]
