"""Progress as people and machines see it."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from transloadit_client import AssemblyStatus, Attempt, Progress
from transloadit_client.cli.output import size
from transloadit_client.cli.progress import Lines, Mode, sentence
from transloadit_client.cli.session import Session


def shown(mode: Mode) -> AbstractContextManager[Callable[[Progress], None]]:
    return Session(progress=mode).showing()


def progress(phase: Any = "uploading", **told: Any) -> Progress:
    return Progress(assembly_id="abc", phase=phase, **told)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (progress(), "uploading: 0 bytes"),
        (
            progress(bytes_sent=1500, bytes_to_send=3_000_000, files_sent=1, files_to_send=2),
            "uploading: 1 of 2 files, 1.5 kB of 3.0 MB",
        ),
        (progress(bytes_to_send=0, files_to_send=1), "uploading: 0 of 1 files, 0 bytes of 0 bytes"),
        (progress("executing"), "executing: 0 results"),
        (progress("executing", percent=49.6), "executing: 0 results, 50 %"),
        (
            progress("downloading", bytes_saved=5, bytes_to_save=10, files_to_save=3),
            "downloading: 0 of 3 files, 5 bytes of 10 bytes",
        ),
        (progress("done"), "done"),
    ],
)
def test_progress_is_a_sentence(told: Progress, text: str) -> None:
    assert sentence(told) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (10**6, "1.0 MB"),
        (200 * 10**9, "200.0 GB"),
        (10**12, "1.0 TB"),
        (10**17, "100000.0 TB"),
    ],
)
def test_sizes_have_the_unit_that_suits_them(count: float, text: str) -> None:
    assert size(count) == text


def test_a_log_has_a_line_for_each_phase_and_one_every_few_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    lines = Lines(lambda: now)
    for now, phase in [  # noqa: B007  # the clock reads it
        (0.0, "uploading"), (1.0, "uploading"), (4.9, "uploading"), (5.0, "uploading"),
        (5.1, "executing"), (5.2, "done"), (5.3, "done"),
    ]:  # fmt: skip
        lines(progress(phase))

    told = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == ["uploading", "uploading", "executing", "done"]


FAILED = Attempt("no\nroute.", "never sent", "send the same bytes again", 1.5, 2, 5)


def test_retries_have_lines_of_their_own_and_not_too_many(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    lines = Lines(lambda: now)
    for now, phase in [  # noqa: B007  # the clock reads it
        (0.0, "uploading"), (1.0, "retrying"), (1.5, "uploading"), (5.9, "retrying"),
        (6.0, "retrying"),
    ]:  # fmt: skip
        lines(progress(phase, retry=FAILED if phase == "retrying" else None))

    told = capsys.readouterr().err.splitlines()
    assert told == [
        "uploading: 0 bytes",
        *["retrying: no\\nroute; again in 1.5 s (attempt 2 of 5 failed)"] * 2,
    ]


def test_an_attempt_that_time_alone_ends_has_no_number_of_them() -> None:
    failed = Attempt("HTTP 429", "refused by a rate limit", "read it again", None, 3)

    text = sentence(progress("retrying", retry=failed))

    assert text == "retrying: HTTP 429; again in 0.0 s (attempt 3 failed)"


def test_machines_are_told_of_the_attempt_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("json") as show:
        show(progress("retrying", retry=FAILED))

    told = json.loads(capsys.readouterr().err)
    assert told["phase"] == "retrying"
    assert told["retry"]["delay"] == 1.5
    assert (told["retry"]["number"], told["retry"]["most"]) == (2, 5)


def test_bars_go_on_below_the_line_of_a_retry(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with shown("bars") as show:
        show(progress("uploading", bytes_sent=1, bytes_to_send=2))
        show(progress("retrying", retry=FAILED, bytes_sent=1, bytes_to_send=2))

    line, bar, _ = capsys.readouterr().err.split("\n")
    assert line.startswith("retrying: no\\nroute; again in 1.5 s")
    assert bar.startswith("uploading")
    assert "━" * 40 not in bar


def test_without_a_terminal_there_are_lines_and_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with shown("auto") as show:
        show(progress())

    assert capsys.readouterr().err == "uploading: 0 bytes\n"


def test_progress_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("none") as show:
        show(progress())

    assert capsys.readouterr() == ("", "")


def test_machines_get_a_line_of_json_for_all_that_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with shown("json") as show:
        show(progress(bytes_sent=5))
        show(progress("executing", percent=50.0))

    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["phase"], first["bytes_sent"], first["bytes_to_send"]) == ("uploading", 5, None)
    assert (second["phase"], second["percent"], second["results"]) == ("executing", 50.0, 0)


@pytest.mark.parametrize(
    "phases",
    [
        ["executing", "done"],
        ["uploading", "downloading", "done"],
        ["uploading", "uploading", "executing", "executing", "done"],
    ],
)
def test_bars_that_have_passed_are_full(
    phases: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the last thing was that was told of a phase."""
    monkeypatch.setenv("COLUMNS", "100")
    with shown("bars") as show:
        for phase in phases:
            show(progress(phase, bytes_sent=1, bytes_to_send=2, bytes_saved=1, bytes_to_save=3))

    *bars, _ = capsys.readouterr().err.split("\n")
    assert [bar.split()[0] for bar in bars] == list(dict.fromkeys(phases[:-1]))
    assert all("━" * 24 in bar for bar in bars)


def test_a_bar_of_files_that_went_along_with_the_request_tells_that_they_arrived(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is told of them is that they leave."""
    monkeypatch.setenv("COLUMNS", "100")
    with shown("bars") as show:
        show(progress("uploading", bytes_to_send=2, files_to_send=1))
        show(progress("executing"))

    assert "1 of 1 files, 2 bytes of 2 bytes" in capsys.readouterr().err


def test_the_assembly_at_work_is_known_by_its_url_once_that_is_told() -> None:
    status = AssemblyStatus.from_dict({"assembly_id": "abc", "assembly_ssl_url": "https://x/abc"})
    session = Session(assembly="abc", progress="none")
    with session.showing() as on_progress:
        on_progress(progress())
        before = session.assembly
        on_progress(progress(status=status))

    assert (before, session.assembly) == ("abc", "https://x/abc")
