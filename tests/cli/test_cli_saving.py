"""`-o`, names of Steps, and several Assemblies at once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transloadit_standin import StandIn

Command = Callable[..., Any]

COMMAND = str(Path(sys.executable).with_name("transloadit-client"))
STEPS = '{"resized": {"robot": "/image/resize", "use": ":original"}}'
RUN = ("run", "--steps", STEPS)
ONE = (*RUN, "--step", "resized", "a.txt")
UNKNOWN = "0" * 32


@pytest.fixture
def url(command: Command, api: StandIn) -> str:
    """An Assembly that has completed, of two files."""
    created = command("create", "--steps", STEPS, "a.txt", "b.txt")
    api.settle()
    api.requests.clear()
    return str(created.out).strip()


# -- -o --


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-o", "out.txt", "--save-to", "out"), "-o and --save-to exclude each other"),
        (("-o", "-", "--json"), "-o - and --json both write to the standard output"),
        (("-o", "nowhere/out.txt"), "the folder 'nowhere' is not there"),
    ],
)
def test_a_place_that_makes_no_sense_is_refused(
    command: Command, api: StandIn, arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command(*ONE, *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
    assert api.requests == []


@pytest.mark.parametrize("verb", ["run", "results", "map"])
def test_a_result_that_is_too_large_is_not_saved(command: Command, url: str, verb: str) -> None:
    """And the message names the option, not Python's argument."""
    Path("small.txt").write_bytes(b"x")
    Path("large.txt").write_bytes(b"x" * 500)
    typed = {
        "run": (*RUN, "small.txt", "large.txt"),
        "results": ("results", command("run", "--steps", STEPS, "large.txt", "--json").document
                    ["assembly"]),
        "map": ("map", "--steps", STEPS, "small.txt", "large.txt"),
    }  # fmt: skip

    ran = command(*typed[verb], "--save-to", "out", "--max-size", "100")

    assert ran.code == 7
    assert "has more bytes than --max-size allows (100)" in ran.err
    assert not list(Path("out").rglob("large.txt/*/large.txt")) + list(Path("out").rglob("*.part"))
    if verb != "results":
        assert [one.read_bytes() for one in Path("out").rglob("small.txt") if one.is_file()] == [
            b"x"
        ]


@pytest.mark.parametrize("verb", ["run", "upload"])
def test_chunks_are_as_large_as_was_asked_for(command: Command, api: StandIn, verb: str) -> None:
    Path("large.bin").write_bytes(b"x" * 2_500_000)
    typed = {
        "run": (*RUN, "large.bin", "--tus-above", "0"),
        "upload": ("upload", "", "large.bin"),
    }
    if verb == "upload":
        created = command("create", "--steps", STEPS, "--expect", "1").out.strip()
        typed["upload"] = ("upload", created, "large.bin")

    assert command(*typed[verb], "--chunk-size", "1000000").code == 0

    sizes = [one.body_size for one in api.requests if one.operation == "tusPatch"]
    assert sizes == [1_000_000, 1_000_000, 500_000]


def test_several_results_do_not_fit_into_one_file(command: Command, url: str) -> None:
    ran = command("results", url, "-o", "out.txt", "--step", "resized", "--json")

    assert ran.code == 7
    assert "-o takes one result, and the Assembly has 2:\n  resized: a.txt\n" in ran.err
    assert not Path("out.txt").exists()
    program, *again = ran.document["resume"].split()
    assert program == "transloadit-client"
    assert command(*again).code == 0
    assert Path("results/resized/b.txt").read_bytes() == b"the second"


def test_a_download_that_fails_leaves_an_old_file_alone(command: Command, api: StandIn) -> None:
    Path("out.txt").write_bytes(b"from yesterday")
    api.answer_next(404, b"", operation="downloadFile", times=9)
    ran = command(*ONE, "-o", "out.txt")

    assert ran.code == 7
    assert Path("out.txt").read_bytes() == b"from yesterday"
    assert sorted(path.name for path in Path().iterdir()) == ["a.txt", "b.txt", "out.txt"]


def test_one_result_is_saved_as_the_file_that_was_named(command: Command, api: StandIn) -> None:
    Path("out.txt").write_bytes(b"from yesterday")
    ran = command(*ONE, "-o", "out.txt")

    assert (ran.code, ran.out) == (0, "out.txt\n")
    assert Path("out.txt").read_bytes() == b"first"
    assert sorted(path.name for path in Path().iterdir()) == ["a.txt", "b.txt", "out.txt"]


def test_one_result_goes_to_the_standard_output(api: StandIn) -> None:
    done = subprocess.run([COMMAND, *ONE, "-o", "-"], capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (0, b"first")


def test_one_result_for_a_full_disk_is_exit_code_74(api: StandIn) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([COMMAND, *ONE, "-o", "-"], stdout=full, check=False)

    assert done.returncode == 74


@pytest.mark.parametrize("place", ["out/", "there"])
def test_a_folder_gets_all_results(command: Command, api: StandIn, place: str) -> None:
    Path("there").mkdir()
    ran = command(*RUN, "a.txt", "b.txt", "--step", "resized", "-o", place)

    assert ran.code == 0
    assert Path(place, "resized", "b.txt").read_bytes() == b"the second"


# -- Steps that do not exist --


def test_a_step_that_the_steps_do_not_have_is_refused_before_anything_is_sent(
    command: Command, api: StandIn
) -> None:
    ran = command(*RUN, "a.txt", "--step", "resize")

    assert ran.code == 2
    assert "--step resize: there is no such Step; there are: :original, resized" in ran.err
    assert api.requests == []


@pytest.mark.parametrize("more", [(), ("--save-to", "out"), ("-o", "out.txt")])
def test_a_step_that_an_assembly_does_not_have_is_refused(
    command: Command, url: str, more: tuple[str, ...]
) -> None:
    ran = command("results", url, "--step", "resize", *more)

    assert (ran.code, ran.out) == (2, "")
    assert "--step resize: there is no such Step; there are: " in ran.err
    assert "resized" in ran.err
    assert not Path("out").exists()


@pytest.mark.parametrize("params", ["[]", "{}", '{"steps": 5}', "no JSON", None, 7])
def test_a_status_may_say_anything_of_its_params(
    command: Command, api: StandIn, params: Any
) -> None:
    status = {"ok": "ASSEMBLY_COMPLETED", "assembly_id": UNKNOWN, "params": params, "results": {}}
    api.answer_next(200, json.dumps(status).encode())
    ran = command("results", UNKNOWN, "--step", "resized")

    assert ran.code == 2
    assert "there are: none" in ran.err


def test_a_step_that_made_nothing_is_a_step(command: Command, api: StandIn) -> None:
    status = {
        "ok": "ASSEMBLY_COMPLETED", "assembly_id": UNKNOWN, "results": {},
        "params": json.dumps({"steps": {"faces": {"robot": "/image/facedetect"}}}),
    }  # fmt: skip
    api.answer_next(200, json.dumps(status).encode())
    ran = command("results", UNKNOWN, "--step", "faces")

    assert (ran.code, ran.out, ran.err) == (0, "", "")


# -- several Assemblies --


def test_an_error_of_one_assembly_stops_no_other(command: Command, url: str) -> None:
    ran = command("status", UNKNOWN, url)
    machine = command("status", UNKNOWN, url, "--json")

    assert ran.code == machine.code == 3
    assert "ASSEMBLY_NOT_FOUND" in ran.err
    assert ran.out.startswith(f"assembly\t{url}\n")
    first, second = machine.document["assemblies"]
    assert first["error"]["code"] == "ASSEMBLY_NOT_FOUND"
    assert second["assembly"] == url


def test_several_are_waited_for_until_one_deadline(command: Command, api: StandIn) -> None:
    urls = [command("create", "--steps", STEPS, "--expect", "1").out.strip() for _ in range(3)]
    ran = command("wait", *urls, "--deadline", "0", "--progress", "none")

    assert ran.code == 6
    assert ran.err.count("was still ASSEMBLY_UPLOADING") == 3
    assert ran.err.count("To resume where it stopped") == 1


def test_several_are_waited_for_and_canceled(command: Command, api: StandIn) -> None:
    urls = [command("create", "--steps", STEPS, "a.txt").out.strip() for _ in range(2)]
    waited = command("wait", *urls)
    canceled = command("cancel", *urls)

    assert waited.code == canceled.code == 0
    assert waited.out == canceled.out
    assert waited.out.count("state\tASSEMBLY_COMPLETED") == 2


def test_several_that_would_be_canceled_are_all_shown(command: Command, api: StandIn) -> None:
    ran = command("cancel", "a" * 32, "b" * 32, "--dry-run")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"DELETE {api.url}/assemblies/{'a' * 32}", f"DELETE {api.url}/assemblies/{'b' * 32}",
    ]  # fmt: skip
    assert api.requests == []
