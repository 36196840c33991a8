"""A driver that did less than it says goes red, and the pages are what the runs used."""

from __future__ import annotations

import json
import os
import re
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.languages import board, judge, manifest, stage
from tests.languages.manifest import Language

from transloadit_client import Transloadit
from transloadit_standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = manifest.ROOT
NAMES = manifest.names()
RUNNING = [name for name in NAMES if not manifest.read(name).no_driver]
FILES = {"one.txt": b"one", "two.txt": b"two"}
STEP = {"robot": "/image/resize"}


# The judge, asked about calls that were really made


def drive(api: StandIn, crashed: str) -> dict[str, Any]:
    """What a driver does, and what it prints."""
    signed: list[list[str]] = []
    http = httpx.Client(base_url=api.url)

    def send(path: str, params: dict[str, Any], **more: Any) -> Any:
        form = Transloadit(api.key, api.secret, base_url=api.url).sign(params)
        signed.append([form.params, str(form.signature)])
        fields = {"params": form.params, "signature": str(form.signature)}
        return http.post(path, data=fields, **more).json()

    files = [("files", (name, content, "text/plain")) for name, content in FILES.items()]
    steps = {"steps": {"resized": STEP}, "fields": judge.VARIABLES}
    created = send("/assemblies", steps, files=files)
    own = f"/assemblies/{created['assembly_id']}"
    status = http.get(own).json()
    cancelled = http.delete(own).json()
    replayed = send(f"/assemblies/{crashed}/replay", {"reparse_template": 0})
    notified = send(f"/assembly_notifications/{crashed}/replay", {})
    refused = send(f"{own}/replay", {"reparse_template": 0})
    http.post("/_standin/faults", json={"kind": "unavailable", "operation": "getAssembly"})
    met = http.get(own).status_code == 503
    http.close()
    return {
        "assembly_id": created["assembly_id"], "created": created["ok"], "status": status["ok"],
        "uploads": [file["name"] for file in status["uploads"]], "cancelled": cancelled["ok"],
        "replayed": replayed["assembly_id"], "notified": notified["ok"], "error": refused["error"],
        "signed": signed,
        "vectors": {"signing/right": True, f"signing/{judge.WRONG}": False, judge.FAULT: met},
    }  # fmt: skip


@pytest.fixture(scope="module")
def story() -> Iterator[tuple[StandIn, str, dict[str, Any]]]:
    """A stand-in after a driver ran, the crashed Assembly's id, and the report."""
    with stage.receiver() as url, StandIn(step_seconds=1.0, replayable="crashed") as api:
        with Transloadit(api.key, api.secret, base_url=api.url) as client:
            api.crash_next()
            crash = client.create_assembly(steps={"a": STEP}, files=[b"x"], notify_url=url)
        api.settle()
        before = len(api.requests)
        report = drive(api, str(crash.assembly_id))
        del api.requests[:before]
        yield api, str(crash.assembly_id), report


def findings(story: Any, **changes: Any) -> dict[str, str]:
    api, crashed, report = story
    case = judge.Case(
        {**report, **changes.pop("report", {})},
        changes.pop("ledger", api.requests),
        api.assemblies,
        crashed=crashed,
        secret=changes.pop("secret", api.secret),
        files=changes.pop("files", {name: stage._digest(data) for name, data in FILES.items()}),
        vectors={"signing/right": True, f"signing/{judge.WRONG}": False, "encoding/big": None},
    )
    return case.findings()


@pytest.mark.parametrize(
    ("claim", "lie"),
    [
        ("create", {"assembly_id": "0" * 32}),
        ("create", {"created": None}),
        ("status", {"status": "ASSEMBLY_COMPLETED"}),
        ("status", {"uploads": ["one.txt"]}),
        ("cancel", {"cancelled": "ASSEMBLY_EXECUTING"}),
        ("replay", {"replayed": "0" * 32}),
        ("notification", {"notified": None}),
        ("refusal", {"error": None}),
        ("signatures", {"signed": []}),
        ("fault", {"vectors": {"signing/right": True, judge.FAULT: False}}),
        ("vectors", {"vectors": {"signing/right": True}}),
        ("vectors", {"vectors": {"signing/right": True, f"signing/{judge.WRONG}": True}}),
        ("vectors", {"vectors": {"signing/right": False, f"signing/{judge.WRONG}": False}}),
    ],
)
def test_a_report_that_the_ledger_does_not_bear_out_is_found(
    story: Any, claim: str, lie: dict[str, Any]
) -> None:
    assert claim in findings(story, report=lie)


def test_a_row_may_be_left_out_if_the_language_cannot_hold_it_but_not_be_wrong(story: Any) -> None:
    good = story[2]["vectors"]

    assert "vectors" in findings(story, report={"vectors": {**good, "encoding/big": False}})
    assert "vectors" not in findings(story, report={"vectors": {**good, "encoding/big": True}})
    assert "vectors" in findings(story, report={"vectors": {**good, "encoding/made up": True}})


def test_a_missing_call_a_changed_file_and_a_notification_that_was_not_sent_are_found(
    story: Any,
) -> None:
    api = story[0]

    assert findings(story, ledger=api.requests[:-1]).keys() == {"fault"}
    short = [*api.requests[:-2], api.requests[-1]]
    assert findings(story, ledger=short).keys() >= {"create", "refusal", "signatures"}
    assert findings(story, files={"one.txt": "0", "two.txt": "0"}).keys() == {"create"}
    again = api.assemblies[story[1]].notifications.pop()
    assert findings(story).keys() == {"notification"}
    api.assemblies[story[1]].notifications.append(again)
    assert findings(story, secret="another").keys() == {"signatures"}


def test_what_really_happened_is_good(story: Any) -> None:
    assert findings(story) == {}


def test_the_vectors_that_a_driver_gets_hold_one_wrong_row_each(tmp_path: Path) -> None:
    answers = judge.prepare_vectors(ROOT / "openapi" / "vectors", tmp_path)

    kinds = (*judge.VECTORS, *judge.FURTHER)
    assert sum(answer is False for answer in answers.values()) == len(kinds)
    for kind in kinds:
        document = json.loads((tmp_path / f"{kind}.json").read_text("utf-8"))
        first, *_, wrong = document["rows"]
        assert wrong["name"] == judge.WRONG
        assert {**wrong, "name": first.get("name")} != {"name": None, **first}


# What a form looks like on the wire


def received(body: bytes, boundary: str, field: str = "files") -> Any:
    headers = {"content-type": f'multipart/form-data; boundary="{boundary}"'}
    return SimpleNamespace(
        headers=headers,
        body=body.replace(b"\n", b"\r\n"),
        files=[SimpleNamespace(field_name=field)],
        names=re.findall(r'[^e]name="(\w+)', body.decode()),
    )


TEXT = b'--%s\nContent-Disposition: form-data; name="params"\n%s\n{}\n'
FILE = b'--%s\nContent-Disposition: form-data; name="files"; filename="a"\n%s\na\n--%s--\n'
SIGNATURE = b'--%s\nContent-Disposition: form-data; name="signature"\n\nx\n'
TYPE = b"Content-Type: text/plain\n"


def test_the_habits_that_a_gap_has_to_name_are_seen() -> None:
    bad = TEXT % (b"x", TYPE) + FILE % (b"x", b"", b"x")  # and no signature

    assert judge.wire_habits([received(bad, "x", "files[0]"), received(bad, "x")]) == {
        "types its text fields",
        "sends files without a type",
        "numbers the names of files",
        "sends files before params",
        "repeats its boundary",
    }


def test_a_form_as_the_document_wants_it_has_none() -> None:
    good = [
        received(TEXT % (mark, b"") + SIGNATURE % mark + FILE % (mark, TYPE, mark), mark.decode())
        for mark in (b"x", b"y")
    ]

    assert judge.wire_habits(good) == set()


# The stages


def language(**values: Any) -> Language:
    given = {"name": "made-up", "title": "Made up", "language": "None", "version": "true", **values}
    return Language(**given)


def test_the_page_on_conformance_has_the_levels_of_the_judge() -> None:
    text = (ROOT / "openapi" / "conformance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*\*([a-z ]+)\*\* \|.*\| ([a-z_` ]+) \|$", text, re.MULTILINE)

    levels = {name: tuple(re.findall(r"`(\w+)`", files)) for name, files in rows}
    assert levels == judge.LEVELS
    vectors = {path.stem for path in (ROOT / "openapi" / "vectors").iterdir()} - {"schema"}
    assert {name for name in vectors if f"`{name}`" not in text} == set()


def test_a_machine_that_lacks_a_program_is_told_which() -> None:
    result = stage.attempt(language(needs=("no-such-program",)), ROOT)

    assert result.skipped == "no-such-program not found"
    assert not result.good


def test_what_runs_nowhere_says_why_and_is_tried_again_each_time() -> None:
    away = language(unavailable="no toolchain", available="false")
    back = language(unavailable="no toolchain", available="true")

    assert stage.attempt(away, ROOT).skipped == "no toolchain"
    assert stage.attempt(away, ROOT).findings == {}
    assert stage.attempt(back, ROOT, say=str).findings == {
        "available": "no longer so: no toolchain"
    }


def test_what_writes_code_of_no_use_is_generated_each_time_and_fails_once_it_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hand" / "made-up").mkdir(parents=True)
    monkeypatch.setattr(manifest, "HERE", tmp_path / "hand")
    monkeypatch.setattr(manifest, "BUILD", tmp_path / "build")
    wrong = language(unusable="it dies", generate="touch written", still="test -f written")
    cured = language(unusable="it dies", generate="true", still="test -f written")
    ended = language(unusable="it dies", generate="echo why; false", still="true")
    alone = language(unusable="it dies", needs=("no-such-program",))

    spec = ROOT / "openapi" / "transloadit.yaml"
    results = [stage.attempt(one, spec, say=str) for one in (wrong, cured, ended, alone)]
    assert [result.skipped for result in results] == [*["it dies"] * 3, "no-such-program not found"]
    assert [result.as_expected for result in results] == [True, False, False, False]
    assert results[1].findings == {"unusable": "no longer so, write a driver: it dies"}
    assert "why" in results[2].findings["generate"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(RUNNING)))
def test_what_is_not_run_has_a_command_that_would_show_that_it_can_be(name: str) -> None:
    made = manifest.read(name)

    assert bool(made.unavailable) == bool(made.available)
    assert bool(made.unusable) == bool(made.still) == bool(made.generate)


def test_commands_that_fail_and_drivers_that_print_no_json_are_findings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hand = tmp_path / "hand" / "made-up"
    hand.mkdir(parents=True)
    monkeypatch.setattr(manifest, "HERE", hand.parent)
    monkeypatch.setattr(manifest, "BUILD", tmp_path / "build")
    ways = [{"generate": "false"}, {"compile": "echo why; false"}, {"run": "echo no"}]

    spec = ROOT / "openapi" / "transloadit.yaml"
    found = [stage.attempt(language(**way), spec, say=str).findings for way in ways]
    assert [list(findings) for findings in found] == [["generate"], ["compile"], ["run"]]
    assert "why" in found[1]["compile"]
    assert "no JSON" in found[2]["run"]


@pytest.mark.parametrize(
    ("text", "version"),
    [("v1.2.3\n", "1.2.3"), ("tool version 0.29.1 (x)", "0.29.1"), ("none", "?")],
)
def test_a_version_is_found_in_what_a_tool_prints(text: str, version: str) -> None:
    assert stage.first_version(text) == version


def test_a_warning_counts_once_however_often_it_is_repeated() -> None:
    assert stage.count_warnings("WARN a\nfine\n  WARN a \nWarning: b\n") == 2


# The folders and the pages


@pytest.mark.parametrize("name", RUNNING)
def test_a_driver_is_a_program_of_one_screen(name: str) -> None:
    [driver] = [path for path in manifest.read(name).written() if path.stem.lower() == "driver"]

    assert board.count(driver) <= 66


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_is_something_that_a_run_can_look_for(name: str) -> None:
    for gap in manifest.read(name).gap:
        assert [bool(gap.seen), bool(gap.still), bool(gap.refuses)].count(True) == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_a_generated_client_cannot_read_was_made_up(name: str) -> None:
    """What was seen has to be read: else the document is too strict."""
    text = (ROOT / "openapi" / "vectors" / "answers.json").read_text(encoding="ascii")
    invented = {row["name"] for row in json.loads(text)["rows"] if row["weight"] == "invented"}

    assert {row.removeprefix("answers/") for row in manifest.read(name).refused} <= invented


ALL_KINDS = dict.fromkeys(["signing/a", "encoding/a", "expires/a", "pingbacks/a"], True)


@pytest.mark.parametrize(
    ("held", "level"),
    [
        ({}, ""),
        ({**ALL_KINDS, "signing/b": False}, ""),
        (ALL_KINDS, "signs"),
        ({**ALL_KINDS, "retries/a": True}, "signs"),
        ({**ALL_KINDS, "answers/a": True, "states/a": True, "hosts/a": True}, "signs"),
        ({**ALL_KINDS, **{f"{kind}/a": True for kind in judge.LEVELS["survives"]}}, "survives"),
        (
            {**ALL_KINDS, **{f"{kind}/a": True for kind in judge.LEVELS["survives"]},
             "answers/odd": False, "retries/a": True},
            "exactly once",
        ),
    ],
)  # fmt: skip
def test_a_level_needs_all_rows_of_its_kinds_and_of_the_levels_before_it(
    held: dict[str, bool], level: str
) -> None:
    assert judge.level(held, {"answers/odd"}) == level


def test_what_has_no_lock_names_exact_versions() -> None:
    cargo = [path.read_text("utf-8") for path in manifest.HERE.glob("*/Cargo.toml")]
    node = json.loads((manifest.HERE / "node" / "package.json").read_text("utf-8"))
    poms = [path.read_text("utf-8") for path in manifest.HERE.glob("*/pom.xml")]

    assert len(cargo) == 2
    assert len(poms) == 4
    for text in cargo:
        dependencies = text.partition("[dependencies]")[2]
        assert re.findall(r'= (?:"|\{ version = ")(?!=)\d.*', dependencies) == []
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in node["devDependencies"].values())
    assert not [pom for pom in poms if re.search(r"<version>[\[(]|SNAPSHOT|LATEST", pom)]


@pytest.mark.parametrize("name", RUNNING)
def test_a_recipe_names_the_versions_that_npm_has_to_install(name: str) -> None:
    made = manifest.read(name)

    assert made.node == () or re.search(r"npm install .*typescript@\d+\.\d+", board.recipe(made))


@pytest.mark.parametrize("name", RUNNING)
def test_a_recipe_holds_what_the_run_used(name: str) -> None:
    made = manifest.read(name)

    committed = board.recipe_path(made).read_text(encoding="utf-8")
    assert committed == board.recipe(made), "run `make languages`, or write it with board.recipe"


def test_the_scoreboard_has_a_row_for_each_and_the_readme_the_short_form() -> None:
    scoreboard = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in scoreboard.splitlines() if line.startswith("| ")][2:]
    good = [row for row in rows if "| not run" not in row]

    assert len(rows) == len(NAMES)
    assert all(manifest.read(name).title in scoreboard for name in NAMES)
    languages = {row.split("|")[2].strip() for row in good}
    assert f"{len(good)} generators in {len(languages)} languages" in readme
    assert not re.search(r"\bno\b \|", "\n".join(good))


def test_a_row_that_a_driver_leaves_out_is_named_on_the_board() -> None:
    vectors = {"encoding/big": None, "encoding/a": True, "names/odd": None}
    left_out = judge.left_out(vectors, {"encoding/a": True})
    held = judge.left_out(vectors, {"encoding/a": True, "encoding/big": True})
    results = [stage.Result(language(), left_out=left_out), stage.Result(language(), left_out=held)]

    assert left_out == ("encoding/big",)
    assert held == ()
    assert list(board.left_out_by(results)) == ["- Made up: `encoding/big`."]
    gaps: list[str] = []
    go = manifest.read("go")
    board.row(stage.Result(go), gaps)
    assert [gap for gap in gaps if "`meta of another kind`" in gap] == [gaps[-1]]


def test_the_board_tells_good_from_bad_and_from_not_run() -> None:
    good, bad = stage.Result(language()), stage.Result(language(), findings={"create": "no"})
    away = stage.Result(language(), skipped="java not found")

    assert board.summary([good]) == "1 good in 1 languages"
    assert (
        board.summary([bad, away]) == "0 good in 0 languages; not good: made-up; not run: made-up"
    )
    assert "not run: java not found" in board.row(away, [])


@pytest.mark.skipif(os.name != "posix", reason="bash runs the commands")
def test_the_command_line_refuses_a_generator_that_is_not_there() -> None:
    with pytest.raises(stage.Failed, match="no such generator: cobol"):
        stage._run(f"{sys.executable} -m tests.languages cobol", ROOT, os.environ)
