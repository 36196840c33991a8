"""Creating an Assembly while its form still arrives.

`params` and `signature` are checked as soon as a file begins, if they came first; a refusal is
answered then and there, and the rest of the upload is read and thrown away. If they come last, the
files are taken in first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from .._codes import CODES, Refusal
from .._network.exchange import ClientGone, Exchange, json_response
from .._service.files import AssemblyFile
from .._service.robots import check_steps
from .._service.templates import find_template, merge_params
from .forms import FormReader
from .requests import (
    bearer_token,
    check_auth_limits,
    checked_id,
    describe,
    identify,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from .._service.assembly import Assembly
    from .._service.service import Service
    from .._storage import StoredFile


class _Canceled(Exception):
    """The Assembly was canceled while its upload still ran."""


async def create_assembly(service: Service, exchange: Exchange) -> Response:
    """`createAssembly` and `createAssemblyWithId`."""
    return await Creation(service, exchange).answer()


class Creation:
    """One create request."""

    def __init__(self, service: Service, exchange: Exchange) -> None:
        self._service = service
        self._exchange = exchange
        self._assembly: Assembly | None = None
        self._id = checked_id(exchange) if "assembly_id" in exchange.arguments else None
        self._reader = FormReader(
            service.folder, typed_text=service.settings.typed_text, watch=self._file_grew
        )
        self._form = self._reader.form

    async def answer(self) -> Response:
        """Take the form in, and answer with the Assembly's status."""
        received = self._exchange.received
        received.names, received.files = self._form.names, self._form.files
        try:
            await self._receive()
        except ClientGone:
            if self._assembly is not None:
                self._service.conclude(self._assembly, "REQUEST_ABORTED")
            raise
        finally:
            received.fields = self._form.fields()
        assembly = self._assembly
        assert assembly is not None  # noqa: S101 - _receive() has opened it or raised
        response = self._status(assembly)
        if assembly.merged.get("blocking") is True and assembly.all_arrived:
            await self._service.ended(assembly)
            response = self._status(assembly)
        return _redirected(response, assembly)

    async def _receive(self) -> None:
        try:
            await self._reader.read(
                self._exchange.header("content-type") or "", self._uncanceled_chunks()
            )
            for name in ("params", "signature"):
                self._form.raw(name)  # refuses a field that came again, behind the files
            expected = expected_uploads(self._form.fields())
            assembly = self._assembly or self._open()
            for file in self._form.files:
                self._check_limits(assembly, file)
            if not assembly.done:
                self._complete(assembly, expected)
        except _Canceled:
            pass
        except Refusal as refusal:
            if self._assembly is None:
                raise
            self._service.conclude(self._assembly, refusal.code, reason=refusal.reason)

    async def _uncanceled_chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._exchange.chunks():
            if self._assembly is not None:
                self._assembly.request["bytes_received"] = self._exchange.received.body_size
                if self._assembly.done:
                    raise _Canceled
            yield chunk

    def _file_grew(self, file: StoredFile) -> None:
        if self._assembly is None and self._may_open():
            self._open()
        if self._assembly is not None:
            self._check_limits(self._assembly, file)

    def _may_open(self) -> bool:
        names = self._form.names
        return "params" in names and (
            "signature" in names or bearer_token(self._exchange) is not None
        )

    def _open(self) -> Assembly:
        service, exchange = self._service, self._exchange
        service.meter.check_create(service.now())
        key, params = identify(
            service,
            exchange,
            self._form.raw("params"),
            self._form.text("signature"),
            scope="assemblies:write",
            must_sign=False,
        )
        template = find_template(service.templates, params.get("template_id"))
        merged = merge_params(template, params)
        check_steps(merged["steps"], strict=service.settings.strict)
        check_auth_limits(merged)
        if service.id_taken(self._id):
            raise Refusal("DO_NOT_REUSE_ASSEMBLY_IDS")
        self._assembly = service.new_assembly(
            assembly_id=self._id,
            key=key,
            params=params,
            merged=merged,
            template=template,
            request=describe(exchange),
        )
        service.admit(self._assembly, exchange.received)
        return self._assembly

    def _check_limits(self, assembly: Assembly, file: StoredFile) -> None:
        auth = assembly.merged.get("auth") or {}
        max_size, max_files = auth.get("max_size"), auth.get("max_number_of_files")
        if max_size is not None and file.size > max_size:
            raise Refusal("MAX_SIZE_EXCEEDED", f"{file.name!r} exceeds {max_size} bytes")
        if max_files is not None and len(self._form.files) > max_files:
            raise Refusal("MAX_NUMBER_OF_FILES_EXCEEDED", f"at most {max_files}")

    def _complete(self, assembly: Assembly, expected: int) -> None:
        texts = self._form.fields()
        assembly.expected_tus_uploads = expected
        variables = {
            name: text for name, text in texts.items() if name not in self._service.reserved
        }
        assembly.variables = {**variables, **(assembly.merged.get("fields") or {})}
        for file in self._form.files:
            assembly.add_upload(AssemblyFile(file, assembly.host))
        assembly.request["bytes_received"] = self._exchange.received.body_size
        self._service.proceed(assembly)

    def _status(self, assembly: Assembly) -> Response:
        # Its run begins with the event loop's next turn, so the answer never shows an outcome that
        # only the run can give.
        if assembly.state == "ASSEMBLY_UPLOADING" and assembly.all_arrived:
            assembly.execute()
        quiet = assembly.merged.get("quiet") is True
        body = assembly.quiet_status() if quiet else assembly.status()
        # A `Crash` may have a code of its own.
        code = CODES.get(assembly.state, CODES["INTERNAL_COMMAND_ERROR"])
        status = code.http_status if assembly.failed else 200
        return json_response(body, status)


def _redirected(response: Response, assembly: Assembly) -> Response:
    """The answer to a browser's form that asked for a redirect; its body stays the status.

    `assembly_url` is what the vendor's PHP SDK reads of the address; the other two are chosen.
    """
    target = assembly.merged.get("redirect_url")
    if not target or response.status_code != 200:
        return response
    parts = urlsplit(target)
    told = urlencode({"assembly_id": assembly.id, **assembly.addresses()})
    query = f"{parts.query}&{told}" if parts.query else told
    response.status_code = 302
    # A header holds ASCII; what is quoted already stays as it is.
    address = urlunsplit(parts._replace(query=query))
    response.headers["Location"] = quote(address, safe=":/%#?=@[]!$&'()*+,;~")
    return response


def expected_uploads(texts: dict[str, str]) -> int:
    """How many files are to come by tus, by either of the two names; both have to agree."""
    names = ("num_expected_upload_files", "tus_num_expected_upload_files")
    numbers = {texts[name] for name in names if name in texts}
    if not all(number.isascii() and number.isdigit() for number in numbers) or len(numbers) > 1:
        raise Refusal("ASSEMBLY_INVALID_NUM_EXPECTED_UPLOAD_FILES_PARAM")
    return int(numbers.pop()) if numbers else 0
