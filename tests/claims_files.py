"""Small claims files for tests: synthetic people, built by hand."""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence

SUMMARY = {
    "MA_LK": "LK-1",
    "STT": "1",
    "MA_BN": "BN-1",
    "HO_TEN": "NGUYỄN VĂN MẪU",
    "NGAY_SINH": "198503150000",
    "GIOI_TINH": "1",
    "NHOM_MAU": "",
    "MA_THE_BHYT": "GD4000000000001",
    "MA_DOITUONG_KCB": "1.1",
    "NGAY_VAO": "202602150800",
    "NGAY_RA": "202602150930",
    "MA_LOAI_KCB": "01",
    "MA_CSKCB": "00001",
}


def row(tag: str, fields: Mapping[str, str]) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<{tag}>{inner}</{tag}>"


def summary(**changes: str) -> str:
    return row("TONG_HOP", SUMMARY | changes)


def medicines(*rows: Mapping[str, str], link: str = "LK-1") -> str:
    inner = "".join(row("CHI_TIET_THUOC", {"MA_LK": link, **fields}) for fields in rows)
    inside = f"<DSACH_CHI_TIET_THUOC>{inner}</DSACH_CHI_TIET_THUOC>"
    return f"<CHITIEU_CHITIET_THUOC>{inside}</CHITIEU_CHITIET_THUOC>"


def file(table: str, content: str | bytes, *, inline: bool = False) -> str:
    if inline:
        body = content if isinstance(content, str) else content.decode()
    else:
        data = content.encode() if isinstance(content, str) else content
        body = base64.b64encode(data).decode()
    return f"<FILEHOSO><LOAIHOSO>{table}</LOAIHOSO><NOIDUNGFILE>{body}</NOIDUNGFILE></FILEHOSO>"


def hoso(*files: str) -> str:
    return f"<HOSO>{''.join(files)}</HOSO>"


def visit(number: int = 1, *, inline: bool = False, **changes: str) -> str:
    link = f"LK-{number}"
    return hoso(
        file("XML1", summary(**{"MA_LK": link, "MA_BN": f"BN-{number}"} | changes), inline=inline),
        file("XML2", medicines({"STT": "1", "MA_THUOC": "40.48"}, link=link), inline=inline),
    )


def envelope(
    visits: Sequence[str], *, made_on: str = "20260216", head: str = "", end: str = ""
) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{head}<GIAMDINHHS xmlns:xsi="urn:x">'
        f"<THONGTINDONVI><MACSKCB>00001</MACSKCB></THONGTINDONVI><THONGTINHOSO>"
        f"<NGAYLAP>{made_on}</NGAYLAP><SOLUONGHOSO>{len(visits)}</SOLUONGHOSO><DANHSACHHOSO>\n"
        + "\n".join(visits)
        + f"\n</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI>{end}</CHUKYDONVI></GIAMDINHHS>\n"
    ).encode()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
