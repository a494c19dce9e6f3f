"""Prints the table of settings in docs/operations.md: ``.venv/bin/python -m tests.docs.settings_table``."""

import re
import sys

from vault.server.settings import PREFIX, Settings

_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (86_400, "days"), (3600, "hours"), (60, "minutes"))


def described():
    """What the docstring says of each setting."""
    attributes = Settings.__doc__.partition("Attributes:\n")[2]
    joined = re.sub(r"\n {9,}", " ", attributes)
    return dict(re.findall(r"(?m)^ {8}(\w+): (.*)$", joined))


def shown(name, field):
    """The default, as a person reads it."""
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and name.endswith(("_bytes", "_seconds", "_window")):
        units = _UNITS[:2] if name.endswith("_bytes") else _UNITS[2:]
        for size, unit in units:
            if value >= size and value % size == 0:
                return f"{value} ({value // size} {unit if value > size else unit.removesuffix('s')})"
    return f"{value}"


def table():
    """The lines of the table."""
    texts = described()
    lines = ["| setting | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        text = texts[name].rstrip(".")
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown(name, field)} | {text} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
