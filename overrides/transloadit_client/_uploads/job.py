"""The files of one Assembly by tus: which have arrived, which go on, which begin, and what is left.

Resuming needs the Assembly alone: its status names every upload, and `matching` tells which file
each belongs to.
"""

from collections.abc import Sequence
from functools import partial
from secrets import token_hex

from .._calls.addresses import Home, assembly_id, trusted_url
from .._calls.answers import Answer
from .._calls.call import NOT_THERE, Call, NotThere
from .._calls.numbers import whole_number
from .._calls.operations import Assembly, reading
from .._calls.sources import Source, StreamSource, known_size
from .._errors import (
    ApiError,
    InvalidInput,
    NoAnswer,
    Phase,
    TransloaditError,
    UploadIncomplete,
)
from .._flow import Flow
from .._progress import OnProgress, Progress
from .._retry.reports import again
from .._status import AssemblyStatus, code_of
from . import tus
from .matching import FINGERPRINT, STREAM, ExistingUpload, assigned, uploads_of

# Other clients of tus begin anew at the same two codes.
_FORGOTTEN = (404, 410)  # a server of tus tidies up uploads that rested for long

STREAM_BUFFER = 4 * 1024 * 1024
"""Bytes that all streams together keep at most, so that what was lost can be sent again."""


class Uploads:
    """The upload of some files into one Assembly: `begin`, then all of `works`, then `end`."""

    def __init__(
        self,
        assembly: Assembly,
        files: Sequence[Source],
        home: Home,
        *,
        chunk_size: int,
        parallel: int,
        on_progress: OnProgress | None,
        hosts: dict[str, tuple[bool, bool]],
    ) -> None:
        whole_number("chunk_size", chunk_size, "bytes", least=1)
        whole_number("parallel", parallel, "files", least=1)
        self._assembly, self._files, self._home = assembly, files, home
        self._chunk_size, self._on_progress = chunk_size, on_progress
        streams = sum(isinstance(file, StreamSource) for file in files)
        # Streams cannot be read twice, so what was not acknowledged has to be kept in memory.
        self._kept = min(chunk_size, STREAM_BUFFER // max(1, min(parallel, streams)))
        self._hosts = hosts
        self._sent = [0] * len(files)
        self._known: set[int] = set()
        self._arrived: set[int] = set()
        self._urls: dict[int, str] = {}
        self._unreadable: dict[int, InvalidInput] = {}
        self._reported: Progress | None = None
        self.status = AssemblyStatus()

    def begin(self) -> "Flow[list[Flow[None]]]":
        """Reads how things stand; gives the work for each file that has not arrived.

        Raises:
            FileChanged: a file is not the one whose upload began.
            InvalidInput: the files are not as many as the Assembly awaits.
            UploadIncomplete: the Assembly has ended, and takes no more files.
        """
        self.status = yield reading(self._assembly, self._home)
        known = uploads_of(self.status)
        names = {upload.called for upload in known}
        fingerprints: list[str | None] = []
        for number, file in enumerate(self._files):
            # Only files whose upload may have begun are read for a fingerprint: it costs two seeks
            # on a disk, or a request for a file on a network.
            begun = (file.field, file.name) in names
            try:
                fingerprints.append((yield from tus.fingerprint(file)) if begun else None)
            except InvalidInput as error:  # of this file alone: the others are resumed
                self._unreadable[number] = error
                fingerprints.append(None)
            file.close()
        taken, strange = assigned(self._files, fingerprints, known)
        # The API drops files beyond the declared number silently, and waits for ever for missing
        # ones.
        self._check_number(strange)
        left: list[tuple[int, ExistingUpload | None]] = []
        for number, upload in enumerate(taken):
            if upload is not None and upload.finished:
                self._sent[number] = self._files[number].size or 0
                self._arrived.add(number)
            else:
                left.append((number, upload))
        if not left:
            return []
        self._check_awaited()
        # Once a host and not once a file: no other client asks at all, and the answer seldom
        # changes.
        server = yield from tus.asked(self._server(), self._hosts)
        self.report()  # so that a retry, which knows no Assembly, is not the first to be reported
        return [self._one(number, upload, server) for number, upload in left]

    def end(self, outcomes: Sequence[TransloaditError | None]) -> Flow[AssemblyStatus]:
        """Reads the status once more, and sees that it agrees.

        Raises:
            UploadIncomplete: not all files have arrived.
        """
        errors = [error for error in outcomes if error is not None]
        if errors:
            yield from self._read_again()
            raise self._incomplete(f"{errors[0]}", errors[0]) from errors[0]
        if outcomes:
            self.status = yield reading(self._assembly, self._home)
            # An acknowledgement may have been that of another request; the Assembly's own word
            # counts.
            if (yield from self._resend_missing()):
                self.status = yield reading(self._assembly, self._home)
        self.report()
        return self.status

    def _read_again(self) -> Flow[None]:
        """Whether the Assembly has ended meanwhile: files that it does not want need no advice."""
        try:
            self.status = yield reading(self._assembly, self._home)
        except (ApiError, NoAnswer) as error:
            self.status = error.status or self.status  # an Assembly that failed may be HTTP 400

    def _resend_missing(self) -> Flow[bool]:
        """Sends again what the server acknowledged but the Assembly lacks; whether there was any.

        HTTP tells answers apart by their order alone. One that comes twice is taken for that of the
        next request; so what the Assembly still awaits is asked for on connections of its own.
        """
        # As texts, since anything may stand in the place of a URL.
        is_finished = {str(upload.url): upload.finished for upload in uploads_of(self.status)}
        awaits = self.status.ok == "ASSEMBLY_UPLOADING"
        # Once it has gone on, only what it names as unfinished is missing for certain.
        doubtful = [
            number for number, url in self._urls.items() if not is_finished.get(url, not awaits)
        ]
        if not doubtful:
            return False
        for number in doubtful:
            self._arrived.discard(number)
        if not awaits:
            raise self._incomplete(
                f"{self._name()} went on without them, perhaps because another file came twice."
                " Create a new Assembly with all of the files."
            )
        server = self._server()
        for number in doubtful:
            try:
                yield from self._sent_to(number, server, {}, self._urls[number])
            except TransloaditError as error:
                raise self._incomplete(f"{error}", error) from error
        return True

    def report(self) -> None:
        """Tells how far it has come, if that has changed."""
        if self._on_progress is None:
            return
        all_arrived = len(self._arrived) == len(self._files)
        progress = Progress(
            assembly_id=str(self.status.assembly_id),
            phase="uploading",
            bytes_sent=sum(self._sent),
            bytes_to_send=sum(self._sent) if all_arrived else known_size(self._files),
            files_sent=len(self._arrived),
            files_to_send=len(self._files),
            status=self.status,
        )
        if progress != self._reported:
            self._reported = progress
            self._on_progress(progress)

    def _one(self, number: int, upload: ExistingUpload | None, server: tus.Server) -> Flow[None]:
        """One file: what is missing of its upload, or all of it."""
        if number in self._unreadable:
            raise self._unreadable[number]
        file = self._files[number]
        try:
            if upload is None:
                yield from self._begun(number, server)
            else:
                self._known.add(number)
                yield from self._sent_to(number, server, {}, self._url(upload))
        except ApiError as error:
            forgotten = error.http_status in _FORGOTTEN and number in self._known
            if not forgotten or file.why_not_again():  # as a stream that has been read
                raise
            yield again(f"upload {file.name!r}", error, "begin it anew")
            yield from self._begun(number, server)

    def _begun(self, number: int, server: tus.Server) -> Flow[None]:
        """Begins an upload, and sends all of it."""
        file = self._files[number]
        try:
            yield from tus.load(file, 0, self._chunk_of(file))  # a small file is read but once
            # Written into the metadata, where another process finds it without a file of its own.
            fingerprint = yield from tus.fingerprint(file)
            filetype = {} if file.content_type is None else {"filetype": file.content_type}
            metadata = {
                **file.metadata,
                **filetype,
                "assembly_url": str(self.status.assembly_ssl_url),
                "fieldname": file.field,
                "filename": file.name,
                FINGERPRINT: f"{fingerprint or STREAM}-{token_hex(8)}",
            }
            yield from self._sent_to(number, server, metadata)
        finally:
            file.close()

    def _sent_to(
        self, number: int, server: tus.Server, metadata: dict[str, str], url: str | None = None
    ) -> Flow[None]:
        file = self._files[number]
        try:
            self._urls[number] = yield from tus.uploaded(
                file,
                server,
                metadata,
                chunk_size=self._chunk_of(file),
                sent=partial(self._has, number),
                url=url,
                find=partial(self._find, metadata.get(FINGERPRINT, "")),
            )
            self._arrived.add(number)
        finally:
            file.close()

    def _has(self, number: int, offset: int) -> None:
        """The server has an upload, and so many bytes of it."""
        self._known.add(number)
        self._sent[number] = offset

    def _chunk_of(self, file: Source) -> int:
        return self._kept if isinstance(file, StreamSource) else self._chunk_size

    def _find(self, tag: str) -> Call[tus.UploadState | NotThere]:
        """Looks in the Assembly's status for an upload whose creation was not answered."""
        call = reading(self._assembly, self._home)

        def read(answer: Answer) -> tus.UploadState | NotThere:
            for upload in uploads_of(call.read(answer)):
                if upload.tag == tag:
                    return tus.UploadState(self._url(upload), upload.offset, upload.size)
            return NOT_THERE

        return Call(call.title, call.guard, call.prepare, read)

    def _url(self, upload: ExistingUpload) -> str:
        return trusted_url(upload.url, self._home, "an upload's URL")

    def _server(self) -> tus.Server:
        if not isinstance(self.status.tus_url, str):
            raise InvalidInput(
                f"{self._name()} takes no uploads: create it with num_expected_upload_files, and"
                " without quiet; nothing was sent"
            )
        return tus.Server(trusted_url(self.status.tus_url, self._home, "tus_url"), self._home)

    def _check_number(self, others: Sequence[ExistingUpload]) -> None:
        """Whether all files that the Assembly awaits are at hand, or there; and no more."""
        for upload in others:
            if not upload.finished:
                raise InvalidInput(
                    f"{self._name()} awaits the rest of {upload.name!r}, which is not among the"
                    " files; nothing was sent"
                )
        expected, number = self.status.expected_tus_uploads, len(self._files) + len(others)
        if isinstance(expected, int) and expected != number:
            raise InvalidInput(
                f"{self._name()} was created for {expected} uploads, and these would make {number}:"
                f" create it with num_expected_upload_files={number}; nothing was sent"
            )

    def _check_awaited(self) -> None:
        """Whether the Assembly still takes files."""
        if self.status.done or self.status.ok == "ASSEMBLY_EXECUTING":
            state = self.status.error or self.status.ok
            raise self._incomplete(f"{self._name()} takes no more files, being at {state}.")

    def _incomplete(self, why: str, cause: TransloaditError | None = None) -> UploadIncomplete:
        names = [file.name for file in self._files]
        missing = [name for number, name in enumerate(names) if number not in self._arrived]
        some = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        ended = self.status.done or self.status.ok == "ASSEMBLY_EXECUTING"
        state = self.status.error or self.status.ok
        if ended and cause:
            why = f"the Assembly takes no more files, being at {state}. {why}"
        elif cause and _may_pass(cause):
            streams = any(
                isinstance(file, StreamSource) and number not in self._arrived
                for number, file in enumerate(self._files)
            )
            why += (
                " A stream cannot be resumed: send it to a new Assembly."
                if streams
                else " Upload the same files to the same Assembly again: it is resumed."
            )
        error = UploadIncomplete(
            f"{len(missing)} of {len(names)} files did not arrive ({some}): {why}"
        )
        error.status, error.code = self.status, code_of(self.status)
        error.assembly_id = assembly_id(self.status)
        error.assembly_url = str(self.status.assembly_ssl_url)
        error.finished = tuple(name for n, name in enumerate(names) if n in self._arrived)
        error.missing = tuple(missing)
        error.attempts = cause.attempts if cause else ()
        return error

    def _name(self) -> str:
        return f"Assembly {assembly_id(self.status)}"


def _may_pass(cause: TransloaditError) -> bool:
    """Whether the same upload may succeed later: it was not refused, nor broke a file."""
    if isinstance(cause, InvalidInput):
        return False
    if isinstance(cause, ApiError) and cause.http_status in _FORGOTTEN:
        return True  # the next call begins it anew
    return not cause.attempts or cause.attempts[-1].phase != Phase.REFUSED.value
