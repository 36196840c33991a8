"""Checks the built site: `python -m website.check site`; `make docs` runs it.

A page must be readable without any other host: no font, script, style or picture comes from one.
And each address inside the site must lead to a file of it, and to a heading that the file has, also
where no Markdown link wrote it.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {"img": "src", "link": "href", "script": "src", "source": "src", "iframe": "src"}
_CSS_URL = re.compile(r"(?:url\(|@import )['\"]?(https?:)?//")


class _Addresses(HTMLParser):
    """The addresses that a page fetches, those that it links to, and the places on it."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {name for name in (given.get("id"), given.get("name")) if name}
        address = given.get(_FETCHED.get(tag, ""))
        if address and given.get("rel") not in ("canonical", "alternate"):
            self.fetched.append(address)
        elif tag == "a" and (address := given.get("href")):
            self.linked.append(address)


def problems(site: Path) -> list[str]:
    """The defects of a site, a sentence each."""
    found = [
        f"{path.relative_to(site)} fetches from another host"
        for path in site.rglob("*.css")
        if _CSS_URL.search(path.read_text(encoding="utf-8"))
    ]
    pages = {path.resolve(): _read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        found += [
            f"{name} fetches {address}" for address in page.fetched if urlsplit(address).netloc
        ]
        if path.name == "404.html":
            continue  # it is shown under any path, and so has its own way of linking
        found += [
            f"{name} leads to {address}, which is not there"
            for address in page.fetched + page.linked
            if not _leads_somewhere(address, path, pages, site.resolve())
        ]
    return found


def _read(path: Path) -> _Addresses:
    page = _Addresses()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _leads_somewhere(address: str, path: Path, pages: dict[Path, _Addresses], site: Path) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir() and (target / "index.html").exists():
        target /= "index.html"
    # A checkout has files around the site that a web server does not have.
    if not (target.exists() and target.is_relative_to(site)):
        return False
    page = pages.get(target)
    return page is None or not parts.fragment or unquote(parts.fragment) in page.anchors


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]))) or None)
