"""Running an Assembly: its Steps in order, and the files that go from one to the next."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from .._codes import Refusal
from .._storage import StoredFile
from .processing import NotDone, accepts, hash_file
from .robots import HANDLE, ORIGINAL, imports, in_order, listed, stores, used_by
from .variables import filled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .assembly import Assembly
    from .files import AssemblyFile
    from .settings import Settings

NOT_DONE = "The stand-in does not do {what}: the Step {name!r} passes such files through."
NOT_IMPORTED = "The stand-in imports nothing, so the Step {name!r} has no results."
IMAGE_ROBOTS = ("/image/resize", "/image/optimize")


class StepFailed(Exception):
    """A Step ends its Assembly with an error."""

    def __init__(
        self, step: str, code: str, reason: str | None, message: str | None = None
    ) -> None:
        super().__init__(step, code, reason)
        self.step = step
        self.code = code
        self.reason = reason
        self.message = message


@dataclass
class Run:
    """One run of an Assembly's Steps."""

    assembly: Assembly
    settings: Settings
    folder: Path
    """Where the files that Steps make are put."""
    publish: Callable[[AssemblyFile], None]
    """Makes a result's address answer."""

    async def run(self) -> None:
        """Run all Steps.

        Raises:
            StepFailed: and then the Assembly has failed.
        """
        assembly, steps = self.assembly, self.assembly.steps
        made: dict[str, list[AssemblyFile]] = {ORIGINAL: assembly.uploads}
        if ORIGINAL not in steps and assembly.uploads:
            assembly.jobs.append(f"{ORIGINAL}::{ORIGINAL}")
        pictures = [file for file in assembly.uploads if file.is_picture]
        if self.settings.media and pictures:
            await asyncio.to_thread(_measure, pictures)
        shown = listed(steps)
        for name in in_order(steps):
            used = used_by(steps[name])
            assembly.begin_step(name, used or [ORIGINAL])
            await asyncio.sleep(self.settings.step_seconds)
            if assembly.crash_code is not None:
                assembly.crashed = True
                raise StepFailed(name, assembly.crash_code, "on purpose")
            files = [file for one in used for file in made.get(one, [])]
            made[name] = await self._files_of(name, steps[name], files)
            results = made[name] if name in shown else []
            for file in results:
                self.publish(file)
            assembly.end_step(name, results)
        assembly.end_steps()

    async def _files_of(
        self, name: str, step: dict[str, Any], files: list[AssemblyFile]
    ) -> list[AssemblyFile]:
        """The files that a Step makes."""
        if step["robot"] == HANDLE:
            return self.assembly.uploads
        if imports(step):
            self.assembly.warn(NOT_IMPORTED.format(name=name))
            return []
        try:
            made = [await self._file_of(name, step, file) for file in files]
        except Refusal as refusal:
            raise StepFailed(name, refusal.code, refusal.reason, refusal.message) from refusal
        return [file for file in made if file is not None]

    async def _file_of(
        self, name: str, step: dict[str, Any], file: AssemblyFile
    ) -> AssemblyFile | None:
        """The file that a Step makes of another; None if it goes no further."""
        robot = step["robot"]
        if not file.stored.size and file.mime.startswith("image/"):  # as Node's live tests see it
            raise Refusal("INVALID_INPUT_ERROR", f"{file.stored.name!r} is empty")
        same = replace(file, original=file.original or file, id=uuid.uuid4().hex)
        step = filled(step, self.assembly.variables, file)
        try:
            if robot == "/file/filter":
                return same if accepts(step) else None
            if robot == "/file/hash":
                return replace(same, further_meta=await asyncio.to_thread(hash_file, step, file))
            if robot in IMAGE_ROBOTS and self.settings.media:
                return await self._image_of(step, same)
        except NotDone as reason:
            self._warn_not_done(name, str(reason))
        else:
            if not stores(step):
                self._warn_not_done(name, robot)
        return same

    async def _image_of(self, step: dict[str, Any], file: AssemblyFile) -> AssemblyFile:
        if not file.is_picture:
            raise NotDone(f"{step['robot']} with {file.stored.name!r}, which is no picture")
        from . import images  # noqa: PLC0415 - Pillow may be missing, and takes its time

        work = images.resize if step["robot"] == "/image/resize" else images.optimize
        # A picture takes long enough to hold up every other request.
        made = await asyncio.to_thread(work, step, file)
        if made is None:
            return file
        meta = {**file.further_meta, **made.meta}
        return replace(
            file, stored=self._store(file, made.content, made.extension), further_meta=meta
        )

    def _store(self, file: AssemblyFile, content: bytes, extension: str) -> StoredFile:
        old = PurePosixPath(file.stored.name or "unnamed")
        kept = old.suffix.lower() in (f".{extension}", ".jpeg" if extension == "jpg" else "")
        stored = StoredFile(
            file.stored.field_name,
            old.name if kept else f"{old.stem}.{extension}",
            None,
            self.folder / uuid.uuid4().hex,
        )
        stored.write(content)
        stored.close(complete=True)
        return stored

    def _warn_not_done(self, name: str, what: str) -> None:
        text = NOT_DONE.format(what=what, name=name)
        if all(warning["msg"] != text for warning in self.assembly.warnings):
            self.assembly.warn(text)


def _measure(pictures: list[AssemblyFile]) -> None:
    from .images import measure  # noqa: PLC0415 - Pillow may be missing, and takes its time

    for file in pictures:
        file.further_meta.update(measure(file))
