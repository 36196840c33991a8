"""Which upload of an Assembly is whose: what its status tells, matched with the files. Pure.

An upload belongs to a file of the same field, name and size. Several of those are told apart by the
fingerprint that we wrote into each upload's metadata; uploads that others made go by their order.
"""

from collections.abc import Sequence

from attrs import frozen

from transloadit_api import models

from .._calls.sources import Source, StreamSource
from .._errors import FileChanged
from .._status import AssemblyStatus

FINGERPRINT = "fingerprint"
"""Our key in an upload's metadata, and in its `user_meta` later."""

STREAM = "stream"
"""What stands there in place of a fingerprint for what can be read once."""


@frozen
class ExistingUpload:
    """An upload as the Assembly's status tells it; any of it may be of any type.

    Attributes:
        tag: what we wrote into its metadata: its file's fingerprint, and what no other has.
    """

    field: object
    name: object
    size: int | None
    tag: str | None
    offset: int
    finished: bool
    url: object

    @property
    def called(self) -> tuple[str, str]:
        """Its field and name, as texts: anything may stand there, and files have texts alone."""
        return str(self.field), str(self.name)

    @property
    def fingerprint(self) -> str | None:
        """The file's; None if somebody else began the upload."""
        return self.tag.partition("-")[0] if self.tag else None


def uploads_of(status: AssemblyStatus) -> list[ExistingUpload]:
    """All uploads that a status tells of; one that was begun twice, its answer lost, is one."""
    tus_uploads = status.tus_uploads
    begun: dict[object, ExistingUpload] = {}
    for number, upload in enumerate(tus_uploads if isinstance(tus_uploads, list) else ()):
        if isinstance(upload, models.TusUpload):
            one = _begun(upload)
            key = one.tag or number
            begun[key] = max(begun.get(key, one), one, key=lambda it: (it.finished, it.offset))
    return list(begun.values())


def assigned(
    files: Sequence[Source], fingerprints: Sequence[str | None], uploads: Sequence[ExistingUpload]
) -> tuple[list[ExistingUpload | None], list[ExistingUpload]]:
    """Each file's upload, None if it has none; and the uploads that belong to none of the files.

    An upload that is a file's, but was begun anew because nobody knew of the first, is left out: so
    ends a creation that was given up here and carried out there after all.

    Args:
        files: the files at hand.
        fingerprints: of each; None for a stream.
        uploads: those begun already.

    Raises:
        FileChanged: a file is not the one whose upload began.
    """
    mine: list[ExistingUpload | None] = [None] * len(files)
    left: dict[tuple[str, str], list[ExistingUpload]] = {}
    # Of several of one file, that which has come furthest.
    for upload in sorted(uploads, key=lambda one: (not one.finished, -one.offset)):
        left.setdefault(upload.called, []).append(upload)
    for fits in (_by_fingerprint, _by_order):
        for number, (file, fingerprint) in enumerate(zip(files, fingerprints, strict=True)):
            others = left.get((file.field, file.name), [])
            found = next((one for one in others if fits(one, file, fingerprint)), None)
            if mine[number] is None and found is not None:
                mine[number] = found
                others.remove(found)
    rest = [one for others in left.values() for one in others if not _begun_anew(one, mine)]
    for file, taken in zip(files, mine, strict=True):
        if taken is None and any(_of_that_name(one, file) for one in rest):
            raise FileChanged(f"{file.name!r} is not the file whose upload began")
    return mine, rest


def _begun_anew(upload: ExistingUpload, mine: Sequence[ExistingUpload | None]) -> bool:
    """Whether one of mine is of the very same file. (One that has arrived counts by itself.)"""
    fingerprint = None if upload.finished else upload.fingerprint
    return fingerprint not in (None, STREAM) and any(
        one is not None
        and (one.field, one.name, one.size) == (upload.field, upload.name, upload.size)
        and one.fingerprint == fingerprint
        for one in mine
    )


def _by_fingerprint(upload: ExistingUpload, file: Source, fingerprint: str | None) -> bool:
    return fingerprint is not None and fingerprint == upload.fingerprint and _alike(upload, file)


def _by_order(upload: ExistingUpload, file: Source, fingerprint: str | None) -> bool:
    ours = upload.fingerprint not in (None, STREAM)
    return (fingerprint is None or not ours) and _alike(upload, file)


def _alike(upload: ExistingUpload, file: Source) -> bool:
    """Whether field, name and size agree; a stream's size may be unknown on either side."""
    sizes = {upload.size, file.size}
    vague = isinstance(file, StreamSource) and None in sizes
    return _of_that_name(upload, file) and (vague or len(sizes) == 1)


def _of_that_name(upload: ExistingUpload, file: Source) -> bool:
    return (upload.field, upload.name) == (file.field, file.name)


def _begun(upload: models.TusUpload) -> ExistingUpload:
    size = upload.size if isinstance(upload.size, int) else None
    offset = upload.offset if isinstance(upload.offset, int) else 0
    meta = upload.user_meta
    told = meta.additional_properties if isinstance(meta, models.TusUploadUserMeta) else {}
    tag = told.get(FINGERPRINT)
    return ExistingUpload(
        upload.fieldname,
        upload.filename,
        size,
        tag if isinstance(tag, str) and tag else None,
        offset,
        upload.finished is True,
        upload.upload_url,
    )
