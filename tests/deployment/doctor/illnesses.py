"""Illnesses that SQL brings about in a database of a test's own."""

from tests.deployment.doctor.illness import Illness
from tests.deployment.doctor.illnesses_of_rows import ROWS

BUILT = """UPDATE pg_index SET {} WHERE indexrelid = '{}'::regclass"""

SCHEMA = [
    Illness(
        "a check is dropped",
        "D04",
        ("ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_heart_rate_check",),
        "broken D04 vital_signs.vital_signs_heart_rate_check",
    ),
    Illness(
        "an index is dropped",
        "D04",
        ("DROP INDEX students_school_idx",),
        "warning D04 students.students_school_idx",
    ),
    Illness(
        "a column may hold longer texts",
        "D04",
        ("ALTER TABLE students ALTER photo TYPE text",),
        "warning D04 students.photo",
    ),
    Illness(
        "a function does something else",
        "D04",
        ("CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",),
        "broken D04 set_updated_at()",
        mended=False,  # by a shell
    ),
    Illness(
        "an enum type lacks a label",
        "D05",
        ("""DELETE FROM pg_enum WHERE enumtypid = '"Gender"'::regtype AND enumlabel = 'OTHER'""",),
        "broken D05 Gender",
    ),
    Illness(
        "an enum type has a label too many",
        "D05",
        ("""ALTER TYPE "Gender" ADD VALUE 'NEW'""",),
        "warning D05 Gender",
        mended=False,
    ),
]

INDEXES = [
    Illness(
        "an index is invalid",
        "D06",
        (BUILT.format("indisvalid = false", "students_school_idx"),),
        "warning D06 students_school_idx",
    ),
    Illness(
        "an index takes no new rows",
        "D06",
        (BUILT.format("indisvalid = false, indisready = false", "students_school_idx"),),
        "warning D06 students_school_idx",
    ),
    Illness(
        "a unique index is invalid",
        "D06",
        (BUILT.format("indisvalid = false", '"students_studentNumber_key"'),),
        'broken D06 "students_studentNumber_key"',
    ),
    Illness(
        "an exclusion constraint's index is invalid",
        "D06",
        (
            "CREATE TABLE t (id integer PRIMARY KEY, r int4range, CONSTRAINT x EXCLUDE USING gist (r WITH &&))",
            BUILT.format("indisvalid = false", "x"),
        ),
        "broken D06 x",
    ),
    Illness(
        "a rebuild that failed has left an index",
        "D06",
        (
            'CREATE INDEX students_school_idx_ccnew1 ON students ("schoolId")',
            BUILT.format("indisvalid = false", "students_school_idx_ccnew1"),
        ),
        "warning D06 students_school_idx_ccnew1",
    ),
    Illness(
        "an index is there twice",
        "D07",
        (
            'CREATE INDEX i ON vaccinations ("studentId", "administrationDate" DESC) INCLUDE ("vaccineName")',
            'CREATE INDEX j ON vaccinations ("studentId", "administrationDate" DESC) INCLUDE ("vaccineName")',
        ),
        "warning D07 j",
    ),
    Illness(
        "an index does what a constraint does",
        "D07",
        ('CREATE INDEX i ON students ("studentNumber")',),
        "warning D07 i",
    ),
    Illness(
        "two constraints say the same",
        "D07",
        ('CREATE TABLE "T" (id integer PRIMARY KEY)', 'ALTER TABLE "T" ADD CONSTRAINT "Twice" UNIQUE (id)'),
        'warning D07 "Twice"',
    ),
    Illness(
        "an expression is indexed twice, of some rows",
        "D07",
        (
            "CREATE INDEX i ON students (lower(grade)) WHERE grade <> ''",
            "CREATE INDEX j ON students (lower(grade)) WHERE grade <> ''",
        ),
        "warning D07 j",
    ),
    Illness(
        "a longer index begins with the same columns",
        "D08",
        ("CREATE INDEX i ON students (grade)", 'CREATE INDEX j ON students (grade, "lastName")'),
        "note D08 i",
    ),
]

TABLES = [
    Illness(
        "a table has no primary key",
        "D09",
        ("CREATE TABLE t (id text)",),
        "warning D09 t",
    ),
    Illness(
        "a table has a unique index in place of a primary key",
        "D09",
        ("CREATE TABLE t (n integer NOT NULL)", "CREATE UNIQUE INDEX u ON t (n)"),
        "warning D09 t",
    ),
    Illness(
        "a divided table has no primary key",
        "D09",
        ("CREATE TABLE t (id text) PARTITION BY LIST (id)",),
        "warning D09 t",
        mended=False,  # no command that could be typed as it stands
    ),
    Illness(
        "a table of ours has lost its primary key",
        "D09",
        ("ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_pkey",),
        "warning D09 vital_signs",
    ),
    Illness(
        "a table is full of dead rows",
        "D10",
        (
            "CREATE TABLE t (id integer PRIMARY KEY) WITH (autovacuum_enabled = off)",
            "INSERT INTO t SELECT generate_series(1, 12000)",
            "DELETE FROM t WHERE id > 6000",
            "SELECT pg_stat_force_next_flush()",
        ),
        "warning D10 t",
    ),
    Illness(
        "a table and its index hold mostly free space",
        "D11",
        (
            "CREATE EXTENSION pgstattuple",
            "CREATE TABLE t (id integer PRIMARY KEY, x text) WITH (autovacuum_enabled = off)",
            "INSERT INTO t SELECT n, repeat('x', 900) FROM generate_series(1, 12000) n",
            "DELETE FROM t WHERE id % 10 > 0",
            "VACUUM t",
        ),
        "note D11 t",
        deep=True,
    ),
    Illness(
        "an index holds mostly free space",
        "D11",
        (
            "CREATE EXTENSION pgstattuple",
            "CREATE TABLE t (id integer) WITH (autovacuum_enabled = off)",
            "INSERT INTO t SELECT n FROM generate_series(1, 300000) n",
            "CREATE INDEX i ON t (id) WITH (fillfactor = 20)",
            "ALTER INDEX i RESET (fillfactor)",
            "VACUUM t",
        ),
        "note D11 i",
        deep=True,
    ),
    Illness(
        "a table was not frozen for long",
        "D12",
        (
            "CREATE TABLE t (id integer)",
            """UPDATE pg_class SET relfrozenxid = (
                   ((txid_current() % 4294967296 + 4294967296 - 300000000) % 4294967296)::text::xid)
               WHERE relname = 't'""",
        ),
        "warning D12 t",
    ),
    Illness(
        "autovacuum leaves a table alone",
        "D13",
        ("CREATE TABLE t (id integer, x text) WITH (autovacuum_enabled = off)",),
        "warning D13 t",
    ),
    Illness(
        "autovacuum leaves the long values of a table alone",
        "D13",
        ("CREATE TABLE t (id integer, x text) WITH (toast.autovacuum_enabled = 0)",),
        "warning D13 t",
    ),
]

SEQUENCES = [
    Illness(
        "a sequence is near the end of its column",
        "D14",
        (
            "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
            "SELECT setval('t_id_seq', 2000000000)",
        ),
        "warning D14 t_id_seq",
    ),
    Illness(
        "a sequence of a smaller column has ended",
        "D14",
        ("CREATE TABLE t (id smallserial PRIMARY KEY)", "SELECT setval('t_id_seq', 32767)"),
        "broken D14 t_id_seq",
    ),
    Illness(
        "a sequence of nobody's is near its end",
        "D14",
        ('CREATE SEQUENCE "S" MAXVALUE 10', """SELECT setval('"S"', 9)"""),
        'warning D14 "S"',
    ),
    Illness(
        "a sequence is behind the ids",
        "D15",
        (
            'CREATE TABLE "T" ("Id" bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)',
            'INSERT INTO "T" VALUES (1), (41)',
        ),
        'broken D15 "T_Id_seq"',
    ),
    Illness(
        "a sequence was set back",
        "D15",
        (
            "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
            "INSERT INTO t SELECT generate_series(1, 41)",
            "ALTER SEQUENCE t_id_seq RESTART WITH 7",
        ),
        "broken D15 t_id_seq",
    ),
    Illness(
        "a sequence that counts down by tens is behind",
        "D15",
        (
            "CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY -10) PRIMARY KEY)",
            "INSERT INTO t VALUES (-1), (-41)",
        ),
        "broken D15 t_id_seq",
    ),
    Illness(
        "a sequence of a column without an index is behind",
        "D15",
        (
            "CREATE TABLE t (n serial)",
            "INSERT INTO t VALUES (DEFAULT), (41)",
        ),
        "broken D15 t_n_seq",
        deep=True,
    ),
]

UNFINISHED = [
    Illness(
        "pg_stat_statements is there without its library",
        "D20",
        ("CREATE EXTENSION pg_stat_statements",),
        "note D20 pg_stat_statements",
        mended=False,  # by a restart
    ),
    Illness(
        "an adoption was begun",
        "D26",
        (
            "CREATE SCHEMA whitecross_legacy",
            "CREATE TABLE whitecross_legacy.adoption (in_place boolean, begun timestamptz, adopted timestamptz)",
            "INSERT INTO whitecross_legacy.adoption VALUES (true, now(), NULL)",
        ),
        "warning D26 adoption",
        mended=False,  # by a shell
    ),
    Illness(
        "an adoption was done and the way back kept",
        "D26",
        (
            "CREATE SCHEMA whitecross_legacy",
            "CREATE TABLE whitecross_legacy.adoption (in_place boolean, begun timestamptz, adopted timestamptz)",
            "INSERT INTO whitecross_legacy.adoption VALUES (false, now(), now())",
        ),
        "note D26 adoption",
        mended=False,
    ),
]

ILLNESSES = [*ROWS, *SCHEMA, *INDEXES, *TABLES, *SEQUENCES, *UNFINISHED]
