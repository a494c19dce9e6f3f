import gzip
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest

from client import media
from client.errors import ClientError, UsageProblem
from client.media import Recognised, allowed_types, check_allowed, evidence_types, extensions_for, recognise

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"


def _zip(*names: str, first: tuple[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if first:
            archive.writestr(*first)
        for name in names:
            archive.writestr(name, "x" * 2000)
    return buffer.getvalue()


SAMPLES = {
    "report.pdf": (b"%PDF-1.7\n", "application/pdf"),
    "report.docx": (_zip("[Content_Types].xml", "_rels/.rels", "word/document.xml"), DOCX),
    "table.xlsx": (_zip("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), XLSX),
    "letter.odt": (_zip("content.xml", first=("mimetype", ODT)), ODT),
    "bundle.zip": (_zip("a.txt", "b.txt"), "application/zip"),
    "table.csv": ("nom;prénom\nMartin;Anne\n".encode(), "text/csv"),
    "notes.md": (b"# Title\n\ntext\n", "text/markdown"),
    "notes.txt": (b"some words\n", "text/plain"),
    "code.txt": (b"#include <stdio.h>\nint main(void) { return 0; }\n", "text/plain"),
    "server.log": (b"2026-01-01T00:00:00Z INFO started\n" * 9, "text/plain"),
    "README": (b"some words\n", "text/plain"),
    ".hidden": (b"some words\n", "text/plain"),
    "scan.png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02", "image/png"),
    "SCAN.JPG": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "image/jpeg"),
    "result.json": (b'{"score": 1}', "application/json"),
    "result.xml": (b'<?xml version="1.0"?><a/>', "text/xml"),
    "page.html": (b"<!DOCTYPE html><html><body>x</body></html>", "text/html"),
    "log.gz": (gzip.compress(b"x" * 100), "application/gzip"),
    "noise.bin": (b"\x9d\x03\xfe\x81" * 64, "application/octet-stream"),
    "empty": (b"", "application/x-empty"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_files_are_recognised_by_their_content(name):
    content, expected = SAMPLES[name]
    assert recognise(f"folder.d/{name}", content) == Recognised(expected, "")


def test_an_extension_that_disagrees_is_told():
    assert recognise("report.pdf", SAMPLES["scan.png"][0]) == Recognised("image/png", "application/pdf")
    assert recognise("report.txt", b"%PDF-1.7\n") == Recognised("application/pdf", "text/plain")
    assert recognise("empty.pdf", b"").announced == "application/pdf"


@pytest.mark.parametrize(
    ("evidence_type", "taken", "refused"),
    [
        (
            "aipd",
            ["report.pdf", "report.docx", "letter.odt", "table.xlsx", "scan.png"],
            ["log.gz", "noise.bin", "page.html"],
        ),
        ("cgu", ["report.pdf", "page.html", "notes.md"], ["table.xlsx", "result.json", "bundle.zip"]),
        ("rgpd-questionnaire", ["table.xlsx", "table.csv", "report.pdf"], ["scan.png", "bundle.zip"]),
        (
            "securite",
            ["report.pdf", "server.log", "result.json", "result.xml", "bundle.zip", "log.gz"],
            ["noise.bin"],
        ),
        (
            "ethique",
            ["report.pdf", "scan.png", "result.json", "page.html"],
            ["bundle.zip", "noise.bin", "empty"],
        ),
        ("other", list(SAMPLES), []),
    ],
)
def test_each_evidence_type_takes_its_kinds(evidence_type, taken, refused):
    for name in taken:
        check_allowed(name, recognise(name, SAMPLES[name][0]), evidence_type)
    for name in refused:
        with pytest.raises(ClientError, match="--any-content"):
            check_allowed(name, recognise(name, SAMPLES[name][0]), evidence_type)


def test_a_refusal_names_file_kind_and_what_would_be_taken():
    with pytest.raises(ClientError) as caught:
        check_allowed("a/noise.bin", Recognised("application/octet-stream", ""), "rgpd-questionnaire")
    text = str(caught.value)
    for part in (
        "a/noise.bin",
        "application/octet-stream",
        "rgpd-questionnaire",
        "xlsx",
        "pdf",
        "--any-content",
    ):
        assert part in text


@pytest.mark.parametrize("evidence_type", ["template", "AIPD", "", "nothing"])
def test_an_unknown_evidence_type_is_refused_with_the_known_ones(evidence_type):
    with pytest.raises(UsageProblem, match="aipd, cgu, rgpd-questionnaire, securite, ethique, other"):
        allowed_types(evidence_type)


def test_the_data_file_names_only_what_it_defines():
    rules = media._rules()
    assert evidence_types() == ("aipd", "cgu", "rgpd-questionnaire", "securite", "ethique", "other")
    used = {family for families in rules["types"].values() for family in families}
    assert used == set(rules["families"])
    known = {kind for kinds in rules["families"].values() for kind in kinds}
    for extension, kinds in rules["extensions"].items():
        assert extension == extension.lower()
        assert kinds[0] in known
    assert extensions_for("other") == ()


_PROBE = """
import json, os, subprocess, sys
def refuse(*_, **__):
    raise AssertionError("a process was started")
subprocess.Popen = refuse
before = dict(os.environ)
from client.media import recognise
found = recognise("a.pdf", b"%PDF-1.7").media_type
print(json.dumps([found, "pylibmagic" in sys.modules, before == dict(os.environ)]))
print(next(line.split()[-1] for line in open("/proc/self/maps") if "libmagic.so" in line))
"""


def _run(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment)  # noqa: S603 - ours


def test_libmagic_comes_from_the_wheel_and_nothing_is_run_or_changed():
    environment = {**os.environ, "MAGIC": "/nonexistent"}
    done = _run(_PROBE, environment)
    report, library = done.stdout.splitlines()
    assert json.loads(report) == ["application/pdf", False, True]
    assert "pylibmagic" in library


def test_where_the_wheel_names_its_library_otherwise_the_environment_is_put_back():
    probe = _PROBE.replace("found =", "import client.media; client.media._LIBRARIES = (); found =")
    probe = probe.replace("subprocess.Popen = refuse", "")
    done = _run(probe, dict(os.environ))
    assert json.loads(done.stdout.splitlines()[0]) == ["application/pdf", True, True]


def test_a_missing_wheel_is_said(monkeypatch):
    monkeypatch.setattr(media, "find_spec", lambda _name: None)
    with pytest.raises(ClientError, match="pylibmagic is not installed"):
        media._wheel_folder()
