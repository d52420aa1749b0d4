"""The report of a run: signed by the node's key, checked offline, readable as a page."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from trucyte.base.problem import Kind, Problem
from trucyte.journal.keyring import Keyring, is_signed, key_id

_PURPOSE: Final = b"trucyte attack report 1\n"


class ReportAltered(Problem):
    """The report is not what was signed: {reason}."""

    kind = Kind.BAD_INPUT
    code = "attack-report-altered"


def signed(report: Mapping[str, Any], keyring: Keyring) -> dict[str, Any]:
    """Return a report with its signature (Ed25519) by the node's key."""
    return {
        "report": dict(report),
        "public_key": b64encode(keyring.public_key).decode(),
        "signature": b64encode(keyring.sign(_message(report))).decode(),
    }


def checked(raw: bytes) -> tuple[dict[str, Any], str]:
    """Return the report and the name of the key that signed it. Raises ReportAltered."""
    try:
        told = json.loads(raw)
        report, key = dict(told["report"]), b64decode(told["public_key"], validate=True)
        signature = b64decode(told["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReportAltered(reason="it cannot be read") from None
    if not is_signed(key, _message(report), signature):
        raise ReportAltered(reason="its signature is wrong")
    return report, key_id(key)


def _message(report: Mapping[str, Any]) -> bytes:
    text = json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _PURPOSE + text.encode()


def page_of(report: Mapping[str, Any]) -> str:
    """Return the report as a page that needs nothing else."""
    rows = "".join(
        f"<tr><td>{escape(one['id'])}</td><td>{escape(one['vi'])}<br>{escape(one['threat'])}</td>"
        f"<td>{escape(one['verdict'])}</td><td>{one['requests']}</td><td>{one['seconds']}</td>"
        f"<td>{''.join(_finding(each) for each in one['findings'])}</td></tr>"
        for one in report["attacks"]
    )
    return (
        '<!doctype html><html lang="vi"><meta charset="utf-8"><title>Tấn công thử · Attack report'
        "</title><style>body{font-family:sans-serif}td,th{border:1px solid #888;padding:.3em;"
        "vertical-align:top;text-align:left}</style>"
        f"<h1>Tấn công thử · Attack report</h1><p>{escape(str(report['version']))},"
        f" {escape(str(report['began_at']))}: {escape(str(report['verdict']))}</p>"
        "<table><tr><th>id</th><th>Mối đe doạ · Threat</th><th>Kết quả · Verdict</th>"
        f"<th>n</th><th>s</th><th>Phát hiện · Findings</th></tr>{rows}</table></html>\n"
    )


def _finding(one: Mapping[str, str]) -> str:
    return f"<p>{escape(one['what'])}<br><code>{escape(one['curl'])}</code></p>"
