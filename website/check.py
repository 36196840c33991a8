"""Checks the built site: `python -m website.check site`; `make docs` runs it.

A page must be readable without any other host: no font, script, style or picture comes from one.
And each address inside the site must lead to a file of it, also where no Markdown link wrote it.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {"img": "src", "link": "href", "script": "src", "source": "src", "iframe": "src"}
_CSS_URL = re.compile(r"(?:url\(|@import )['\"]?(https?:)?//")


class _Addresses(HTMLParser):
    """The addresses that a page fetches, and those that it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
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
    for path in sorted(site.rglob("*.html")):
        page = _Addresses()
        page.feed(path.read_text(encoding="utf-8"))
        name = path.relative_to(site)
        found += [
            f"{name} fetches {address}" for address in page.fetched if urlsplit(address).netloc
        ]
        if path.name == "404.html":
            continue  # it is shown under any path, and so has its own way of linking
        for address in page.fetched + page.linked:
            parts = urlsplit(address)
            target = path.parent / unquote(parts.path)
            if not (parts.scheme or parts.netloc or target.exists()):
                found.append(f"{name} leads to {address}, which is not there")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]))) or None)
