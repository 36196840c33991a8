"""The document as one HTML page: no script, and no request to any host."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from resolve import resolved

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace; background: #8882 }
pre { padding: .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
dt { margin-top: .5rem; font-weight: 600 } dd p { margin: .2rem 0 }
table { border-collapse: collapse } td, th { border: 1px solid #8886; padding: .3rem .5rem }
.verb { text-transform: uppercase } :root { color-scheme: light dark }
"""
# A page that is sent from somewhere must not load anything either, whatever a description holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def page(document: dict[str, Any], guide: str) -> str:
    """Give the page: the guide, each operation with its examples, and each schema."""
    inline = resolved(document)
    operations = [
        _operation(inline, verb, path, operation)
        for path, verbs in inline["paths"].items()
        for verb, operation in verbs.items()
    ]
    schemas = [_schema(name, value) for name, value in document["components"]["schemas"].items()]
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    body = [
        f"<h1>{title}</h1>", _text(document["info"]["description"]),
        '<p><a href="#operations">Operations</a> · <a href="#schemas">Schemas</a></p>',
        _text(guide), '<h2 id="operations">Operations</h2>', *operations,
        '<h2 id="schemas">Schemas</h2>', *schemas,
    ]  # fmt: skip
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n'
        + "\n".join(body)
        + "\n</html>\n"
    )


def _operation(document: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<h3 id="{operation["operationId"]}">{escape(operation["summary"])}</h3>',
        f'<p><code><span class="verb">{verb}</span> {escape(path)}</code></p>',
        _text(operation["description"]),
    ]
    for parameter in operation.get("parameters", ()):
        parts.append(f"<p><code>{escape(parameter['name'])}</code></p>")
        parts.append(_text(parameter["description"]))
    if body := operation.get("requestBody"):
        parts.append(_examples(document, "Request", body))
    for status, answer in operation["responses"].items():
        parts.append(_examples(document, f"Answer {status}", answer))
    return "\n".join(parts)


def _examples(document: dict[str, Any], title: str, body: dict[str, Any]) -> str:
    parts = [f"<h4>{title}</h4>", _text(body["description"])]
    for kind, media in body.get("content", {}).items():
        reference = media["schema"]["$ref"].rpartition("/")[2]
        parts.append(f'<p><code>{escape(kind)}</code>: <a href="#{reference}">{reference}</a></p>')
        for given in media.get("examples", {}).values():
            name = given.get("$ref", "").rpartition("/")[2]
            example = document["components"]["examples"][name] if name else given
            shown = escape(json.dumps(example["value"], indent=2, ensure_ascii=False))
            parts.append(
                f"<details><summary>{_inline(example['summary'])}</summary>"
                f"<pre>{shown}</pre></details>"
            )
    return "\n".join(parts)


def _schema(name: str, schema: dict[str, Any]) -> str:
    parts = [f'<h3 id="{name}">{name}</h3>', _text(schema["description"]), "<dl>"]
    for key, value in schema.get("properties", {}).items():
        kind = value.get("type", "any JSON")
        if reference := value.get("$ref", value.get("items", {}).get("$ref", "")):
            other = reference.rpartition("/")[2]
            kind = f'{"list of " if "items" in value else ""}<a href="#{other}">{other}</a>'
        needed = ", required" if key in schema.get("required", ()) else ""
        parts.append(f"<dt><code>{escape(key)}</code>: {kind}{needed}</dt>")
        parts.append(f"<dd>{_text(value.get('description', ''))}</dd>")
    return "\n".join([*parts, "</dl>"])


def _text(markdown: str) -> str:
    return str(_markdown.render(markdown))


def _inline(markdown: str) -> str:
    return str(_markdown.renderInline(markdown))
