"""What a node is told: `trucyte.toml`, with the environment over it.

Every setting has a default that works on a laptop; an unknown key or a value of the
wrong type is refused with its place, so that a misspelt setting never goes unnoticed.
"""

import ipaddress
import ssl
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.base.secret_files import CREDENTIALS, read_secret

FILE_NAME = "trucyte.toml"

# Environment variable -> where it lies in the settings. The environment wins over the file.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "TRUCYTE_DATA": ("data",),
    "TRUCYTE_LANGUAGE": ("language",),
    "TRUCYTE_DATABASE_URL": ("database", "url"),
    "TRUCYTE_POSTGRES_BINARIES": ("database", "binaries"),
    "TRUCYTE_SYSTEM_FOLDER": ("database", "system_folder"),
    "TRUCYTE_HOST": ("web", "host"),
    "TRUCYTE_PORT": ("web", "port"),
    "TRUCYTE_WORKERS": ("serving", "workers"),
    "TRUCYTE_MASTER_KEY": ("keys", "master"),
}

# What systemd's LoadCredential= gives a service: the master secret under this name.
MASTER_CREDENTIAL = "trucyte-master-key"


class SettingsUnreadable(Problem):
    """The settings file {file} cannot be read: {reason}."""

    kind = Kind.BAD_INPUT
    code = "settings-unreadable"


class SettingRefused(Problem):
    """A setting is wrong in {where}: {reason}."""

    kind = Kind.BAD_INPUT
    code = "setting-refused"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file; msgspec refuses what it does not name."""


class NodeSettings(_Table, frozen=True, kw_only=True):
    """Who runs this node."""

    name: str = "Trục y tế"
    facility: str = ""  # mã cơ sở khám bệnh, chữa bệnh; empty at a province or the Ministry


class DatabaseSettings(_Table, frozen=True, kw_only=True):
    """Which PostgreSQL, and how many connections."""

    url: str = ""  # empty: the embedded one under the data folder
    # Files of which nobody else can read what they hold; a bare name is a systemd credential.
    url_file: Path | None = None  # the whole address
    password_file: Path | None = None  # the password alone, added to the address
    binaries: Literal["auto", "wheel", "debian", "path"] = "auto"
    system_folder: Path = Path("/var/lib/trucyte")  # as root, where the data folder is closed
    connections_max: int = 8

    def __repr__(self) -> str:
        """Say where, never with which password."""
        return f"DatabaseSettings(url={'…' if self.url else ''!r}, binaries={self.binaries!r})"


class JournalSettings(_Table, frozen=True, kw_only=True):
    """How lines are kept."""

    encrypt: bool = True  # seal the bodies of new lines; those that are there stay as they are


class KeySettings(_Table, frozen=True, kw_only=True):
    """Where the node's secrets lie."""

    master: Path | None = None  # the file of the master secret; none: keys/master.key


class BackupSettings(_Table, frozen=True, kw_only=True):
    """Who can open the backups of this node, and how many of them stay in one place."""

    recipient: str = ""  # the public key that `trucyte backup key` printed
    keep: int = 0  # chains, of a base and what follows it; 0: all
    base_days: int = 7  # a backup this long after the last base is a base again


class UploadSettings(_Table, frozen=True, kw_only=True):
    """Who looks at received files before they are read."""

    # clamd:unix:PATH, clamd:tcp:HOST:PORT, or a command in which {file} stands for the file.
    scan: str = ""
    when_away: Literal["wait", "refuse"] = "wait"  # while the scanner does not answer
    scan_seconds_max: float = 120.0


class TlsSettings(_Table, frozen=True, kw_only=True):
    """With what the server proves itself, and whether clients must; without a certificate: http."""

    certificate: Path | None = None  # PEM, the server's own first, then those that signed it
    key: Path | None = None  # PEM; a bare name is a credential of the service
    client_authorities: Path | None = None  # PEM; who signs certificates of clients
    # ask: one that is shown must be good; require: without one there is no connection.
    client_certificates: Literal["off", "ask", "require"] = "off"
    # How long a browser that was here comes back by https only; 0: not said.
    hsts_seconds: int = 365 * 24 * 3600


class WebSettings(_Table, frozen=True, kw_only=True):
    """Where the server listens."""

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ()  # names this node is called by, beside localhost: "yte.example.vn"
    tls: TlsSettings = TlsSettings()
    # True where a proxy of the operator's own sets X-Forwarded-Host and -Proto: links name them.
    trusts_forwarded: bool = False


class ServingSettings(_Table, frozen=True, kw_only=True):
    """How many processes answer, and the threads of each by what they do."""

    workers: int = 0  # 0: one a core
    reads: int = 4  # of one resource; more than one work only beside slow ones
    searches: int = 4  # and histories; as above
    writes: int = 16  # most of them wait for a commit they share
    long: int = 2  # whole records, exports, imports
    stop_seconds_max: int = 30  # what runs may take to finish when the node stops
    kept_bytes: int = 64 * 1024**2  # resources that a process keeps for searches; 0: none


class LimitSettings(_Table, frozen=True, kw_only=True):
    """What one client, and all together, may ask of one worker process."""

    requests_per_second: float = 5000.0  # of one address, on the whole
    requests_burst: int = 10_000  # of one address, after a pause
    running_per_client: int = 256  # requests of one address under way
    running_max: int = 1024  # requests of all under way
    connections_per_client: int = 1024
    connections_max: int = 4096
    head_bytes_max: int = 64 * 1024  # of the request line and headers
    head_seconds_max: float = 15.0
    body_bytes_max: int = 8 * 1024**3  # many paths take much less
    body_grace_seconds: float = 30.0  # before a body must have kept up its pace
    body_bytes_per_second_min: int = 4 * 1024
    reader_seconds_max: float = 60.0  # without taking anything of its answer


class DiskSettings(_Table, frozen=True, kw_only=True):
    """How much free space is little, and how much is too little to go on; bytes."""

    warn_bytes: int = 2 * 1024**3
    stop_bytes: int = 256 * 1024**2


class BulkSettings(_Table, frozen=True, kw_only=True):
    """Bulk export and import: where files may come from, and how long they are kept."""

    import_folders: list[Path] = []
    import_hosts: list[str] = []  # "files.example.vn", "*.example.vn"; none: no URL is fetched
    import_private: bool = False  # whether such a host may have an address of a local network
    keep_hours: int = 24
    workers: int = 0  # processes of one job; 0: one a processor, and one more for imports


class SubscriptionSettings(_Table, frozen=True, kw_only=True):
    """Whom this node may tell of what it accepts, and how hard it tries."""

    base: str = ""  # address of the API in notifications; empty: that of web.host and web.port
    http_hosts: tuple[str, ...] = ()  # to whom http is enough; to all others only https
    networks: tuple[str, ...] = ()  # not of the open network, and allowed: "10.20.0.0/16"
    # PEM file of authorities that sign endpoints, beside those this machine trusts anyway.
    trust: Path | None = None
    attempts_max: int = 12  # the last is about two hours after the first
    seconds_max: float = 10.0  # of one request
    keep_days: int = 30  # how long events can be asked for again


class RegisterSettings(_Table, frozen=True, kw_only=True):
    """What registers of practitioners are asked, and how strictly."""

    # Whether someone may sign of whom this node knows no licence. A node whose register is
    # complete says "refuse".
    unknown_signers: Literal["accept", "refuse"] = "accept"
    # How long an answer about a practitioner may be relied on elsewhere.
    status_seconds: int = 300


class VneidSettings(_Table, frozen=True, kw_only=True):
    """The provider that citizens log in with; an empty issuer: none."""

    issuer: str = ""  # "https://id.example.vn", letter by letter as its tokens say it
    client_id: str = "trucyte"
    key: Path | None = None  # JWK that this node proves itself with; none: a public client
    level: int = 2  # least level of assurance that opens a record


class AccessSettings(_Table, frozen=True, kw_only=True):
    """When people log in, and how long that holds."""

    # auto: nobody is asked on loopback until the first administrator exists, then everybody.
    login: Literal["auto", "always"] = "auto"
    idle_minutes: int = 15  # then a session locks
    session_hours: int = 12  # then it ends
    dormant_days: int = 45  # an account unused for longer is disabled
    review_days: int = 183  # rights are signed off at least that often
    # What tokens say they are from: "https://node.example.vn". Empty: the address asked at.
    issuer: str = ""
    # Header in which a trusted proxy hands on the client's certificate (RFC 9440, or PEM).
    certificate_header: str = ""
    vneid: VneidSettings = VneidSettings()


class IdentitySettings(_Table, frozen=True, kw_only=True):
    """Who is whom: what a machine may decide by itself."""

    matching: bool = True  # whether whoever is new is matched against everybody
    # never: all that is likely goes to the worklist; agreement: linked where a deterministic
    # rule and the model both are sure; sure: where either is.
    automatic: Literal["never", "agreement", "sure"] = "agreement"
    model: str = ""  # a model file of the operator's own; its thresholds count too


class Settings(_Table, frozen=True, kw_only=True):
    """All settings of a node."""

    data: Path = Path("var")
    language: Literal["vi", "en"] = "vi"
    node: NodeSettings = NodeSettings()
    database: DatabaseSettings = DatabaseSettings()
    journal: JournalSettings = JournalSettings()
    keys: KeySettings = KeySettings()
    web: WebSettings = WebSettings()
    serving: ServingSettings = ServingSettings()
    limits: LimitSettings = LimitSettings()
    disk: DiskSettings = DiskSettings()
    bulk: BulkSettings = BulkSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    registers: RegisterSettings = RegisterSettings()
    identity: IdentitySettings = IdentitySettings()
    access: AccessSettings = AccessSettings()
    backup: BackupSettings = BackupSettings()
    uploads: UploadSettings = UploadSettings()


def load_settings(environment: Mapping[str, str], *, file: Path | None = None) -> Settings:
    """Read `file` (default `trucyte.toml` here, if there is one) and lay `environment` over it.

    The data folder comes back absolute, and what named files hold is read. Raises
    SecretExposed and SecretMissing for those, SettingsUnreadable when the file is not
    TOML or a named file is missing, SettingRefused for an unknown key or a wrong value.
    """
    path = file or Path(FILE_NAME)
    told = _read(path) if file or path.is_file() else {}
    merged = _overlay(told, environment)
    try:
        settings = msgspec.convert(merged, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingRefused(where=str(path), reason=str(error)) from None
    _check_ranges(settings, where=str(path))
    database = _with_secrets(settings.database, environment)
    settings = msgspec.structs.replace(settings, database=database)
    return msgspec.structs.replace(settings, data=settings.data.expanduser().absolute())


def _decode(kind: type, value: object) -> object:
    """Make what msgspec has no form for: paths, from texts."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"takes no {type(value).__name__}")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsUnreadable(file=str(path), reason=error.strerror or "unreadable") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsUnreadable(file=str(path), reason=str(error)) from None


def _overlay(told: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    merged = dict(told)
    for variable, place in ENVIRONMENT.items():
        value = environment.get(variable)
        if not value:
            continue
        *tables, key = place
        table = merged
        for name in tables:
            inner = table.get(name, {})
            table[name] = dict(inner) if isinstance(inner, dict) else {}
            table = table[name]
        table[key] = value
    return _with_credential(merged, environment)


def _with_credential(told: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Take the master secret from the credentials of the service, unless another is named."""
    folder = environment.get(CREDENTIALS)
    keys = told.get("keys") or {}
    if not folder or not isinstance(keys, dict) or keys.get("master"):
        return told
    file = Path(folder, MASTER_CREDENTIAL)
    return {**told, "keys": {**keys, "master": str(file)}} if file.is_file() else told


_WORDS_OF_ACCESS = ("login", "issuer", "certificate_header", "vneid")


def _with_secrets(settings: DatabaseSettings, environment: Mapping[str, str]) -> DatabaseSettings:
    """Take the address of the database, or its password, from the files that hold them."""
    url = settings.url
    if settings.url_file is not None and not url:
        url = read_secret(settings.url_file, environment)
    if settings.password_file is not None and url:
        # Only who has such a file waits for the import.
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - a slow import

        password = read_secret(settings.password_file, environment)
        url = make_conninfo(url, password=password)
    return msgspec.structs.replace(settings, url=url)


def _check_ranges(settings: Settings, *, where: str) -> None:
    """Refuse values that have the right type and make no sense."""
    faults = (
        (0 <= settings.web.port <= 65535, "web.port is not between 0 and 65535"),
        (settings.database.connections_max >= 2, "database.connections_max is below 2"),
        (settings.bulk.keep_hours > 0, "bulk.keep_hours is not above 0"),
        (settings.bulk.workers >= 0, "bulk.workers is negative"),
        (settings.disk.stop_bytes >= 0, "disk.stop_bytes is negative"),
        (
            settings.disk.warn_bytes >= settings.disk.stop_bytes,
            "disk.warn_bytes is below disk.stop_bytes",
        ),
        (0 <= settings.serving.workers <= 256, "serving.workers is not between 0 and 256"),
        *_above_nothing("serving", settings.serving, but=("workers",)),
        *_above_nothing("limits", settings.limits),
        *_faults_of_tls(settings.web.tls),
        (settings.uploads.scan_seconds_max > 0, "uploads.scan_seconds_max is not above 0"),
        (settings.backup.keep >= 0, "backup.keep is negative"),
        (settings.backup.base_days >= 1, "backup.base_days is below 1"),
        *_above_nothing("access", settings.access, but=_WORDS_OF_ACCESS),
        (1 <= settings.access.vneid.level <= 3, "access.vneid.level is not between 1 and 3"),
        (
            0 < settings.registers.status_seconds <= 3600,
            "registers.status_seconds is not between 1 and 3600",
        ),
    )
    for fine, reason in (*faults, *_faults_of_subscriptions(settings.subscriptions)):
        if not fine:
            raise SettingRefused(where=where, reason=reason)


def _above_nothing(
    table: str, settings: _Table, *, but: Sequence[str] = ()
) -> Iterator[tuple[bool, str]]:
    """Yield for each figure of a table whether it is above 0, and what to say if not."""
    for name, value in msgspec.structs.asdict(settings).items():
        if name not in but:
            yield value > 0, f"{table}.{name} is not above 0"


def _faults_of_subscriptions(settings: SubscriptionSettings) -> tuple[tuple[bool, str], ...]:
    return (
        (settings.attempts_max >= 1, "subscriptions.attempts_max is below 1"),
        (0 < settings.seconds_max <= 60, "subscriptions.seconds_max is not between 0 and 60"),
        (settings.keep_days >= 1, "subscriptions.keep_days is below 1"),
        (
            all(map(_is_network, settings.networks)),
            "subscriptions.networks has what is not a network",
        ),
        (
            settings.trust is None or _holds_certificates(settings.trust),
            "subscriptions.trust is no file of certificates (PEM) that can be read",
        ),
    )


def _faults_of_tls(settings: TlsSettings) -> tuple[tuple[bool, str], ...]:
    is_on, asks = settings.certificate is not None, settings.client_certificates != "off"
    return (
        (
            is_on == (settings.key is not None),
            "web.tls has a certificate or a key without the other",
        ),
        (
            asks == (settings.client_authorities is not None),
            "web.tls.client_certificates and client_authorities belong together",
        ),
        (is_on or not asks, "web.tls.client_certificates without web.tls.certificate"),
        (settings.hsts_seconds >= 0, "web.tls.hsts_seconds is negative"),
    )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _holds_certificates(file: Path) -> bool:
    try:
        ssl.create_default_context(cafile=file)
    except OSError:  # an SSLError is one
        return False
    return True
