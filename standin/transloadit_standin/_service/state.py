"""What a stand-in with a state folder keeps between two runs: Templates, Assemblies, files, nonces.

The folder holds `state.json` and, in `files/`, the bytes. It is JSON and no pickle: a pickle runs
the code of its writer. Requests, faults and rate limits belong to one run and are not kept.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._storage import StoredFile
from .events import Events
from .files import AssemblyFile
from .notifications import Notification
from .templates import read_template
from .tus_upload import TusUpload

if TYPE_CHECKING:
    from pathlib import Path

    from .assembly import Assembly
    from .service import Service
    from .templates import Template

VERSION = 1
AS_THEY_ARE = (
    "id", "params", "merged", "state", "message", "reason", "failed_step", "crash_code", "crashed",
    "variables", "expected_tus_uploads", "request", "warnings", "jobs", "hidden_reads",
)  # fmt: skip
"""Attributes of an Assembly that are JSON already."""
MOMENTS = ("started", "executed", "finished")


class StateFile:
    """The file that holds the state; `save()` writes it if something has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def save(self, service: Service) -> None:
        """Write the state, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(_state(service))
        if text == self._written and self._path.exists():
            return
        new = self._path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self._path)
        self._written = text

    def read(self) -> dict[str, Any]:
        """The state; empty if there is none yet.

        Raises:
            ValueError: the file holds something else.
        """
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise ValueError(f"{self._path} is no state of the stand-in: {error}") from error
        if not isinstance(state, dict) or state.get("version") != VERSION:
            raise ValueError(f"{self._path} is no state of this version of the stand-in")
        return state


def _state(service: Service) -> dict[str, Any]:
    hosts = service.hosts
    return {
        "version": VERSION,
        "origins": {"api": hosts.api, "instances": hosts.instances, "plain": hosts.plain},
        # A test may add a Template from its own thread meanwhile.
        "templates": [_template_record(template) for template in list(service.templates.values())],
        "nonces": {key.key: sorted(key.nonces) for key in service.keys},
        "assemblies": [_record(service, one) for one in service.assemblies.values()],
    }


def restore(service: Service, state: dict[str, Any]) -> None:
    """Take a state in; the hosts are known, and may be others than they were.

    Raises:
        ValueError: it names things that are not there.
    """
    try:
        for record in state.get("templates", []):
            template = _template(record)
            service.templates[template.id] = template
        for key in service.keys:
            key.nonces.update(state.get("nonces", {}).get(key.key, []))
        for record in state.get("assemblies", []):
            assembly = _Reader(service, record).assembly()
            service.assemblies[assembly.id] = assembly
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the state is not whole: {error!r}") from error


def resume(service: Service) -> None:
    """Go on with Assemblies that had no outcome; one whose form broke off is aborted."""
    for assembly in list(service.assemblies.values()):
        if assembly.done:
            continue
        if assembly.expected_tus_uploads is None:
            service.conclude(assembly, "REQUEST_ABORTED")
        elif assembly.all_arrived:
            assembly.jobs, assembly.results = [], {}
            service.meter.running.add(assembly.id)
            service.start(assembly)


def _record(service: Service, assembly: Assembly) -> dict[str, Any]:
    return {
        **{name: getattr(assembly, name) for name in AS_THEY_ARE},
        **{name: _written(getattr(assembly, name)) for name in MOMENTS},
        "key": assembly.key.key,
        "instance": service.hosts.instances.index(assembly.host),
        "template": assembly.template and _template_record(assembly.template),
        "parent": assembly.parent and assembly.parent.id,
        "uploads": [_file_record(file) for file in assembly.uploads],
        "results": {
            name: [_file_record(file) for file in files] for name, files in assembly.results.items()
        },
        "tus_uploads": [
            {
                "id": upload.id,
                "stored": _stored_record(upload.stored),
                "metadata": upload.metadata,
                "user_meta": upload.user_meta,
                "length": upload.length,
                "finished": upload.finished,
            }
            for upload in assembly.tus_uploads
        ],
        "notifications": [
            {**asdict(one), "created": _written(one.created), "started": _written(one.started)}
            for one in assembly.notifications
        ],
    }


def _template_record(template: Template) -> dict[str, Any]:
    return {"id": template.id, "name": template.name, "content": template.content()}


def _template(record: dict[str, Any]) -> Template:
    return replace(read_template(record["id"], record["content"]), name=record["name"])


def _file_record(file: AssemblyFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "stored": _stored_record(file.stored),
        "original": file.original and file.original.id,
        "tus_id": file.tus_upload_url and file.tus_upload_url.rpartition("/")[2],
        "further_meta": file.further_meta,
    }


def _stored_record(stored: StoredFile) -> dict[str, Any]:
    return {
        "field_name": stored.field_name,
        "filename": stored.filename,
        "content_type": stored.content_type,
        "path": stored.path.name,
        "size": stored.size,
        "complete": stored.complete,
    }


class _Reader:
    """Makes an Assembly of its record."""

    def __init__(self, service: Service, record: dict[str, Any]) -> None:
        self._service = service
        self._record = record
        instances = service.hosts.instances
        self._host = instances[record["instance"] % len(instances)]
        self._stored: dict[str, StoredFile] = {}
        self._files: dict[str, AssemblyFile] = {}

    def assembly(self) -> Assembly:
        """The Assembly, with its files behind their addresses."""
        record, service = self._record, self._service
        assembly = service.new_assembly(
            assembly_id=record["id"],
            key=service.keys.by_name(record["key"]),
            params=record["params"],
            merged=record["merged"],
            template=record["template"] and _template(record["template"]),
            parent=service.assemblies.get(record["parent"] or ""),
        )
        assembly.host, assembly.plain_host = self._host, service.hosts.plain_of(self._host)
        assembly.events = Events(service.settings.event_stream)
        for name in AS_THEY_ARE:
            setattr(assembly, name, record[name])
        for name in MOMENTS:
            setattr(assembly, name, _read(record[name]))
        assembly.tus_uploads = [self._tus_upload(one) for one in record["tus_uploads"]]
        assembly.uploads = [self._file(one) for one in record["uploads"]]
        assembly.results = {
            name: [self._file(one) for one in files] for name, files in record["results"].items()
        }
        for file in self._files.values():
            service.publish(file)
        assembly.notifications = [
            Notification(
                **{**one, "created": _read(one["created"]), "started": _read(one["started"])}
            )
            for one in record["notifications"]
        ]
        if assembly.done:
            assembly.tell_end()
        return assembly

    def _tus_upload(self, record: dict[str, Any]) -> TusUpload:
        upload = TusUpload(
            self._host,
            self._record["id"],
            self._stored_file(record["stored"]),
            record["metadata"],
            record["user_meta"],
            record["length"],
            record["id"],
            record["finished"],
        )
        self._service.tus_uploads[upload.id] = upload
        return upload

    def _file(self, record: dict[str, Any]) -> AssemblyFile:
        file = self._files.get(record["id"])
        if file is None:
            tus_id = record["tus_id"]
            file = AssemblyFile(
                self._stored_file(record["stored"]),
                self._host,
                self._files.get(record["original"] or ""),
                tus_id and self._service.tus_uploads[tus_id].url,
                record["further_meta"],
                record["id"],
            )
            self._files[file.id] = file
        return file

    def _stored_file(self, record: dict[str, Any]) -> StoredFile:
        """The file on disk, one for all that have the same bytes; its hashes are made anew."""
        name = record["path"]
        if name not in self._stored:
            given = {one.name: record[one.name] for one in fields(StoredFile) if one.name in record}
            path = self._service.folder / str(name).rpartition("/")[2]
            self._stored[name] = StoredFile(**{**given, "path": path})
            self._stored[name].hash_again()
        return self._stored[name]


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
