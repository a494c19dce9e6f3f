"""Real documents to seal: a PDF, a spreadsheet, a text and a long log, made without any outside program.

They are what an editor hands in for the AIPD of a product; names and figures are invented.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MIB = 1024 * 1024

AIPD = (
    "Analyse d'impact relative à la protection des données",
    "Produit : Carnet Santé Iris iOS Mobile, version 4.2, référence 2801",
    "Finalité : restituer au patient ses documents de santé",
    "Risque résiduel R7 : accès illégitime aux données, gravité 3, vraisemblance 1",
    "Mesure M12 : chiffrement de bout en bout, clés détenues par le patient",
)
RISKS = (
    ("Risque", "Gravité", "Vraisemblance", "Mesure"),
    ("R1 Accès illégitime", "3", "1", "M12"),
    ("R2 Modification non désirée", "2", "1", "M4"),
    ("R3 Disparition", "3", "2", "M9"),
)
TERMS = """Conditions générales d'utilisation et mentions d'information RGPD

Le responsable de traitement est la société Iris Santé. Les données sont hébergées en France
par un hébergeur certifié HDS. Vous pouvez exercer vos droits auprès de dpo@iris-sante.example.
"""


def write_pdf(path: Path, lines: Sequence[str]) -> None:
    """Write a one-page PDF 1.4 with one line of text below the other."""
    shown = " T* ".join(f"({_pdf_text(line)}) Tj" for line in lines)
    stream = f"BT /F1 12 Tf 16 TL 50 780 Td {shown} ET".encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    data = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        data += b"%010d 00000 n \n" % offset
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    path.write_bytes(data)


def write_xlsx(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write a workbook with one sheet of text cells (ECMA-376, inline strings)."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' for value in row) + "</row>"
        for row in rows
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Risques" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship'
        f' Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}')


def write_log(path: Path, size: int) -> None:
    """Write about ``size`` bytes of an access log, no two lines alike."""
    written, line = 0, 0
    with path.open("wb") as file:
        while written < size:
            block = "".join(
                f"2026-11-02T08:{number // 60 % 60:02}:{number % 60:02}Z api-{number % 7} "
                f"request={number:012x} patient=pseudonym-{number * 7919 % 1_000_003:07} status=200\n"
                for number in range(line, line + 8192)
            ).encode()
            written += file.write(block)
            line += 8192


def _pdf_text(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
