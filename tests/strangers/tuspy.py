"""tuspy, which the vendor's Python SDK uploads with."""

import hashlib
import io
from typing import Any

import pytest
import tusclient.client
from tests.standin.caller import Caller
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from transloadit_standin import Answer, Drop

CONTENT = bytes(range(256)) * 4096


def waiting(caller: Caller, number: int = 1) -> dict[str, Any]:
    """The status of an Assembly that waits for so many files."""
    return caller.created(fields={"tus_num_expected_upload_files": str(number)})


def uploader(status: dict[str, Any], **options: Any) -> Any:
    metadata = {
        "assembly_url": status["assembly_ssl_url"],
        "fieldname": "photo",
        "filename": "a.jpg",
    }
    return tusclient.client.TusClient(status["tus_url"]).uploader(
        file_stream=io.BytesIO(CONTENT), metadata=metadata, chunk_size=300_000, **options
    )


def test_it_is_told_of_what_is_refused(caller: Caller) -> None:
    status = waiting(caller)
    caller.send("DELETE", status["assembly_ssl_url"])

    with pytest.raises(TusCommunicationError) as refused:
        uploader(status).upload()
    assert refused.value.status_code == 400


def test_a_checksum_that_is_wrong_is_refused(caller: Caller) -> None:
    upload = uploader(waiting(caller), upload_checksum=True)
    upload._BaseUploader__checksum_algorithm = hashlib.sha256  # named sha1 all the same

    with pytest.raises(TusUploadFailed) as failed:
        upload.upload()
    assert failed.value.status_code == 460


@pytest.mark.parametrize("checksum", [True, False])
def test_it_uploads_in_chunks(caller: Caller, checksum: bool) -> None:
    status = waiting(caller)

    uploader(status, upload_checksum=checksum).upload()
    caller.api.settle()
    done = caller.status(status["assembly_id"])
    assert done["ok"] == "ASSEMBLY_COMPLETED"
    (file,) = done["uploads"]
    assert (file["name"], file["field"], file["size"]) == ("a.jpg", "photo", len(CONTENT))
    assert file["md5hash"] == hashlib.md5(CONTENT).hexdigest()
    patches = [r.body_size for r in caller.api.requests if r.operation == "tusPatch"]
    assert patches == [300_000, 300_000, 300_000, len(CONTENT) - 900_000]


def test_it_tries_again_what_failed(caller: Caller) -> None:
    status = waiting(caller)
    caller.api.faults += [
        Answer(502, operation="tusPatch"),
        Answer(423, operation="tusPatch"),
        Drop(after="work", operation="tusPatch"),
    ]

    uploader(status, retries=5, retry_delay=0).upload()
    (file,) = caller.status(status["assembly_id"])["uploads"]
    assert file["md5hash"] == hashlib.md5(CONTENT).hexdigest()


@pytest.mark.parametrize("byte", [1, 100_000, 299_999])
def test_it_resumes_what_another_began(caller: Caller, byte: int) -> None:
    status = waiting(caller)
    first = uploader(status)
    first.upload_chunk()
    caller.api.drop_next(after="headers", byte=byte, how="reset", operation="tusPatch")
    with pytest.raises(TusUploadFailed):
        first.upload_chunk()

    (begun,) = caller.status(status["assembly_id"])["tus_uploads"]
    second = uploader(status, url=begun["upload_url"])
    assert second.offset == 300_000 + byte
    second.upload()
    done = caller.status(status["assembly_id"])
    assert done["uploads"][0]["md5hash"] == hashlib.md5(CONTENT).hexdigest()
    assert done["started_tus_uploads"] == 1
