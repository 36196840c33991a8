"""Makes file names of the names in a status: safe in every file system, and each once. Pure."""

import unicodedata

_LONGEST = 200  # of the 255 bytes or UTF-16 units that file systems take; the rest is for `.part`
_LONGEST_SUFFIX = 32
_FORBIDDEN = frozenset('<>:"/\\|?*')  # by Windows
_JOINERS = frozenset("\u200c\u200d")  # invisible, but emoji and some scripts are made with them
_PORTS = [f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"]
_DEVICES = frozenset(["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", *_PORTS])


def safe_name(given: object, otherwise: str) -> str:
    """A name that stays in its folder, is visible, and can be written on Linux, macOS and Windows.

    Args:
        given: the value in the status, of any type.
        otherwise: the name to use if that is no text, or empty; a safe one.
    """
    text = given if isinstance(given, str) else ""
    if len(text) > 8 * _LONGEST:  # no more than that can matter, and each character takes its time
        text = text[: 7 * _LONGEST] + text[-_LONGEST:]
    text = unicodedata.normalize("NFC", text)
    text = "".join("_" if _is_unsafe(character) else character for character in text)
    text = text.strip(" ").rstrip(". ")  # Windows drops them in silence
    if not text:
        return otherwise
    if text.startswith(".") or text.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        text = f"_{text}"
    return _fitted(*_parts(text)).rstrip(". ")


def numbered(name: str, number: int) -> str:
    """`name`; for the second one of that name `name-2`, before the suffix; and so on."""
    if number == 1:
        return name
    stem, suffix = _parts(name)
    return _fitted(stem, f"-{number}{suffix}")


def same_name(name: str) -> str:
    """A key that is equal for two names if some file system takes them for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_unsafe(character: str) -> bool:
    category = unicodedata.category(character)
    # Control characters, surrogates, marks of direction, line ends, and unassigned code points,
    # which macOS refuses.
    invisible = category.startswith("C") or category in ("Zl", "Zp")
    return character in _FORBIDDEN or (invisible and character not in _JOINERS)


def _parts(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and len(suffix) <= _LONGEST_SUFFIX else (name, "")


def _fitted(stem: str, tail: str) -> str:
    """Stem and tail, of which the stem is cut where both are too long."""
    stem = stem[:_LONGEST]
    while _length(stem + tail) > _LONGEST:
        stem = stem[:-1]
    return stem + tail


def _length(name: str) -> int:
    """As the file system counts that counts most: bytes, or UTF-16 units of the decomposed name."""
    units = unicodedata.normalize("NFD", name).encode("utf-16-le")
    return max(len(name.encode()), len(units) // 2)
