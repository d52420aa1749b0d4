"""The settings file of an embedded server: safe first, then fit for bulk ingest.

Written anew at each start; what a person wants otherwise goes into `local.conf` in the
cluster's folder, which is read last.
"""

import os
from pathlib import Path

_MIB = 1024**2

# Statements hold values, and details of errors hold keys: neither goes into a log.
_FIXED = """\
# Written at each start. Put your own settings into local.conf beside this file.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 100
max_locks_per_transaction = 256

fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
wal_buffers = '16MB'
max_wal_size = '2GB'
min_wal_size = '256MB'
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9

work_mem = '16MB'
random_page_cost = 1.1
effective_io_concurrency = 64
default_statistics_target = 200
autovacuum_vacuum_insert_scale_factor = 0.1
autovacuum_analyze_scale_factor = 0.05
jit = off

lc_messages = 'C'
lc_monetary = 'C'
lc_numeric = 'C'
lc_time = 'C'
default_text_search_config = 'pg_catalog.simple'

timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = 'none'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] %e '
"""


def settings_text(*, sockets: Path, memory_bytes: int, shared_memory_bytes: int) -> str:
    """Return the settings file of a machine with so much memory and room in /dev/shm."""
    shared = min(max(memory_bytes // 8, 128 * _MIB), 2048 * _MIB)
    cache = max(memory_bytes // 2, 256 * _MIB)
    maintenance = min(max(memory_bytes // 32, 64 * _MIB), 512 * _MIB)
    # A container's /dev/shm of 64 MB is too small for parallel queries; files always do.
    kind = "posix" if shared_memory_bytes >= 512 * _MIB else "mmap"
    return (
        f"{_FIXED}\n"
        f"unix_socket_directories = '{_quoted(sockets)}'\n"
        f"shared_buffers = '{shared // _MIB}MB'\n"
        f"effective_cache_size = '{cache // _MIB}MB'\n"
        f"maintenance_work_mem = '{maintenance // _MIB}MB'\n"
        f"dynamic_shared_memory_type = '{kind}'\n"
        "include_if_exists = 'local.conf'\n"
    )


def _quoted(path: Path) -> str:
    """Quote for a settings file; a comma or a blank in the list of folders needs its own quotes."""
    text = str(path).replace('"', '""').replace("'", "''")
    return f'"{text}"'


def memory_bytes() -> int:
    """Return the memory of this machine, or less where a container allows less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    told = limit.read_text().strip() if limit.is_file() else "max"
    return min(machine, int(told)) if told.isdigit() else machine


def shared_memory_bytes() -> int:
    """Return the size of /dev/shm; 0 where there is none."""
    place = Path("/dev/shm")  # noqa: S108 - only its size is asked
    if not place.is_dir():
        return 0
    stat = os.statvfs(place)
    return stat.f_frsize * stat.f_blocks


# Who may log in: the system user the server runs as, and root, both as the role `trucyte`,
# known by the kernel over the socket. Nobody is trusted for what they claim.
HBA_TEXT = "local all all peer map=trucyte\nlocal replication all peer map=trucyte\n"


def ident_text(user: str) -> str:
    """Return the map from system users to the role."""
    names = dict.fromkeys((user, "root"))
    return "".join(f'trucyte "{name}" trucyte\n' for name in names)
