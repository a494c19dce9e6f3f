"""The documentation as a page: one file, no script, no other host, its style named by hash in the policy."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

from vault.server.openapi import anchor

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODE: Final = re.compile("`([^`]+)`")
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
section { margin: 2rem 0; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .35rem .5rem; text-align: left; vertical-align: top; }
nav ul { columns: 2; list-style: none; padding: 0; }
.verb { display: inline-block; min-width: 4.5rem; font-weight: 600; }
"""

POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    + "'"
)
"""The page's Content-Security-Policy."""


def render(document: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    return "\n".join(_page(document))


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
    yield f"<p>{_prose(info['summary'])}"
    yield 'The same as <a href="/openapi.json">OpenAPI 3.1</a>.</p><nav><ul>'
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for _, _, operation in operations:
        name = operation["operationId"]
        yield f'<li><a href="#{anchor(name)}">{escape(name)}</a></li>'
    yield "</ul></nav><main>"
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, method, operation in operations:
            if tag["name"] in operation["tags"]:
                yield from _operation(path, method, operation)
    yield "<h2>messages</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield from _schema(name, schema)
    yield "</main></body></html>"


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{anchor(operation["operationId"])}">'
    yield f'<h3><span class="verb">{method.upper()}</span> <code>{escape(path)}</code></h3>'
    yield f"<p>{_prose(operation['summary'])}"
    yield "Nobody has to be signed in.</p>" if not operation["security"] else "</p>"
    if parameters := operation.get("parameters"):
        yield "<table><tr><th>parameter</th><th>in</th><th>form</th></tr>"
        for parameter in parameters:
            yield (
                f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
                f"<td>{_prose(parameter.get('description', ''))} {_form(parameter['schema'])}</td></tr>"
            )
        yield "</table>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_content(body['content'])}</p>"
    yield "<table><tr><th>answer</th><th>what</th></tr>"
    for status, answer in operation["responses"].items():
        content = _content(answer["content"]) if "content" in answer else ""
        yield f"<tr><td>{escape(status)}</td><td>{_prose(answer['description'])} {content}</td></tr>"
    yield "</table></section>"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{anchor("message-" + name)}"><h3><code>{escape(name)}</code></h3>'
    yield f"<p>{_prose(schema.get('description', ''))}</p>"
    if properties := schema.get("properties"):
        yield "<table><tr><th>field</th><th>form</th></tr>"
        for field, form in properties.items():
            needed = "" if field in schema.get("required", ()) else " <em>optional</em>"
            text = _prose(form.get("description", ""))
            yield f"<tr><td><code>{escape(field)}</code>{needed}</td><td>{text} {_form(form)}</td></tr>"
        yield "</table>"
    elif "enum" in schema:
        yield f"<p>{_form(schema)}</p>"
    yield "</section>"


def _content(content: dict[str, Any]) -> str:
    return "; ".join(
        f"<code>{escape(media)}</code> {_form(entry['schema'])}" for media, entry in content.items()
    )


def _prose(text: str) -> str:
    """Return a description as HTML; what stands in backquotes is code, as OpenAPI's Markdown has it."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _form(schema: dict[str, Any]) -> str:
    """Return a schema in a few words, with a link where it has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{anchor("message-" + name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_form(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " · ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_form(schema.get('items', {}))}"
    pattern = f" <code>{escape(schema['pattern'])}</code>" if "pattern" in schema else ""
    return escape(str(schema.get("type", "any"))) + pattern
