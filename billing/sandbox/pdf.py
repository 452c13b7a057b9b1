"""A small PDF written by hand: one or more pages of text in Helvetica, that any reader shows.

The format is that of ISO 32000: objects, a table of where they begin, and a trailer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 595  # points of an A4 page
HEIGHT: Final = 842
LEFT: Final = 56
RIGHT: Final = WIDTH - LEFT
TOP: Final = HEIGHT - 72
BOTTOM: Final = 64
PLAIN: Final = "F1"
BOLD: Final = "F2"
DIGIT: Final = 0.556  # of the size: how wide a digit is in Helvetica
NARROW: Final = {".": 0.278, ",": 0.278, " ": 0.278, "-": 0.333}
LEADING: Final = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """A line of text, and one that ends at the right edge. Characters beyond Latin-1 are shown as question marks."""

    text: str = ""
    end: str = ""
    size: int = 10
    font: str = PLAIN


def written(rows: Sequence[Row]) -> bytes:
    """The file."""
    pages = _pages(rows)
    first = 5  # the objects before the pages: the catalogue, the tree of pages and two fonts
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        _font("Helvetica"),
        _font("Helvetica-Bold"),
    ]
    for number, content in enumerate(pages):
        objects += [_page(first + 2 * number + 1), _stream(content)]
    return _file(objects)


def _pages(rows: Sequence[Row]) -> list[bytes]:
    """The drawing instructions of each page."""
    pages: list[list[str]] = [[]]
    y = float(TOP)
    for row in rows:
        y -= row.size * LEADING
        if y < BOTTOM:
            pages.append([])
            y = TOP - row.size * LEADING
        pages[-1] += _drawn(row, y)
    return ["\n".join(page).encode("cp1252", "replace") for page in pages]


def _drawn(row: Row, y: float) -> list[str]:
    parts = [(float(LEFT), row.text)] if row.text else []
    parts += [(RIGHT - _width(row.end, row.size), row.end)] if row.end else []
    return [f"BT /{row.font} {row.size} Tf {x:.2f} {y:.2f} Td ({_escaped(text)}) Tj ET" for x, text in parts]


def _width(text: str, size: int) -> float:
    """How wide digits and their signs are."""
    return sum(NARROW.get(letter, DIGIT) for letter in text) * size


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _font(name: str) -> bytes:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()


def _page(content: int) -> bytes:
    fonts = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
    box = f"[0 0 {WIDTH} {HEIGHT}]"
    return f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {fonts} /Contents {content} 0 R >>".encode()


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _file(objects: list[bytes]) -> bytes:
    body, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (size, table, trailer)
