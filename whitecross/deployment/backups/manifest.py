"""What a backup says of itself, readable without a key. Nothing in it is of a person."""

import io
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader

from whitecross.deployment.backups.archive import Archive, damaged
from whitecross.deployment.backups.contents import Contents
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.sealing import WRONG_KEY, SealError, unseal

# A version is higher wherever there are more fields: who does not know them has to say so, and not that it is damaged.
# 2: server_id, notes; no settings, which are in the contents.
FORMAT, VERSION = "White Cross backup", 2

# Columns that one version of PostgreSQL has and another has not are asked for by way of JSON.
DATABASE = """
SELECT pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, d.datlocprovider::text,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), to_jsonb(d) ->> 'daticurules',
       pg_get_userbyid(d.datdba)
FROM pg_database d
WHERE d.datname = current_database()
"""
# Without any GRANT or REVOKE, datacl is NULL and says: everybody may connect and make temporary tables.
GRANTS = """
SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
FROM pg_database d, aclexplode(d.datacl) AS a
WHERE d.datname = current_database() AND a.grantee <> d.datdba
ORDER BY 1 NULLS FIRST, 2
"""
# The owners of what is in the database, and whoever was granted something there. Those of PostgreSQL are everywhere.
ROLES = """
SELECT name FROM (
    SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid >= 16384
    UNION SELECT pg_get_userbyid(p.proowner) FROM pg_proc p WHERE p.oid >= 16384
    UNION SELECT pg_get_userbyid(t.typowner) FROM pg_type t WHERE t.oid >= 16384
    UNION SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n WHERE n.oid >= 16384
    UNION SELECT pg_get_userbyid(d.refobjid) FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype IN ('o', 'a', 'r')
      AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS roles (name)
WHERE name !~ '^(pg_|unknown )'
ORDER BY 1
"""


@dataclass(frozen=True)
class Manifest:
    """Of what database a backup is, of which moment, and what a restore has to make up for what a dump leaves out."""

    created: datetime
    database: str
    server: str
    server_number: int
    pg_dump: str
    recipients: list[str]
    catalog_hash: str
    migrations: list[str]
    rows: int
    tables: int
    dump_bytes: int  # before encryption
    # What a dump without CREATE DATABASE leaves out.
    owner: str = ""
    locale: dict[str, str | None] = field(default_factory=dict)
    settings: list[list[Any]] = field(default_factory=list)  # written into the contents, and read from there
    grants: list[list[Any]] | None = None
    roles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what pg_dump warned of
    server_id: str | None = None  # None: not known, as in older backups

    @property
    def encrypted(self) -> bool:
        """Whether it takes a key to restore it."""
        return bool(self.recipients)

    def as_json(self) -> dict[str, Any]:
        """For a file, and for machines. Without settings: a manifest is for everybody, and they may hold secrets."""
        facts = {**asdict(self), "created": self.created.isoformat()}
        del facts["settings"]
        return {"format": FORMAT, "version": VERSION, **facts}

    def as_bytes(self) -> bytes:
        """For a file, to be read by people too."""
        return (json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n").encode()

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.server_number // 10000


def server_id_of(cursor: CursorWrapper) -> str | None:
    """Which server this is: the same for its standbys and after a restart; None where the role may not know.

    Not which database: one that was restored and swapped in has another oid and is the same to whoever looks for it.
    """
    # Asked for first: a refusal would end the transaction, and with it the snapshot.
    cursor.execute("SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')")
    if not cursor.fetchone()[0]:
        return None
    cursor.execute("SELECT system_identifier::text FROM pg_catalog.pg_control_system()")
    return str(cursor.fetchone()[0])


def facts_of(cursor: CursorWrapper) -> dict[str, Any]:
    """What a manifest says of the database that a cursor is in."""
    cursor.execute(DATABASE)
    names = ("encoding", "collate", "ctype", "provider", "locale", "rules")
    *locale, owner = cursor.fetchone()
    facts: dict[str, Any] = {"locale": dict(zip(names, locale, strict=True)), "owner": owner}
    facts["server_id"] = server_id_of(cursor)
    cursor.execute("SELECT datacl IS NULL FROM pg_database WHERE datname = current_database()")
    as_made = cursor.fetchone()[0]
    cursor.execute(GRANTS)
    facts["grants"] = None if as_made else [list(row) for row in cursor.fetchall()]
    cursor.execute(ROLES)
    facts["roles"] = [name for (name,) in cursor.fetchall()]
    cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
    facts["migrations"] = []
    if cursor.fetchone()[0]:
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
        facts["migrations"] = [name for (name,) in cursor.fetchall()]
    return facts


def read_manifest(archive: Archive) -> Manifest:
    """What an archive says of itself. Raises BackupError."""
    try:
        facts = json.loads(archive.read(archive.members["manifest.json"]))
        version = facts.pop("version")
        if facts.pop("format") != FORMAT or not isinstance(version, int):
            raise damaged(archive.path)
        if version > VERSION:
            raise BackupError(
                f"{archive.path} was made by a newer White Cross, in a format that this one does not know; update "
                "White Cross and run the command again."
            )
        return Manifest(**{**facts, "created": datetime.fromisoformat(facts["created"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        raise damaged(archive.path) from None


def read_contents(archive: Archive, keys: list[Any]) -> Contents:
    """Rows and checksums, decrypted where that is needed. Raises BackupError."""
    data = archive.read(archive.contents)
    if archive.encrypted:
        data = _unsealed(archive.path, data, keys)
    try:
        return Contents.from_json(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise damaged(archive.path) from None


def no_key(path: Path) -> BackupError:
    """It takes one."""
    return BackupError(
        f"{path} is encrypted; name the file that holds the identity, with --identity or "
        "WHITECROSS_BACKUP_IDENTITY_FILE."
    )


def _unsealed(path: Path, data: bytes, keys: list[Any]) -> bytes:
    if not keys:
        raise no_key(path)
    opened = io.BytesIO()
    try:
        unseal(io.BytesIO(data), opened, keys)
    except SealError as error:
        if str(error) == WRONG_KEY:
            raise BackupError(
                f"{path} is encrypted for another key than the one given; name the file that holds the identity of "
                "one of its recipients (manage.py backup list --json shows them)."
            ) from None
        raise damaged(path) from None
    return opened.getvalue()


def refuse_newer(path: Path, manifest: Manifest, server_number: int) -> None:
    """A backup of a newer PostgreSQL, or with migrations that this code does not have. Raises BackupError."""
    if manifest.major > server_number // 10000:
        raise BackupError(
            f"{path} is of PostgreSQL {manifest.major} and this server is {server_number // 10000}; restore it into a "
            f"server of version {manifest.major} or newer."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()}
    ours = {name.partition(".")[0] for name in known}
    newer = [name for name in manifest.migrations if name not in known and name.partition(".")[0] in ours]
    if newer:
        raise BackupError(
            f"{path} was made by a newer White Cross, which has the migration {newer[-1]}; update White Cross to that "
            "version and run the command again."
        )
