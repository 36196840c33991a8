"""The commands that are one call each, against the stand-in: refusals, output and exit codes."""

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from transloadit_client import Credentials, sign
from transloadit_standin import StandIn

Command = Callable[..., Any]

UNKNOWN = "0" * 32
STEPS = '{"resized": {"robot": "/image/resize"}}'
ONCE = ("--attempts", "1")


def identity(url: str) -> str:
    return url.strip().rpartition("/")[2]


# -- what is wrong before anything is sent: exit code 2 --


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Usage:"),
        (("fly",), "No such command 'fly'"),
        (("create", "--fly"), "No such option '--fly'"),
        (("create", "-t", "a", "nothing.txt"), "there is no file 'nothing.txt'"),
        (("create", "--steps", "nothing.yaml"), "cannot read 'nothing.yaml'"),
        (("create", "--field", "a"), "--field takes NAME=TEXT or NAME:=JSON, not 'a'"),
        (("create", "-t", "a", "--form-field", "params=x"), "the API's own"),
        (("create", "-t", "a", "--param", "steps:={}"), "an argument of its own"),
        (("create", "--assembly-id", "mine"), "--assembly-id takes 32 hex digits, not 'mine'"),
        (("create", "--expect", "-1"), "Invalid value for '--expect'"),
        (("create", "-t", "a", "--key", "mine"), "--key and --secret go together"),
        (
            ("create", "-t", "a", "--credentials", "nowhere"),
            "cannot read the credentials in nowhere",
        ),
        (("status",), "Missing argument 'ASSEMBLY...'"),
        (("status", "not an id"), "not an Assembly's id, URL or status"),
        (("status", "https://example.com/assemblies/" + UNKNOWN), "example.com"),
        (("status", UNKNOWN, "--endpoint", "ftp://example.com"), "--endpoint must be"),
        (("status", UNKNOWN, "--timeout", "0"), "Invalid value for '--timeout'"),
        (("replay", UNKNOWN, "--notify-url", "http://x", "--no-notify"), "exclude each other"),
        (("replay", UNKNOWN, "--param", "fields:={}"), "an argument of its own"),
        (("replay-notification", UNKNOWN, "--param", "wait:=true"), "--param has 'wait'"),
        (("create",), "say what to do: --steps FILE, or --template ID"),
        (("create", "a.txt"), "say what to do"),
        (("run", "a.txt"), "say what to do"),
        (("map", "a.txt"), "say what to do"),
        (("create", "--steps", "{}"), "say what to do"),
        (("run", "--steps", '{"a": {}}', "a.txt"), "--steps: 'a' names no Robot"),
        (("map", "--steps", '{"a": 5}', "a.txt"), "--steps: 'a' names no Robot"),
        (("run", "--steps", "[1]", "a.txt"), "--steps holds a list, not a JSON object"),
        (("map", "-t", "a", "a.txt", "--delete-source"), "--delete-source goes with --save-to"),
        (
            ("run", "-t", "a", "a.txt", "--save-to", "b.txt"),
            "--save-to takes a folder, and",
        ),
        (
            ("map", "-t", "a", "-"),
            "for the standard input (-) use run",
        ),
        (("map", "-t", "a", "a.txt", "--journal", "no/j"), "no/j' as a journal: No such file"),
        (("wait", UNKNOWN, "--deadline", "soon"), "'soon' is not a valid number"),
        (("upload", UNKNOWN, "a.txt", "--parallel", "2.5"), "'2.5' is not a valid whole number"),
        (("sign", "[1]"), "PARAMS holds a list, not a JSON object"),
        (("sign", "-"), "PARAMS holds nothing, not a JSON object"),
        (("sign", "{}", "--expires-in", "0"), "Invalid value for '--expires-in'"),
        (("verify", "nothing.txt"), "cannot read 'nothing.txt'"),
        (("completion", "tcsh"), "'tcsh' is not one of"),
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_wrong_input_is_refused_and_nothing_is_sent(
    command: Command,
    api: StandIn,
    arguments: tuple[str, ...],
    form: tuple[str, ...],
    complaint: str,
) -> None:
    accepts_json = arguments and arguments[0] not in ("fly", "completion")
    ran = command(*arguments, *(form if accepts_json else ()))

    assert ran.code == 2
    assert ran.out == ""
    assert complaint in ran.err
    assert ran.err.count("\n") == 1 or not arguments  # which is answered with the help
    assert api.requests == []


def test_a_mistyped_option_is_told_with_what_to_type(command: Command) -> None:
    assert command("status", "--jsonn").err == (
        "Error: No such option '--jsonn'. Did you mean '--json'?"
        " See 'transloadit-client status --help'.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--template", "thumbnails"),
        ("create", "--template", "thumbnails", "--dry-run"),
        ("replay", UNKNOWN),
        ("replay-notification", UNKNOWN),
        ("sign", "{}"),
        ("verify", "a.txt"),
    ],
)
def test_without_credentials_it_is_said_where_they_can_stand(
    command: Command, arguments: tuple[str, ...]
) -> None:
    ran = command(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert "TRANSLOADIT_SECRET" in ran.err


def test_it_is_said_where_credentials_can_stand(command: Command) -> None:
    assert "~/.transloadit/credentials" in command("create", "--template", "x").err


# -- what the API refuses, and what gets no answer --


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "--template", "no-such-template"), "TEMPLATE_NOT_FOUND"),
        (("status", UNKNOWN), "ASSEMBLY_NOT_FOUND"),
        (("cancel", UNKNOWN), "ASSEMBLY_NOT_FOUND"),
        (("replay", UNKNOWN), "ASSEMBLY_NOT_FOUND"),
        (("replay-notification", UNKNOWN), "ASSEMBLY_NOT_FOUND"),
    ],
)
def test_a_refusal_is_exit_code_3(
    command: Command, api: StandIn, arguments: tuple[str, ...], code: str
) -> None:
    plain, machine = command(*arguments), command(*arguments, "--json")

    assert (plain.code, plain.out) == (3, "")
    assert plain.err.splitlines()[-1].startswith("Error: ")
    assert code in plain.err
    assert machine.code == machine.document["exit_code"] == 3
    assert machine.document["error"]["code"] == code


def test_a_wrong_secret_is_refused_and_told_of(command: Command, api: StandIn) -> None:
    ran = command("create", "--template", "thumbnails", "--key", api.key, "--secret", "wrong-one")

    assert ran.code == 3
    assert "INVALID_SIGNATURE" in ran.err
    assert "list of processes" in ran.err
    assert "wrong-one" not in ran.out + ran.err


@pytest.mark.parametrize("verb", ["create", "status"])
def test_no_answer_is_exit_code_4(command: Command, api: StandIn, verb: str) -> None:
    dead = ("--endpoint", "http://127.0.0.1:9", *ONCE)
    ran = command(verb, *((UNKNOWN,) if verb == "status" else ("--template", "x")), *dead, "--json")

    assert ran.code == 4
    assert ran.document["error"]["type"] == "NoAnswer"
    assert "resume" not in ran.document


def test_earlier_attempts_are_counted(command: Command, api: StandIn) -> None:
    api.answer_next(503, b"{}", operation="getAssembly", times=3)
    ran = command("status", UNKNOWN, "--attempts", "3")

    assert ran.code == 3
    assert "\n  2 attempts before that: " in ran.err


def test_an_unknown_outcome_is_exit_code_5_and_tells_where_to_look(
    command: Command, api: StandIn
) -> None:
    api.drop_next(after="work", operation="createAssemblyWithId")
    api.drop_next(operation="getAssembly", times=9)
    ran = command("create", "--template", "thumbnails", *ONCE, "--json")

    (assembly,) = api.assemblies
    assert ran.code == 5
    assert ran.document["error"]["type"] == "OutcomeUnknown"
    assert ran.document["resume"] == f"transloadit-client status {assembly}"
    assert f"  transloadit-client status {assembly}\n" in ran.err


def test_a_text_of_a_server_cannot_move_the_cursor(command: Command, api: StandIn) -> None:
    evil = json.dumps({"error": "BAD", "message": "\x1b[2J\x9b2J\u202e\rfine"}).encode()
    api.answer_next(400, evil)
    ran = command("status", UNKNOWN)

    assert ran.code == 3
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(ran.err)
    assert "\\x1b[2J\\x9b2J\\u202e" in ran.err


# -- create --


def test_create_sends_all_that_its_options_say(
    command: Command, api: StandIn, folder: Path
) -> None:
    (folder / "steps.yaml").write_text("resized: {robot: /image/resize, use: ':original'}")
    ran = command(
        "create", "--steps", "steps.yaml", "--field", "width:=300", "--field", "title=a b",
        "--form-field", "author=Jules", "--notify-url", "http://127.0.0.1:9/", "--param",
        "usage_tags:=[1]", "--param", 'auth:={"max_size": 99}', "--assembly-id", "a" * 32,
        "photo=a.txt", "b.txt", "-", "--stdin-name", "c.txt", stdin=b"third",
    )  # fmt: skip

    assert ran.code == 0
    (request,) = api.requests
    assert request.path == "/assemblies/" + "a" * 32
    assert request.params["auth"]["max_size"] == 99
    assert {name: value for name, value in request.params.items() if name != "auth"} == {
        "steps": {"resized": {"robot": "/image/resize", "use": ":original"}},
        "fields": {"width": 300, "title": "a b"},
        "notify_url": "http://127.0.0.1:9/",
        "usage_tags": [1],
    }
    assert request.fields["author"] == "Jules"
    sent = {file.filename: (file.field_name, file.size) for file in request.files}
    assert sent == {"a.txt": ("photo", 5), "b.txt": ("files", 10), "c.txt": ("files", 5)}


def test_create_prints_the_url_alone_on_the_standard_output(command: Command, api: StandIn) -> None:
    ran = command("create", "--template", "thumbnails", "a.txt")

    assert ran.code == 0
    assert ran.out == f"{api.instance_urls[0]}/assemblies/{identity(ran.out)}\n"
    assert identity(ran.out) in api.assemblies
    assert ran.err == f"Assembly {identity(ran.out)}\n"


def test_the_id_is_printed_before_the_assembly_is_created(command: Command, api: StandIn) -> None:
    """A process that is killed in the middle has told which Assembly to look for."""
    api.drop_next(after="work", operation="createAssemblyWithId", times=9)
    ran = command("create", "--template", "thumbnails", *ONCE)

    (assembly,) = api.assemblies
    assert ran.err.splitlines()[0] == f"Assembly {assembly}"


def test_create_prints_the_id_where_the_answer_has_no_more(command: Command, api: StandIn) -> None:
    ran = command("create", "--template", "thumbnails", "a.txt", "--param", "quiet:=true")

    assert ran.out.strip() in api.assemblies


def test_create_in_json_is_one_document(command: Command, api: StandIn) -> None:
    ran = command("create", "--template", "thumbnails", "a.txt", "--json")

    assert ran.document["exit_code"] == 0
    assert ran.document["assembly"] == ran.document["status"]["assembly_ssl_url"]


def test_create_can_expect_files_that_follow(command: Command, api: StandIn) -> None:
    command("create", "--template", "thumbnails", "--expect", "2")

    assert api.requests[0].fields["num_expected_upload_files"] == "2"


# -- --dry-run --


@pytest.mark.parametrize(
    ("arguments", "method", "path"),
    [
        (("create", "-t", "a", "--assembly-id", "a" * 32), "POST", "/assemblies/" + "a" * 32),
        (("cancel", UNKNOWN), "DELETE", f"/assemblies/{UNKNOWN}"),
        (("replay", UNKNOWN), "POST", f"/assemblies/{UNKNOWN}/replay"),
        (("replay-notification", UNKNOWN), "POST", f"/assembly_notifications/{UNKNOWN}/replay"),
    ],
)
def test_a_dry_run_sends_nothing_and_shows_where_it_would_go(
    command: Command, api: StandIn, arguments: tuple[str, ...], method: str, path: str
) -> None:
    ran = command(*arguments, "--dry-run")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{method} {api.url}{path}\n")
    assert api.requests == []


def test_a_dry_run_shows_params_fields_and_files(command: Command, api: StandIn) -> None:
    arguments = ("--steps", STEPS, "photo=a.txt", "-", "--form-field", "straße=Fußweg", "--dry-run")
    plain = command("create", *arguments)
    machine = command("create", *arguments, "--json").document["dry_run"]

    assert '    "robot": "/image/resize"' in plain.out.replace("      ", "    ")
    assert "\nstraße: Fußweg\n" in plain.out
    assert "\nfile for photo: a.txt, 5 bytes\n" in plain.out
    assert "\nfile for files: -, of unknown length\n" in plain.out
    assert machine["params"]["steps"] == json.loads(STEPS)
    assert machine["fields"] == {"straße": "Fußweg"}
    assert machine["files"] == [
        {"field": "photo", "path": "a.txt", "size": 5},
        {"field": "files", "path": "-", "size": None},
    ]


def test_a_dry_run_shows_what_would_be_sent_in_truth(command: Command, api: StandIn) -> None:
    arguments = ("create", "--steps", STEPS, "a.txt", "--form-field", "title=x")
    shown = command(*arguments, "--dry-run", "--json").document["dry_run"]
    command(*arguments)

    (request,) = api.requests
    assert shown["params"]["auth"]["key"] == api.key
    assert shown["params"]["steps"] == request.params["steps"]
    assert shown["fields"] == {"title": request.fields["title"]}


def test_a_dry_run_reads_no_file(command: Command, api: StandIn, folder: Path) -> None:
    with (folder / "huge").open("wb") as huge:
        huge.truncate(200 * 10**9)  # a hole, which takes no room on the disk
    ran = command("create", "--template", "thumbnails", "huge", "--dry-run")

    assert "file for files: huge, 200.0 GB" in ran.out


def test_a_dry_run_gives_no_signature_or_token_away(
    command: Command, api: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = command("create", "--template", "x", "--dry-run").out
    monkeypatch.delenv("TRANSLOADIT_KEY")
    monkeypatch.delenv("TRANSLOADIT_SECRET")
    monkeypatch.setenv("TRANSLOADIT_AUTH_TOKEN", "token-abc")
    with_token = command("create", "--template", "x", "--dry-run").out

    assert "\nsignature: sha384:…\n" in signed
    assert "\nauthorization: Bearer …\n" in with_token
    assert "token-abc" not in with_token


# -- status, cancel, replay, replay-notification --


def test_status_is_read_whatever_it_says(command: Command, api: StandIn) -> None:
    api.crash_next()
    url = command("create", "--steps", STEPS, "a.txt").out.strip()
    api.settle()
    plain, machine = command("status", url), command("status", identity(url), "--json")

    assert plain.code == machine.code == 0
    assert plain.out.splitlines()[0] == f"assembly\t{url}"
    assert plain.out.splitlines()[1].startswith("state\tINTERNAL_COMMAND_ERROR")
    assert machine.document["status"]["error"] == "INTERNAL_COMMAND_ERROR"


def test_status_tells_what_there_is(command: Command, api: StandIn) -> None:
    url = command("create", "--steps", STEPS, "a.txt", "b.txt").out.strip()
    api.settle()
    rows = dict(line.split("\t", 1) for line in command("status", url).out.splitlines())

    assert rows["state"].startswith("ASSEMBLY_COMPLETED")
    assert rows["uploads"] == "2"
    assert rows["results"] == "resized\t2"


def test_cancel_tells_how_the_assembly_ended(command: Command, api: StandIn) -> None:
    url = command("create", "--template", "thumbnails", "--expect", "1").out.strip()
    ran = command("cancel", url)

    assert ran.code == 0
    assert "state\tASSEMBLY_CANCELED" in ran.out


def test_replay_prints_the_url_of_the_new_assembly(command: Command, api: StandIn) -> None:
    api.crash_next()
    url = command("create", "--steps", STEPS, "a.txt").out.strip()
    api.settle()
    further = ("--param", "later=x", "--param", 'auth:={"max_size": 7}')
    ran = command("replay", url, "--reparse-template", "--no-notify", "-f", "width:=5", *further)

    assert ran.code == 0
    assert identity(ran.out) in set(api.assemblies) - {identity(url)}
    params = api.requests[-1].params
    assert params["reparse_template"] == 1
    assert params["notify_url"] is None
    assert params["fields"] == {"width": 5}
    assert params["later"] == "x"
    assert params["auth"]["max_size"] == 7


def test_a_notification_is_replayed(command: Command, api: StandIn) -> None:
    url = command("create", "--steps", STEPS, "a.txt").out.strip()
    api.settle()
    where = ("--notify-url", f"{api.url}/nowhere")
    further = ("--param", "later:=1")
    ran = command("replay-notification", url, *where, *further, "--no-wait", "--json")

    assert ran.document["answer"]["ok"] == "ASSEMBLY_NOTIFICATION_REPLAYING"
    asked = [one for one in api.requests if one.operation == "replayAssemblyNotification"]
    assert [(one.params["wait"], one.params["later"]) for one in asked] == [(False, 1)]
    plain = command("replay-notification", url, *where, "--no-wait")
    assert (plain.code, plain.out) == (0, "")
    assert plain.err == "ASSEMBLY_NOTIFICATION_REPLAYING\n"


# -- sign and verify --


def test_signed_params_can_be_sent_by_another_program(command: Command, api: StandIn) -> None:
    ran = command("sign", '{"template_id": "thumbnails"}', "--expires-in", "60")
    params, signature = ran.out.splitlines()
    again = sign(
        json.loads(params),
        Credentials(api.key, api.secret),
        expires=json.loads(params)["auth"]["expires"],
        nonce=json.loads(params)["auth"]["nonce"],
    )

    assert ran.code == 0
    assert (again.params, again.signature) == (params, signature)
    expires = datetime.strptime(json.loads(params)["auth"]["expires"], "%Y/%m/%d %H:%M:%S%z")
    left = expires - datetime.now(UTC)
    assert 30 < left.total_seconds() <= 61


def test_params_to_sign_come_from_anywhere(command: Command, api: StandIn, folder: Path) -> None:
    (folder / "params.json").write_text('{"template_id": "t"}')
    inline = command("sign", '{"template_id": "t"}', "--json").document
    piped = command("sign", "-", "--json", stdin=b'{"template_id": "t"}').document
    filed = command("sign", "params.json", "--json").document

    for document in (inline, piped, filed):
        assert json.loads(document["params"])["template_id"] == "t"
        assert document["signature"].startswith("sha384:")


def pingback(api: StandIn, signature: str | None = None) -> bytes:
    text = json.dumps({"ok": "ASSEMBLY_COMPLETED", "assembly_id": UNKNOWN})
    right = Credentials(api.key, api.secret, "sha1")
    signed = _signature(text, right) if signature is None else signature
    return urlencode({"transloadit": text, "signature": signed}).encode()


def _signature(text: str, credentials: Credentials) -> str:
    return hmac.digest(credentials.secret.reveal().encode(), text.encode(), "sha1").hex()


def test_a_pingback_that_is_not_signed_well_is_exit_code_1(command: Command, api: StandIn) -> None:
    forged = command("verify", "-", stdin=pingback(api, "0" * 40))
    machine = command("verify", "-", "--json", stdin=pingback(api, "0" * 40))

    assert (forged.code, forged.out) == (1, "")
    assert "not signed with this Auth Secret" in forged.err
    assert machine.document["error"]["type"] == "PingbackError"


def test_a_pingback_that_is_signed_well_is_shown(
    command: Command, api: StandIn, folder: Path
) -> None:
    (folder / "body").write_bytes(pingback(api))
    ran = command("verify", "body")

    assert ran.code == 0
    assert "state\tASSEMBLY_COMPLETED" in ran.out
    assert command("verify", "-", "--json", stdin=pingback(api)).document["status"] == {
        "ok": "ASSEMBLY_COMPLETED", "assembly_id": UNKNOWN,
    }  # fmt: skip


def test_a_pingback_is_read_as_its_content_type_says(command: Command, api: StandIn) -> None:
    ran = command("verify", "-", "--content-type", "text/plain", stdin=pingback(api))

    assert ran.code == 1
