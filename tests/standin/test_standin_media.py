"""The Robots that the stand-in has: pictures, filters and hashes."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from transloadit_standin import StandIn

from .caller import Caller, calling


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling(media=True) as caller:
        yield caller


def picture(width: int = 400, height: int = 300, kind: str = "PNG", color: Any = "red") -> bytes:
    buffer = io.BytesIO()
    mode = "RGBA" if isinstance(color, tuple) else "RGB"
    Image.new(mode, (width, height), color).save(buffer, kind)
    return buffer.getvalue()


def made(
    caller: Caller,
    step: dict[str, Any],
    content: bytes | None = None,
    name: str = "a.png",
    **params: Any,
) -> tuple[dict[str, Any], Image.Image, bytes]:
    """The result of one Step: as the status lists it, as a picture, and its bytes."""
    steps = {"made": {"use": ":original", **step}}
    files = {"f": (name, picture() if content is None else content)}
    status = caller.finished({"steps": steps, **params}, files=files)
    assert status.get("ok") == "ASSEMBLY_COMPLETED", status
    (file,) = status["results"]["made"]
    result = caller.http.get(file["ssl_url"]).content
    return file, Image.open(io.BytesIO(result)), result


def failed(caller: Caller, step: dict[str, Any], **options: Any) -> dict[str, Any]:
    files = options.pop("files", {"f": ("a.png", picture())})
    return caller.finished({"steps": {"made": {"use": ":original", **step}}}, files=files)


WRONG = [
    ({"robot": "/image/resize", "width": 0}, "IMAGE_RESIZE_VALIDATION", "width has to be from 1"),
    ({"robot": "/image/resize", "height": 5001}, "IMAGE_RESIZE_VALIDATION", "height"),
    ({"robot": "/image/resize", "width": "wide"}, "IMAGE_RESIZE_VALIDATION", "width"),
    ({"robot": "/image/resize", "width": True}, "IMAGE_RESIZE_VALIDATION", "width"),
    ({"robot": "/image/resize", "quality": 101}, "IMAGE_RESIZE_VALIDATION", "quality"),
    ({"robot": "/image/resize", "quality": "high"}, "IMAGE_RESIZE_VALIDATION", "quality"),
    (
        {"robot": "/image/resize", "resize_strategy": "fitting"},
        "IMAGE_RESIZE_VALIDATION",
        "resize_strategy",
    ),
    ({"robot": "/image/resize", "background": "reddish"}, "IMAGE_RESIZE_VALIDATION", "color"),
    ({"robot": "/file/hash", "algorithm": "md4"}, "FILE_HASH_VALIDATION", "algorithm"),
    ({"robot": "/file/filter", "accepts": 7}, "FILE_FILTER_VALIDATION", "list of lists"),
    ({"robot": "/file/filter", "accepts": [7]}, "FILE_FILTER_VALIDATION", "three members"),
    ({"robot": "/file/filter", "accepts": [["a", "regex", "("]]}, "FILE_FILTER_VALIDATION", "("),
    ({"robot": "/file/filter", "accepts": [["a", "~", "b"]]}, "FILE_FILTER_INVALID_OPERATOR", "~"),
]


@pytest.mark.parametrize(("step", "code", "reason"), WRONG)
def test_a_wrong_argument_ends_the_assembly(
    caller: Caller, step: dict[str, Any], code: str, reason: str
) -> None:
    status = failed(caller, step)

    assert (status["error"], status["step"]) == (code, "made")
    assert reason in status["reason"]


@pytest.mark.parametrize("media", [True, False])
def test_an_empty_picture_ends_the_assembly(media: bool) -> None:
    """As the vendor's live tests see it."""
    with calling(media=media) as caller:
        status = failed(caller, {"robot": "/image/resize"}, files={"f": ("zero.jpg", b"")})

    assert status["error"] == "INVALID_INPUT_ERROR"


@pytest.mark.parametrize(
    ("step", "content", "name", "told"),
    [
        ({"robot": "/image/resize"}, b"no picture", "a.png", "no picture"),
        ({"robot": "/image/resize"}, picture()[:200], "a.png", "no image"),
        (
            {"robot": "/image/resize"},
            b"text",
            "a.txt",
            "/image/resize with 'a.txt', which is no picture",
        ),
        ({"robot": "/image/resize"}, b"<svg></svg>", "a.svg", "no picture"),
        ({"robot": "/image/resize", "resize_strategy": "crop"}, None, "a.png", "'crop'"),
        ({"robot": "/image/resize", "format": "pdf"}, None, "a.png", "'pdf'"),
        ({"robot": "/video/encode"}, None, "a.png", "/video/encode"),
        ({"robot": "/file/filter", "accepts": "${file.size < 1}"}, None, "a.png", "JavaScript"),
    ],
)
def test_what_it_cannot_do_passes_files_through_with_a_warning(
    caller: Caller, step: dict[str, Any], content: bytes | None, name: str, told: str
) -> None:
    sent = picture() if content is None else content
    status = failed(caller, step, files={"f": (name, sent)})

    (file,) = status["results"]["made"]
    assert caller.http.get(file["url"]).content == sent
    (warning,) = status["warnings"]
    assert told in warning["msg"]


def test_a_picture_larger_than_memory_should_hold_passes_through(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transloadit_standin._service.images.MAX_PIXELS", 100)

    status = failed(caller, {"robot": "/image/resize"})
    assert "more than 100 pixels" in status["warnings"][0]["msg"]


@pytest.mark.parametrize(
    ("step", "size"),
    [
        ({}, (400, 300)),
        ({"width": 100, "height": 100}, (100, 75)),
        ({"width": 100}, (100, 75)),
        ({"height": 30}, (40, 30)),
        ({"width": "50%"}, (200, 150)),
        ({"width": "80"}, (80, 60)),
        ({"width": 57}, (57, 43)),
        ({"height": 47}, (63, 47)),
        ({"width": 57, "resize_strategy": "min_fit"}, (57, 43)),
        ({"width": 800}, (800, 600)),
        ({"width": 800, "zoom": False}, (400, 300)),
        ({"width": 100, "height": 100, "resize_strategy": "min_fit"}, (133, 100)),
        ({"width": 100, "height": 100, "resize_strategy": "fillcrop"}, (100, 100)),
        ({"width": 100, "height": 100, "resize_strategy": "pad"}, (100, 100)),
        ({"width": 100, "height": 20, "resize_strategy": "stretch"}, (100, 20)),
    ],
)
def test_a_picture_is_resized(caller: Caller, step: dict[str, Any], size: tuple[int, int]) -> None:
    file, image, content = made(caller, {"robot": "/image/resize", **step})

    assert image.size == size
    assert (file["meta"]["width"], file["meta"]["height"]) == size
    assert file["md5hash"] == hashlib.md5(content).hexdigest()
    assert (file["name"], file["mime"], file["size"]) == ("a.png", "image/png", len(content))
    assert file["original_md5hash"] != file["md5hash"]


def test_padding_has_the_background(caller: Caller) -> None:
    step = {"robot": "/image/resize", "width": 100, "height": 100, "resize_strategy": "pad"}

    _, blue, _ = made(caller, {**step, "background": "#0000ff"})
    assert (blue.getpixel((0, 0)), blue.getpixel((50, 50))) == ((0, 0, 255), (255, 0, 0))
    _, clear, _ = made(caller, {**step, "background": "none"})
    assert clear.convert("RGBA").getpixel((0, 0)) == (0, 0, 0, 0)


def test_transparency_becomes_white_unless_it_is_to_be_kept(caller: Caller) -> None:
    clear = picture(color=(255, 0, 0, 0))

    _, white, _ = made(caller, {"robot": "/image/resize"}, clear)
    assert white.convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    _, kept, _ = made(caller, {"robot": "/image/resize", "background": "none"}, clear)
    assert kept.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("format_", "name", "mime"),
    [
        ("jpg", "a.jpg", "image/jpeg"),
        ("jpeg", "a.jpg", "image/jpeg"),
        ("webp", "a.webp", "image/webp"),
        ("gif", "a.gif", "image/gif"),
        ("png", "a.png", "image/png"),
    ],
)
def test_a_picture_gets_another_format(caller: Caller, format_: str, name: str, mime: str) -> None:
    file, image, _ = made(caller, {"robot": "/image/resize", "format": format_})

    assert (file["name"], file["mime"], file["original_name"]) == (name, mime, "a.png")
    assert Image.MIME[image.format or ""] == mime


def test_quality_decides_the_size(caller: Caller) -> None:
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=95)

    sizes = [
        made(caller, {"robot": "/image/resize", "quality": n}, buffer.getvalue(), "a.jpg")[0][
            "size"
        ]
        for n in (10, 90, "10")  # a form's field is a text
    ]
    assert sizes[0] == sizes[2] < sizes[1] / 2


def test_optimizing_makes_a_picture_smaller_or_leaves_it(caller: Caller) -> None:
    step = {"robot": "/image/optimize"}
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "PNG", compress_level=0)
    large, small = buffer.getvalue(), picture(1, 1)

    _, image, content = made(caller, step, large)
    assert (len(content) < len(large), image.size) == (True, (256, 256))
    assert made(caller, step, small)[2] == small


def test_a_picture_that_lies_on_its_side_is_turned(caller: Caller) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif)

    _, image, _ = made(caller, {"robot": "/image/resize"}, buffer.getvalue(), "a.jpg")
    assert image.size == (30, 40)


def test_variables_are_filled_in(caller: Caller) -> None:
    step = {"robot": "/image/resize", "width": "${fields.width}", "format": "${file.nothing}"}

    _, image, _ = made(caller, step, fields={"width": 40})
    assert image.size == (40, 30)


def test_steps_pass_their_files_on(caller: Caller) -> None:
    steps = {
        "pictures": {"robot": "/file/filter", "accepts": [["${file.mime}", "regex", "image"]]},
        "small": {"robot": "/image/resize", "use": "pictures", "width": 40},
        "hashed": {"robot": "/file/hash", "use": "small", "algorithm": "md5"},
    }
    files = [("f", ("a.png", picture())), ("f", ("b.txt", b"text"))]

    status = caller.finished({"steps": steps}, files=files)
    assert status["results"].keys() == {"hashed"}
    (file,) = status["results"]["hashed"]
    assert file["meta"] == {"width": 40, "height": 30, "hash": file["md5hash"]}
    assert file["original_id"] == status["uploads"][0]["id"]


@pytest.mark.parametrize(
    ("filter_", "passes"),
    [
        ({}, True),
        ({"accepts": None}, True),
        ({"accepts": []}, False),
        ({"declines": []}, True),
        ({"accepts": [["${file.size}", "<", "1kb"]]}, True),
        ({"accepts": [["${file.size}", ">", 1024]]}, False),
        ({"accepts": [["720", ">=", "${file.size}"]]}, True),
        ({"accepts": [["${file.mime}", "=", "text/plain"]]}, True),
        ({"accepts": [["${file.mime}", "!==", "text/plain"]]}, False),
        ({"accepts": [["${file.name}", "!regex", "png$"]]}, True),
        ({"accepts": [["${file.name}", "includes", "txt"]]}, True),
        ({"accepts": [[["a", "b"], "!includes", "b"]]}, False),
        ({"accepts": [["${file.meta.codec}", "empty"]]}, True),
        ({"accepts": [["${file.name}", "!empty", ""]]}, True),
        ({"accepts": [["${fields.kind}", "==", "document"]]}, True),
        ({"accepts": [["a", "=", "b"], ["a", "=", "a"]]}, True),
        ({"accepts": [["a", "=", "b"], ["a", "=", "a"]], "condition_type": "and"}, False),
        ({"declines": [["${file.ext}", "=", "txt"]]}, False),
        ({"accepts": [["1", "=", "1.0"]], "declines": [["1", "<", "x"]]}, True),
        ({"accepts": [["1", "<=", "1"]], "declines": [["2", "!=", "2"]]}, True),
    ],
)
def test_files_are_filtered(caller: Caller, filter_: dict[str, Any], passes: bool) -> None:
    steps = {"kept": {"robot": "/file/filter", "use": ":original", **filter_}}
    params = {"steps": steps, "fields": {"kind": "document"}}

    status = caller.finished(params, files={"f": ("a.txt", b"text")})
    assert ("kept" in status["results"]) is passes


def test_a_declined_file_can_be_an_error(caller: Caller) -> None:
    step = {"accepts": [], "error_on_decline": True, "error_msg": "Pictures only"}

    status = failed(caller, {"robot": "/file/filter", **step})
    assert (status["error"], status["message"]) == ("FILE_FILTER_DECLINED_FILE", "Pictures only")


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha384", None])
def test_files_are_hashed(caller: Caller, algorithm: str | None) -> None:
    step = {"robot": "/file/hash", **({"algorithm": algorithm} if algorithm else {})}

    status = caller.finished({"steps": {"h": step}}, files={"f": ("a.txt", b"text")})
    expected = hashlib.new(algorithm or "sha256", b"text").hexdigest()
    assert status["results"]["h"][0]["meta"] == {"hash": expected}


def test_without_pillow_pictures_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transloadit_standin._standin.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"transloadit-client\[media\]"):
        StandIn(media=True)

    with calling() as caller:
        _, image, content = made(caller, {"robot": "/image/resize", "width": 10})
    assert (image.size, content) == ((400, 300), picture())


def test_the_kind_of_a_file_is_seen_in_its_bytes(caller: Caller) -> None:
    svg = b'<?xml version="1.0"?><svg height="100" width="100"></svg>'
    contents = {
        "a": picture(),
        "b": picture(kind="JPEG"),
        "c": svg,
        "d.bin": b"%PDF-1.7",
        "e.mp3": b"x",
    }
    files = [
        ("f", (name, content, "application/octet-stream")) for name, content in contents.items()
    ]

    status = caller.finished({"steps": {"h": {"robot": "/file/hash"}}}, files=files)
    found = [(file["mime"], file["ext"], file["type"]) for file in status["uploads"]]
    assert found == [
        ("image/png", "png", "image"),
        ("image/jpeg", "jpg", "image"),
        ("image/svg+xml", "svg", "image"),
        ("application/pdf", "bin", None),
        ("audio/mpeg", "mp3", "audio"),
    ]
    assert status["uploads"][1]["meta"] == {"width": 400, "height": 300}
    assert json.dumps(status)
