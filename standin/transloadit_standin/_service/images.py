"""`/image/resize` and `/image/optimize`, with Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageColor, ImageOps

from .._codes import Refusal
from .processing import NotDone

if TYPE_CHECKING:
    from .files import AssemblyFile

Color = tuple[int, int, int]
MAX_PIXELS = 50_000_000
"""Of an image that is read, and of one that is made: more than that would fill the memory."""
MAX_SIDE = 5000
"""Pixels; the service has the same limit."""
FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP"}
"""The formats that are written, by their names in Instructions."""
STRATEGIES = ("fit", "fillcrop", "min_fit", "pad", "stretch")
OPTIMIZED_QUALITY = 80


class Made:
    """An image that was made."""

    def __init__(self, image: Image.Image, kind: str, **options: Any) -> None:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        self.content = buffer.getvalue()
        self.extension = next(name for name, written in FORMATS.items() if written == kind)
        self.meta = {"width": image.width, "height": image.height}


def measure(file: AssemblyFile) -> dict[str, int]:
    """Width and height of an image; empty for other files."""
    try:
        with Image.open(file.stored.path) as image:
            return {"width": image.width, "height": image.height}
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return {}


def resize(step: dict[str, Any], file: AssemblyFile) -> Made:
    """`/image/resize`.

    Raises:
        Refusal: an argument is wrong.
        NotDone: this would need more than Pillow, or the file is no image. Tests often upload a few
            bytes under the name of a picture; the service would refuse those.
    """
    strategy = step.get("resize_strategy", "fit")
    if strategy == "crop":
        raise NotDone("the resize_strategy 'crop'")
    if strategy not in STRATEGIES:
        known = ", ".join((*STRATEGIES, "crop"))
        raise Refusal("IMAGE_RESIZE_VALIDATION", f"resize_strategy has to be one of {known}")
    image, kind = _open(file)
    size = _side(step, "width", image.width), _side(step, "height", image.height)
    wanted = _wanted(step, image.size, size)
    if None in size:  # the frame has the picture's own shape, up to half a pixel
        strategy = "stretch"
    kind = _kind(step.get("format"), kind)
    background = _background(step.get("background", "#FFFFFF"))
    return _written(_resized(image, wanted, strategy, background), kind, _quality(step), background)


def optimize(step: dict[str, Any], file: AssemblyFile) -> Made | None:  # noqa: ARG001 - as resize
    """`/image/optimize`: the image encoded again; None if that makes it no smaller."""
    image, kind = _open(file)
    made = _written(image, kind, OPTIMIZED_QUALITY, None)
    return made if len(made.content) < file.stored.size else None


def _open(file: AssemblyFile) -> tuple[Image.Image, str]:
    try:
        with Image.open(file.stored.path) as opened:
            kind = opened.format or ""
            if opened.width * opened.height > MAX_PIXELS:
                raise NotDone(f"images of more than {MAX_PIXELS:,} pixels")
            return ImageOps.exif_transpose(opened), kind
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotDone(f"{file.stored.name!r}, which is no image") from error


def _side(step: dict[str, Any], name: str, default: int) -> int | None:
    value = step.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdecimal():
        value = round(default * int(value[:-1]) / 100)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not int or not 1 <= value <= MAX_SIDE:
        raise Refusal("IMAGE_RESIZE_VALIDATION", f"{name} has to be from 1 to {MAX_SIDE} pixels")
    return value


def _wanted(
    step: dict[str, Any], original: tuple[int, int], size: tuple[int | None, int | None]
) -> tuple[int, int]:
    """The frame to fill; a side that is not given follows from the other one."""
    (width, height), (own_width, own_height) = size, original
    if width is None and height is None:
        return original
    if width is None:
        width = max(1, round(own_width * (height or 1) / own_height))
    if height is None:
        height = max(1, round(own_height * width / own_width))
    if step.get("zoom") is False:
        width, height = min(width, own_width), min(height, own_height)
    return min(width, MAX_SIDE), min(height, MAX_SIDE)


def _kind(named: Any, original: str) -> str:
    kind = original if named in (None, "") else FORMATS.get(str(named).lower(), str(named))
    if kind not in FORMATS.values():
        raise NotDone(f"the format {kind!r}")
    return kind


def _quality(step: dict[str, Any]) -> int:
    quality = step.get("quality")
    if quality is None:
        return 92
    if isinstance(quality, str) and quality.isdecimal():  # as a form's field fills it in
        quality = int(quality)
    if type(quality) is not int or not 1 <= quality <= 100:
        raise Refusal("IMAGE_RESIZE_VALIDATION", "quality has to be from 1 to 100")
    return quality


def _background(named: Any) -> Color | None:
    """A color, None for a transparent background."""
    if named in ("none", "transparent"):
        return None
    try:
        red, green, blue, *_ = ImageColor.getrgb(str(named))
    except ValueError as error:
        raise Refusal("IMAGE_RESIZE_VALIDATION", f"background is no color: {named!r}") from error
    return red, green, blue


def _resized(
    image: Image.Image, size: tuple[int, int], strategy: str, background: Color | None
) -> Image.Image:
    # Palettes and the like have no colors between theirs, which every resampling needs.
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    match strategy:
        case "fillcrop":
            return ImageOps.fit(image, size)
        case "min_fit":
            return ImageOps.cover(image, size)
        case "pad":
            image = image if background is not None else image.convert("RGBA")
            return ImageOps.pad(image, size, color=background or (0, 0, 0, 0))
        case "stretch":
            return image.resize(size)
        case _:
            return ImageOps.contain(image, size)


def _written(image: Image.Image, kind: str, quality: int, background: Color | None) -> Made:
    if kind == "JPEG":
        image = _flattened(image, background or (255, 255, 255))
    elif background is not None:
        image = _flattened(image, background)
    options = {"quality": quality} if kind in ("JPEG", "WEBP") else {"optimize": True}
    return Made(image, kind, **options)


def _flattened(image: Image.Image, background: Color) -> Image.Image:
    """JPEG has no transparency, and the service fills it with white unless told otherwise."""
    if not image.has_transparency_data:
        return image if image.mode in ("L", "RGB") else image.convert("RGB")
    layer = Image.new("RGBA", image.size, (*background, 255))
    layer.alpha_composite(image.convert("RGBA"))
    return layer.convert("RGB")
