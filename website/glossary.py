"""Links the first use of each word of the glossary, on the pages for people who begin.

The words are the headings below "Glossary" in `docs/concepts.md`. Headings, code and links stay as
they are.
"""

import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

GLOSSARY = Path(__file__).parents[1] / "docs" / "concepts.md"
# In small letters these are words of everybody's.
_ONLY_AS_NAMES = {"Assembly", "Result", "Robot", "Step", "Template"}
_LEFT_ALONE = {"a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
_PAGES = re.compile(r"(how-to/\w.*|installation|quickstart|tutorial|moving-from-pytransloadit)\.md")


@cache
def words() -> dict[str, str]:
    """The words, each with the anchor of its entry; longer ones first."""
    _, _, glossary = GLOSSARY.read_text(encoding="utf-8").partition("\n## Glossary\n")
    found = {}
    for heading in re.findall(r"^### (.+)$", glossary, re.MULTILINE):
        anchor = re.sub(r"[^a-z0-9]+", "-", heading.lower())
        for word in heading.split(", "):
            found[word] = anchor
            if word not in _ONLY_AS_NAMES:
                found[word[0].lower() + word[1:]] = anchor
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words()))})\b")


def linked(root: Element, path: str) -> None:
    """Puts the links into the page of this path in `docs/`; a word that has one needs no other."""
    if _PAGES.fullmatch(path):
        glossary = posixpath.relpath("concepts.md", posixpath.dirname(path) or ".")
        seen = {link.get("href", "").rpartition("#")[2] for link in root.iter("a")}
        for element in list(_prose(root)):
            _link(element, glossary, seen)


def _prose(element: Element) -> Iterator[Element]:
    if element.tag not in _LEFT_ALONE:
        yield element
        for child in element:
            yield from _prose(child)


def _link(element: Element, glossary: str, seen: set[str]) -> None:
    """Links the words in the text of an element, and in the texts behind its children."""
    texts = [(0, element.text), *((place, child.tail) for place, child in enumerate(element, 1))]
    split = [(place, *_split(text or "", glossary, seen)) for place, text in texts]
    for place, before, links in reversed(split):  # from the end, so that places stay what they are
        if not links:
            continue
        if place == 0:
            element.text = before
        else:
            element[place - 1].tail = before
        for link in reversed(links):
            element.insert(place, link)


def _split(text: str, glossary: str, seen: set[str]) -> tuple[str, list[Element]]:
    """The text before the first link, and the links with what follows each."""
    links: list[Element] = []
    before, end = text, 0
    for found in _pattern().finditer(text):
        anchor = words()[found[1]]
        if anchor in seen:
            continue
        seen.add(anchor)
        if links:
            links[-1].tail = text[end : found.start()]
        else:
            before = text[: found.start()]
        link = SubElement(Element("p"), "a", {"href": f"{glossary}#{anchor}"})
        link.text, end = found[1], found.end()
        link.tail = text[end:]
        links.append(link)
    return before, links
