"""TLS as a worker speaks it: what is offered, who is let in, who dawdles, what is refused."""

import base64
import json
import re
import socket
import ssl
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.certificates import an_authority
from tests.support.serving import until
from tests.support.tls import client_of, self_signed, speaking
from trucyte.base.problem import Problem
from trucyte.base.secret_files import SecretExposed
from trucyte.base.settings import LimitSettings, Settings, TlsSettings, WebSettings, load_settings
from trucyte.node.keeping.tls import tls as tls_command
from trucyte.node.serving.address import is_encrypted
from trucyte.node.serving.tls import TlsUnreadable, server_context

HSTS = b"strict-transport-security: max-age=31536000"


def scope_of(answer: bytes) -> dict:
    return json.loads(re.search(rb"\{.*\}", answer)[0])  # type: ignore[index]


def test_an_answer_comes_over_tls_and_says_to_come_back_that_way(tmp_path: Path) -> None:
    with speaking(self_signed(tmp_path)) as server:
        answer = server.ask()
        assert answer.startswith(b"HTTP/1.1 200")
        assert HSTS in answer
        assert scope_of(answer) == {"scheme": "https", "tls": {}}
        assert server.refused == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_1_2_and_1_3_are_spoken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    with speaking(self_signed(tmp_path)) as server:
        assert server.ask(minimum_version=version, maximum_version=version)


def test_old_versions_plain_text_and_weak_ciphers_get_no_answer(tmp_path: Path) -> None:
    with speaking(self_signed(tmp_path)) as server:
        weak = server.client(maximum_version=ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("AES256-SHA256:@SECLEVEL=0")
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        with pytest.raises(ssl.SSLError), weak.wrap_socket(plain, server_hostname="127.0.0.1"):
            pass
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
            line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 20)
            with suppress(ConnectionResetError):
                assert b"HTTP" not in line.recv(1000)
        until(lambda: server.refused == ["handshake", "handshake"])
        assert server.ask()


def test_a_certificate_of_a_client_is_told_by_its_thumbprint(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "authority")
    file, made = client_of(authority)
    own = self_signed(tmp_path / "own")
    tls = TlsSettings(
        certificate=own.certificate, key=own.key, client_authorities=authority.file,
        client_certificates="ask",
    )  # fmt: skip
    digest = sha256(made.public_bytes(Encoding.DER)).digest()
    told = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    with speaking(tls) as server:
        assert scope_of(server.ask(file))["tls"] == {"tls": {"client_cert_x5t_s256": told}}
        assert scope_of(server.ask())["tls"] == {}


def test_without_a_certificate_that_is_required_or_with_a_foreign_one_nobody_is_answered(
    tmp_path: Path,
) -> None:
    authority, other = an_authority(tmp_path, "authority"), an_authority(tmp_path, "other")
    own = self_signed(tmp_path / "own")
    tls = TlsSettings(
        certificate=own.certificate, key=own.key, client_authorities=authority.file,
        client_certificates="require",
    )  # fmt: skip
    with speaking(tls) as server:
        for file in (None, client_of(other)[0]):
            with suppress(ssl.SSLError, ConnectionError):  # it may hear of it before it reads
                assert server.ask(file) == b""
        assert server.ask(client_of(authority)[0]).startswith(b"HTTP/1.1 200")


def test_who_dawdles_in_the_handshake_counts_and_is_cut_off(tmp_path: Path) -> None:
    limits = LimitSettings(head_seconds_max=0.5, connections_max=3, connections_per_client=3)
    with speaking(self_signed(tmp_path), limits) as server:
        lines = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(4)]
        until(lambda: "connections" in server.refused)
        for line in lines:
            with line, suppress(ConnectionResetError):
                assert line.recv(100) == b""
        until(lambda: server.refused.count("handshake") == 3)
        assert server.ask()


def test_a_key_others_can_read_is_refused_and_none_is_ever_told(tmp_path: Path) -> None:
    tls = self_signed(tmp_path)
    assert tls.key is not None
    tls.key.chmod(0o640)
    with pytest.raises(SecretExposed) as told:
        server_context(tls)
    assert "BEGIN" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nMARKED\n"])
def test_a_key_that_is_none_is_a_problem_without_its_text(tmp_path: Path, content: bytes) -> None:
    tls = self_signed(tmp_path)
    assert tls.key is not None
    tls.key.write_bytes(content)
    with pytest.raises(TlsUnreadable) as told:
        server_context(tls)
    assert "MARKED" not in str(told.value)


def test_tls_lets_a_node_listen_beyond_this_machine(tmp_path: Path) -> None:
    assert not is_encrypted(Settings())
    assert is_encrypted(Settings(web=WebSettings(tls=self_signed(tmp_path))))


@pytest.mark.parametrize(
    "text",
    [
        'certificate = "a.pem"',
        'client_certificates = "ask"',
        'client_authorities = "a.pem"\nclient_certificates = "ask"',
        "hsts_seconds = -1",
    ],
)
def test_half_a_setting_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "trucyte.toml"
    file.write_text(f"[web.tls]\n{text}\n")
    with pytest.raises(Problem):
        load_settings({}, file=file)


def test_the_command_makes_a_key_that_serves_and_a_request(tmp_path: Path) -> None:
    from click.testing import CliRunner

    made = CliRunner().invoke(
        tls_command, ["make", str(tmp_path / "a"), "--host", "127.0.0.1", "--self-signed"]
    )
    assert made.exit_code == 0, made.output
    tls = TlsSettings(certificate=tmp_path / "a/server.pem", key=tmp_path / "a/server.key")
    with speaking(tls) as server:
        assert server.ask()
    asked = CliRunner().invoke(tls_command, ["make", str(tmp_path / "b"), "--host", "yte.vn"])
    assert asked.exit_code == 0
    assert b"CERTIFICATE REQUEST" in (tmp_path / "b/server.csr").read_bytes()
    again = CliRunner().invoke(tls_command, ["make", str(tmp_path / "b"), "--host", "yte.vn"])
    assert again.exit_code == 2
