"""Kinds of tampering with tables, columns, enum types, functions and the rest."""

from tests.core.schema.member_mutations import CONSTRAINTS, INDEXES, TRIGGERS
from tests.core.schema.mutation import Mutation


def _swapped_type(labels: str) -> str:
    return f"""
        ALTER TYPE "Gender" RENAME TO gender_before;
        CREATE TYPE "Gender" AS ENUM ({labels});
        ALTER TABLE students ALTER COLUMN gender TYPE "Gender" USING gender::text::"Gender";
        DROP TYPE gender_before"""


TABLES = [
    Mutation("a table is dropped", "DROP TABLE screenings", "table missing: screenings", mended=False),
    Mutation("a table is renamed", "ALTER TABLE screenings RENAME TO screening", "table missing: screenings"),
    Mutation(
        "a table that others refer to is dropped",
        "DROP TABLE appointments CASCADE",
        "table missing: appointments",
        ("constraint missing: vital_signs.vital_signs_appointmentId_fkey",),
        mended=False,
    ),
    Mutation(
        "a view stands in a table's place",
        "ALTER TABLE screenings RENAME TO s; CREATE VIEW screenings AS SELECT * FROM s",
        "table kind: screenings",
        mended=False,
    ),
    Mutation("a table loses its log", "ALTER TABLE vital_signs SET UNLOGGED", "table persistence: vital_signs"),
    Mutation(
        "a table gets a fill factor",
        "ALTER TABLE vaccinations SET (fillfactor = 50)",
        "storage parameters: vaccinations",
    ),
    Mutation("a table gets a child", "CREATE TABLE more () INHERITS (vital_signs)", "inheritance: vital_signs"),
    Mutation("row security hides rows", "ALTER TABLE students ENABLE ROW LEVEL SECURITY", "row security: students"),
    Mutation(
        "row security hides rows from the owner too",
        "ALTER TABLE students ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "row security: students",
    ),
    Mutation(
        "a policy is added",
        "CREATE POLICY p ON students USING (false)",
        "policy extra: students.p",
        mended=False,
    ),
    Mutation(
        "a rule swallows inserts",
        "CREATE RULE r AS ON INSERT TO students DO INSTEAD NOTHING",
        "rule extra: students.r",
        mended=False,
    ),
    Mutation(
        "a table of Django's own is dropped", "DROP TABLE django_session", "table missing: django_session", mended=False
    ),
]

COLUMNS = [
    Mutation(
        "a column is dropped", "ALTER TABLE students DROP COLUMN photo", "column missing: students.photo", mended=False
    ),
    Mutation(
        "a column is dropped with its index",
        "ALTER TABLE contacts DROP COLUMN email",
        "column missing: contacts.email",
        ("index missing: contacts.contacts_email_idx",),
        mended=False,
    ),
    Mutation(
        "a column is added", "ALTER TABLE students ADD nickname text", "column extra: students.nickname", mended=False
    ),
    Mutation("a column is renamed", "ALTER TABLE students RENAME photo TO picture", "column renamed: students.photo"),
    Mutation("a text gets longer", "ALTER TABLE students ALTER photo TYPE text", "column type: students.photo"),
    Mutation(
        "a number gets coarser",
        'ALTER TABLE vital_signs ALTER "glucoseLevel" TYPE numeric(8, 1)',
        "column type: vital_signs.glucoseLevel",
    ),
    Mutation(
        "a time loses its zone",
        'ALTER TABLE appointments ALTER "completedAt" TYPE timestamp',
        "column type: appointments.completedAt",
    ),
    Mutation(
        "an enum column becomes text", "ALTER TABLE students ALTER gender TYPE text", "column type: students.gender"
    ),
    Mutation(
        "a column allows NULL",
        "ALTER TABLE students ALTER grade DROP NOT NULL",
        "nullability: students.grade",
        mended=False,
    ),
    Mutation("a column forbids NULL", "ALTER TABLE students ALTER photo SET NOT NULL", "nullability: students.photo"),
    Mutation(
        "a column forbids NULL in new rows only",
        "ALTER TABLE students ALTER grade DROP NOT NULL, ADD CONSTRAINT n NOT NULL grade NOT VALID",
        "nullability not validated: students.grade",
        since=180000,
    ),
    Mutation(
        "a default is dropped", 'ALTER TABLE students ALTER "isActive" DROP DEFAULT', "default: students.isActive"
    ),
    Mutation(
        "a default is changed", 'ALTER TABLE students ALTER "isActive" SET DEFAULT false', "default: students.isActive"
    ),
    Mutation("a default is added", "ALTER TABLE students ALTER grade SET DEFAULT '1'", "default: students.grade"),
    Mutation(
        "ids lose their order",
        "ALTER TABLE students ALTER id SET DEFAULT gen_random_uuid()",
        "default: students.id",
    ),
    Mutation("an identity is dropped", "ALTER TABLE auth_group ALTER id DROP IDENTITY", "identity: auth_group.id"),
    Mutation(
        "an identity takes no value of one's own",
        "ALTER TABLE auth_group ALTER id SET GENERATED ALWAYS",
        "identity: auth_group.id",
    ),
    Mutation(
        "a column is computed",
        "ALTER TABLE students DROP photo, ADD photo varchar(500) GENERATED ALWAYS AS (upper(grade)) STORED",
        "generated column: students.photo",
        mended=False,
    ),
    Mutation(
        "a column sorts by bytes",
        'ALTER TABLE students ALTER photo TYPE varchar(500) COLLATE "C"',
        "collation: students.photo",
    ),
]

ENUMS = [
    Mutation("a label is added", """ALTER TYPE "Gender" ADD VALUE 'NEW'""", "enum labels extra: Gender", mended=False),
    Mutation(
        "a label is added in between",
        """ALTER TYPE "Gender" ADD VALUE 'NEW' BEFORE 'FEMALE'""",
        "enum labels extra: Gender",
        mended=False,
    ),
    Mutation(
        "a label is renamed",
        """ALTER TYPE "Gender" RENAME VALUE 'OTHER' TO 'X'""",
        "enum labels missing: Gender",
        ("enum labels extra: Gender",),
        mended=False,
    ),
    Mutation("a label is lost", _swapped_type("'MALE', 'FEMALE', 'PREFER_NOT_TO_SAY'"), "enum labels missing: Gender"),
    Mutation(
        "labels stand in another order",
        _swapped_type("'FEMALE', 'MALE', 'OTHER', 'PREFER_NOT_TO_SAY'"),
        "enum labels order: Gender",
        mended=False,
    ),
    Mutation(
        "a type is renamed",
        'ALTER TYPE "Gender" RENAME TO "Sex"',
        "enum type missing: Gender",
        ("column type: students.gender",),
    ),
]

FUNCTIONS = [
    Mutation(
        "a function does nothing",
        """CREATE OR REPLACE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RETURN OLD; END $$""",
        "function body: refuse_delete()",
        mended=False,
    ),
    Mutation(
        "a function promises less",
        "ALTER FUNCTION search_text(text) STABLE",
        "function attributes: search_text(text)",
        mended=False,
    ),
    Mutation(
        "a function is called with NULL",
        "ALTER FUNCTION search_text(text) CALLED ON NULL INPUT",
        "function attributes: search_text(text)",
        mended=False,
    ),
    Mutation(
        "a function has its owner's rights",
        "ALTER FUNCTION refuse_delete() SECURITY DEFINER",
        "function attributes: refuse_delete()",
        mended=False,
    ),
    Mutation(
        "a function has a setting of its own",
        "ALTER FUNCTION refuse_delete() SET whitecross.erase = 'on'",
        "function attributes: refuse_delete()",
        mended=False,
    ),
    Mutation(
        "a function is dropped with its triggers",
        "DROP FUNCTION refuse_history_change() CASCADE",
        "function missing: refuse_history_change()",
        (
            "trigger missing: configuration_history.configuration_history_refuse_change",
            "trigger missing: configuration_history.configuration_history_refuse_truncate",
        ),
        mended=False,
    ),
    Mutation(
        "a function is renamed",
        "ALTER FUNCTION setting_value_problem(text, text, float8, float8, text[], jsonb) RENAME TO f",
        "function missing: setting_value_problem(text,text,double precision,double precision,text[],jsonb)",
        mended=False,
    ),
]

REST = [
    Mutation(
        "a sequence ends early",
        "ALTER SEQUENCE django_migrations_id_seq AS smallint",
        "sequence changed: django_migrations_id_seq",
        mended=False,
    ),
    Mutation(
        "a migration is struck from the record",
        "DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0002%%'",
        "migration unapplied: core.0002_performance_indexes",
        mended=False,
    ),
    Mutation(
        "a migration that nobody has is on record",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('core', '9999_later', now())",
        "migration unknown: core.9999_later",
        mended=False,
    ),
    Mutation(
        "a setting is missing",
        "DELETE FROM system_configurations WHERE key = 'SYSTEM_NAME'",
        "setting missing: SYSTEM_NAME",
        mended=False,
    ),
]

MUTATIONS = [*TABLES, *COLUMNS, *ENUMS, *CONSTRAINTS, *INDEXES, *TRIGGERS, *FUNCTIONS, *REST]

# Sentence, statement, note.
REMARKS = [
    ("a table of the operator's own", "CREATE TABLE mine (id int)", "unknown table mine: not looked at"),
    ("a view over our tables", "CREATE VIEW v AS SELECT id FROM students", "unknown view v: not looked at"),
    (
        "a materialized view over our tables",
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM students",
        "unknown materialized view m: not looked at",
    ),
    ("a type of the operator's own", "CREATE TYPE mood AS ENUM ('good')", "unknown enum type mood: not looked at"),
    (
        "a function of the operator's own",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "unknown function f(): not looked at",
    ),
    ("a sequence of the operator's own", "CREATE SEQUENCE s", "unknown sequence s: not looked at"),
    (
        "a table whose vacuum is tuned",
        "ALTER TABLE students SET (autovacuum_vacuum_scale_factor = 0.02)",
        "table students is tuned: autovacuum_vacuum_scale_factor=0.02",
    ),
]
