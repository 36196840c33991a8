"""Generate, compile and run: everything happens in a folder of its own below build/languages."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import yaml
from tests.languages import judge
from tests.languages.manifest import BUILD, HERE, ROOT, Language

from transloadit_client import Transloadit
from transloadit_standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OPENAPI = ROOT / "openapi"
sys.path.insert(0, str(OPENAPI))
from overlay import overlaid  # noqa: E402 - the folder is no package
from resolve import resolved  # noqa: E402 - likewise

STEP = {"robot": "/image/resize", "use": ":original", "width": 60}
STEP_SECONDS = 0.5
# So many Steps that a driver has two minutes to read the status and to cancel.
TEMPLATE = {f"resized_{number}": STEP for number in range(240)}
ROUNDS = 2  # what is random differs between two runs, or it is not random
DRIVER_SECONDS = 120


@dataclass
class Result:
    """How a generator fared."""

    language: Language
    skipped: str = ""
    """Why it did not run; nothing else is known then."""
    version: str = ""
    warnings: int = 0
    done: list[str] = field(default_factory=list)
    """The stages that went well: generate, compile, run."""
    findings: dict[str, str] = field(default_factory=dict)
    vectors: int = 0
    """How many rows of the vectors its program agreed with."""
    level: str = ""
    """How far it conforms: a name of `judge.LEVELS`, or nothing."""
    refused: int = 0
    """How many odd answers the generated code could not read."""
    left_out: tuple[str, ...] = ()
    """The rows of the kinds it checks that its language cannot hold."""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether all is as it should be."""
        return not self.findings and not self.skipped

    @property
    def as_expected(self) -> bool:
        """Whether it is good, or is not run for the reason that the scoreboard gives."""
        known = self.skipped == self.language.no_driver
        return not self.findings and known


class Failed(Exception):
    """A command ended with another exit code than 0."""


def lacking(language: Language) -> str:
    """Which program the machine lacks, or an empty text."""
    needs = [*language.needs, *(["npm"] if language.node else [])]
    missing = [program for program in needs if shutil.which(program, path=_path()) is None]
    return f"{', '.join(missing)} not found" if missing else ""


def attempt(language: Language, spec: Path, *, say: Callable[[str], object] = print) -> Result:
    """The whole way of one generator; what goes wrong is in the result."""
    result = Result(language)
    result.skipped = language.unavailable or lacking(language) or language.unusable
    if language.unavailable and _succeeds(language.available, ROOT):
        result.findings["available"] = f"no longer so: {language.unavailable}"
    elif result.skipped and result.skipped == language.unusable:
        _check_unusable(language, spec, result)
    if result.skipped:
        for claim, finding in result.findings.items():
            say(f"    {claim}: {finding}")
        return result
    begun = time.monotonic()
    try:
        with ExitStack() as stack:
            _lay_out(language)
            rounds = [stack.enter_context(_round(language, n)) for n in range(ROUNDS)]
            _make(language, spec, result)
            habits = {gap.seen for gap in language.gap if gap.seen}
            for number, (api, crashed) in enumerate(rounds):
                _drive(language, result, number, api, crashed)
            calls = [call for api, _ in rounds for call in api.requests]
            creates = [call for call in calls if call.operation == "createAssembly"]
            _compare_habits(result, judge.wire_habits(creates), habits)
            _check_gaps(language, result)
    except Failed as error:
        stage = ["generate", "compile", "run"][min(len(result.done), 2)]
        result.findings.setdefault(stage, str(error))
    result.seconds = time.monotonic() - begun
    for claim, finding in result.findings.items():
        say(f"    {claim}: {finding}")
    return result


def _lay_out(language: Language) -> None:
    """An empty folder with what was written by hand, two files to send, and the vectors."""
    shutil.rmtree(language.build, ignore_errors=True)
    shutil.copytree(language.folder, language.build)
    if language.shared_folder:
        shutil.copytree(language.shared_folder, language.build, dirs_exist_ok=True)
    for name in ("one.txt", "two.txt"):
        (language.build / name).write_bytes(f"{name} \r\n".encode() + os.urandom(3000))
    if language.node:
        _install_node_packages()


def _install_node_packages() -> None:
    """Into the folder above all generators' own, where node looks for them; once."""
    lock = (HERE / "node" / "package-lock.json").read_bytes()
    stamp = BUILD / "node_modules" / f".{hashlib.sha256(lock).hexdigest()[:16]}"
    if stamp.exists():
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / "node" / name, BUILD)
    _run("npm ci --silent --ignore-scripts", BUILD, os.environ)
    stamp.touch()


def _check_unusable(language: Language, spec: Path, result: Result) -> None:
    """Generate what is known not to work, and see that it still does not."""
    begun = time.monotonic()
    try:
        _lay_out(language)
        _generate(language, spec, result)
    except Failed as error:
        result.findings["generate"] = str(error)
    else:
        if not _succeeds(language.still, language.build):
            result.findings["unusable"] = f"no longer so, write a driver: {language.unusable}"
    result.seconds = time.monotonic() - begun


def _make(language: Language, spec: Path, result: Result) -> None:
    env = _generate(language, spec, result)
    _run(language.compile, language.build, env)
    result.done.append("compile")


def _generate(language: Language, spec: Path, result: Result) -> dict[str, str]:
    """Let the generator write; gives the environment that it had."""
    env = {**os.environ, "PATH": _path(), "SPEC": str(spec), "ROOT": str(ROOT)}
    env["DO_NOT_TRACK"] = "1"  # kubb would report each run to its authors
    env |= _derived(spec, language.build)
    result.version = first_version(_run(language.version, language.build, env, also_errors=True))
    output = _run(language.generate, language.build, env, also_errors=True)
    result.warnings = count_warnings(output)
    result.done.append("generate")
    return env


def _derived(spec: Path, folder: Path) -> dict[str, str]:
    """The documents of a release that some generators need, written into a folder."""
    document = yaml.safe_load(spec.read_text(encoding="utf-8"))
    overlay = yaml.safe_load((OPENAPI / "overlays" / "urlencoded.yaml").read_text("utf-8"))
    made = {"RESOLVED": resolved(document), "URLENCODED": overlaid(document, overlay)}
    paths = {}
    for name, value in made.items():
        path = folder / f"transloadit-{name.lower()}.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        paths[name] = str(path)
    return paths


@contextmanager
def _round(language: Language, number: int) -> Iterator[tuple[StandIn, str]]:
    """A stand-in that holds a crashed Assembly, and somebody who receives its Notification."""
    typed = any(gap.seen == "types its text fields" for gap in language.gap)
    with (
        receiver() as notify_url,
        StandIn(
            secret=f"a secret of round {number}, größer",
            step_seconds=STEP_SECONDS,
            signature_required=True,
            typed_text="text" if typed else "file",
            replayable="crashed",
        ) as api,
        Transloadit(api.key, api.secret, base_url=api.url) as client,
    ):
        api.add_template("resize-to-fit", steps=TEMPLATE)
        api.crash_next()
        status = client.create_assembly(
            steps={"resized": STEP}, files=[b"crash"], notify_url=notify_url
        )
        yield api, str(status.assembly_id)


def _drive(language: Language, result: Result, number: int, api: StandIn, crashed: str) -> None:
    api.settle()
    before = len(api.requests)
    folder = language.build / f"vectors-{number}"
    refused = language.refused
    vectors = judge.prepare_vectors(ROOT / "openapi" / "vectors", folder, refused)
    own = {"CRASHED_ASSEMBLY": crashed, "VECTORS": str(folder), "PATH": _path()}
    env = {**os.environ, **api.environ, **own}
    output = _run(language.run, language.build, env, seconds=DRIVER_SECONDS)
    try:
        report = json.loads(output)
    except ValueError as error:
        raise Failed(f"the driver printed no JSON ({error}):\n{output[-2000:]}") from error
    names = ("one.txt", "two.txt") if language.files else ()
    files = {n: _digest((language.build / n).read_bytes()) for n in names}
    case = judge.Case(
        report, api.requests[before:], api.assemblies, crashed=crashed, secret=api.secret,
        files=files, vectors=vectors,
    )  # fmt: skip
    result.findings.update(case.findings())
    told = {
        row: good
        for row, good in report["vectors"].items()
        if judge.WRONG not in row and row != judge.FAULT
    }
    result.vectors = sum(told.values())
    result.level = judge.level(told, refused)
    result.left_out = judge.left_out(vectors, told)
    result.refused = sum(row.startswith("answers/") and not good for row, good in told.items())
    if number == ROUNDS - 1:
        result.done.append("run")


def _compare_habits(result: Result, seen: set[str], known: set[str]) -> None:
    if unknown := sorted(seen - known):
        result.findings["wire"] = f"it {' and '.join(unknown)}"
    if cured := sorted(known - seen):
        result.findings["gap"] = f"no longer so, take it out of language.toml: {cured}"


def _check_gaps(language: Language, result: Result) -> None:
    for gap in language.gap:
        if gap.still and not _succeeds(gap.still, language.build):
            result.findings["gap"] = f"no longer so, take it out: {gap.what}"


def _succeeds(command: str, folder: Path) -> bool:
    try:
        _run(command, folder, {**os.environ, "PATH": _path(), "ROOT": str(ROOT)})
    except Failed:
        return False
    return True


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _path() -> str:
    own = [str(Path(sys.executable).parent), str(BUILD / "node_modules" / ".bin")]
    return os.pathsep.join([*own, os.environ["PATH"]])


def _run(
    command: str, folder: Path, env: Mapping[str, str], *,
    seconds: float | None = None, also_errors: bool = False,
) -> str:  # fmt: skip
    """What it prints; as a part of an error too, so that CI's log tells what went wrong."""
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Failed(f"`{command}` took more than {seconds} s") from error
    if done.returncode:
        output = (done.stdout + done.stderr)[-4000:]
        raise Failed(f"`{command}` ended with {done.returncode}:\n{output}")
    return done.stdout + (done.stderr if also_errors else "")


def first_version(text: str) -> str:
    """The first thing in a text that looks like a version."""
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found[0] if found else "?"


def count_warnings(output: str) -> int:
    """How many different ones there are; how often one is repeated differs from run to run."""
    lines = [line.strip() for line in output.splitlines()]
    return len({line for line in lines if re.search(r"\bwarn", line, re.IGNORECASE)})


@contextmanager
def receiver() -> Iterator[str]:
    """Takes any Pingback; gives its URL."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/pingback"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
