"""Links from pages to files of the repository, which the site does not have."""

import posixpath
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element


def without_links_out(root: Element, path: str) -> None:
    """Makes text of links to files of the repository that are no pages, as the site has no such."""
    for link in root.iter("a"):
        parts = urlsplit(link.get("href", ""))
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), parts.path))
        if not (parts.scheme or parts.netloc) and target.startswith("../"):
            link.tag = "span"
            del link.attrib["href"]
