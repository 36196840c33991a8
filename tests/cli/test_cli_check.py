"""`check`, which finds mistakes in Steps, and `smart-cdn`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import smart_cdn
from transloadit_client.cli.local import problems, robots

Command = Callable[..., Any]
TABLE = json.loads((Path(__file__).parents[2] / "openapi" / "robots.json").read_text())


def step(robot: str = "/image/resize", **more: Any) -> dict[str, Any]:
    return {"robot": robot, **more}


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ({}, [("-", "there are no Steps")]),
        ({"a": 5}, [("a", "is a int, not an object")]),
        ({"a": {"use": ":original"}}, [("a", "names no Robot: give one, such as robot: …")]),
        ({"a": {"robot": 5}}, [("a", "names no Robot: …")]),
        (
            {"a": step("/image/resise")},
            [("a", "there is no Robot '/image/resise'; did you mean '/image/resize'?")],
        ),
        ({"a": step("nothing of the kind")}, [("a", "there is no Robot 'nothing of the kind'")]),
        (
            {"resized": step(), "a": step(use="resize")},
            [("a", "uses 'resize', which is no Step; did you mean 'resized'?")],
        ),
        ({"a": step(use=["b", ":original"])}, [("a", "uses 'b', which is no Step")]),
        ({"a": step(use={"steps": ["b"]})}, [("a", "uses 'b', which is no Step")]),
        ({"a": step(use={"steps": [{"name": "b"}]})}, [("a", "uses 'b', which is no Step")]),
        ({"a": step(use="a")}, [("a", "is in a circle of Steps: a uses a")]),
        (
            {"a": step(use="b"), "b": step(use="c"), "c": step(use="a")},
            [("a", "is in a circle of Steps: a uses b uses c uses a")],
        ),
    ],
)
def test_mistakes_are_found(steps: Any, found: list[tuple[str, str]]) -> None:
    came = list(problems(steps, robots()))

    assert [name for name, _ in came] == [name for name, _ in found]
    for (_, sentence), (_, right) in zip(came, found, strict=True):
        assert sentence.startswith(right.rstrip("…"))


@pytest.mark.parametrize(
    "use",
    [
        ":original", ["made", ":original"], {"steps": "made"},
        {"steps": ["made"], "bundle_steps": True},
        {"steps": [{"name": "made", "as": "base"}], "fields": "photo"}, [{"name": "made"}],
        "${fields.step}", None, 7,
    ],
)  # fmt: skip
def test_every_form_of_use_is_understood(use: Any) -> None:
    steps = {"made": step(use=":original"), "a": step(use=use)}

    assert list(problems(steps, robots())) == []


def test_problems_are_lines_and_exit_code_1(command: Command) -> None:
    Path("steps.yaml").write_text("a: {robot: /image/resise}\nb: {robot: /file/hash, use: c}")
    plain, machine = command("check", "steps.yaml"), command("check", "steps.yaml", "--json")

    assert plain.code == machine.code == 1
    assert plain.out.splitlines() == [
        "a\tthere is no Robot '/image/resise'; did you mean '/image/resize'?",
        "b\tuses 'c', which is no Step",
    ]
    assert [row["step"] for row in machine.document["problems"]] == ["a", "b"]


def test_no_problems_are_exit_code_0(command: Command) -> None:
    Path("template.json").write_text(json.dumps({"steps": {"a": step(use=":original")}}))
    plain, machine = command("check", "template.json"), command("check", "template.json", "--json")

    assert (plain.code, plain.out, plain.err) == (0, "", "No problems found.\n")
    assert machine.document == {"exit_code": 0, "problems": []}


def test_the_table_of_robots_is_sorted_and_tells_its_origin() -> None:
    names = TABLE["robots"]

    assert names == sorted(set(names))
    assert all(name.count("/") == 2 and name == name.lower() for name in names)
    assert {"/image/resize", "/video/encode", "/upload/handle", "/s3/store"} <= set(names)
    assert "@transloadit/node" in TABLE["origin"]


def test_the_table_is_the_one_of_the_checkout() -> None:
    assert robots() == frozenset(TABLE["robots"])


# -- smart-cdn --


def test_a_smart_cdn_url_without_credentials_is_refused(command: Command) -> None:
    ran = command("smart-cdn", "acme", "thumbnail", "cat.jpg")

    assert ran.code == 2
    assert "TRANSLOADIT_SECRET" in ran.err


def test_a_smart_cdn_url_is_signed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSLOADIT_KEY", "a-key")
    monkeypatch.setenv("TRANSLOADIT_SECRET", "a-secret")
    ran = command(
        "smart-cdn", "acme", "thumbnail", "a/b.jpg", "-f", "w:=200", "-f", "tag:=[1, 2]", "-j",
        "--expires-in", "60",
    )  # fmt: skip
    url = ran.document["url"]
    params: dict[str, int | list[int]] = {"w": 200, "tag": [1, 2]}
    expires = int(url.partition("exp=")[2].partition("&")[0])

    assert ran.code == 0
    assert url == smart_cdn.sign_url(
        "acme", "thumbnail", "a/b.jpg", params, key="a-key", secret="a-secret", expires_at=expires,
    )  # fmt: skip
    assert command("smart-cdn", "acme", "thumbnail").out.startswith("https://acme.tlcdn.com/")
