"""What can be wrong with the rows of a database, and with the rules that they keep."""

from tests.deployment.doctor.illness import Illness

FAMILY = (
    "CREATE TABLE parents (id integer PRIMARY KEY)",
    'CREATE TABLE "Children" (id integer PRIMARY KEY, "parentId" integer)',
    "INSERT INTO parents VALUES (1)",
    'INSERT INTO "Children" VALUES (1, 1), (2, 7), (3, NULL), (4, 8)',
)
UNPROVEN = 'ALTER TABLE "Children" ADD CONSTRAINT "Children_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES parents'

ROWS = [
    Illness(
        "rows point to nothing behind a key that is not validated",
        "D01",
        (*FAMILY, f"{UNPROVEN} NOT VALID"),
        'broken D01 "Children"."Children_parentId_fkey"',
    ),
    Illness(
        "rows point to nothing, and have to point to something",
        "D01",
        (
            *FAMILY,
            'DELETE FROM "Children" WHERE "parentId" IS NULL',
            'ALTER TABLE "Children" ALTER "parentId" SET NOT NULL',
            f"{UNPROVEN} NOT VALID",
        ),
        'broken D01 "Children"."Children_parentId_fkey"',
        mended=False,
    ),
    Illness(
        "rows came while the triggers of a key were off",
        "D01",
        (
            *FAMILY,
            'DELETE FROM "Children" WHERE "parentId" > 1',
            UNPROVEN,
            'ALTER TABLE "Children" DISABLE TRIGGER ALL',
            'INSERT INTO "Children" VALUES (5, 9)',
        ),
        'broken D01 "Children"."Children_parentId_fkey"',
    ),
    Illness(
        "rows came in a session in which no trigger fires",
        "D01",
        (
            *FAMILY,
            'DELETE FROM "Children" WHERE "parentId" > 1',
            UNPROVEN,
            "SET session_replication_role = replica",
            'INSERT INTO "Children" VALUES (5, 9)',
            "RESET session_replication_role",
        ),
        'broken D01 "Children"."Children_parentId_fkey"',
        deep=True,
    ),
    Illness(
        "rows of a table without a primary key, of two columns, point to nothing",
        "D01",
        (
            "CREATE TABLE parents (a integer, b integer, PRIMARY KEY (a, b))",
            "CREATE TABLE children (b integer, a integer)",
            "INSERT INTO children VALUES (1, 2), (NULL, 2)",
            "ALTER TABLE children ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES parents (a, b) NOT VALID",
        ),
        "broken D01 children.k",
    ),
    Illness(
        "a foreign key spares old rows",
        "D02",
        (*FAMILY, 'DELETE FROM "Children" WHERE "parentId" > 1', f"{UNPROVEN} NOT VALID"),
        'warning D02 "Children"."Children_parentId_fkey"',
    ),
    Illness(
        "a check spares old rows",
        "D02",
        ("ALTER TABLE students ADD CONSTRAINT c CHECK (grade <> '') NOT VALID",),
        "warning D02 students.c",
    ),
    Illness(
        "a foreign key is not enforced",
        "D02",
        (*FAMILY, 'DELETE FROM "Children" WHERE "parentId" > 1', f"{UNPROVEN} NOT ENFORCED"),
        'broken D02 "Children"."Children_parentId_fkey"',
        since=180000,
    ),
    Illness(
        "a check is not enforced",
        "D02",
        ("ALTER TABLE students ADD CONSTRAINT d CHECK (grade <> '') NOT ENFORCED",),
        "broken D02 students.d",
        since=180000,
        mended=False,
    ),
    Illness(
        "NOT NULL spares old rows",
        "D02",
        ("CREATE TABLE t (id integer PRIMARY KEY, n text)", "ALTER TABLE t ADD CONSTRAINT c NOT NULL n NOT VALID"),
        "warning D02 t.c",
        since=180000,
    ),
    Illness(
        "a trigger is disabled",
        "D03",
        ("ALTER TABLE students DISABLE TRIGGER students_refuse_delete",),
        "broken D03 students.students_refuse_delete",
    ),
    Illness(
        "a guard that always fires is disabled",
        "D03",
        ("ALTER TABLE configuration_history DISABLE TRIGGER configuration_history_refuse_change",),
        "broken D03 configuration_history.configuration_history_refuse_change",
    ),
    Illness(
        "a trigger fires in replicas only",
        "D03",
        ("ALTER TABLE students ENABLE REPLICA TRIGGER students_refuse_delete",),
        "broken D03 students.students_refuse_delete",
    ),
    Illness(
        "a foreign key does not look at new rows",
        "D03",
        (*FAMILY, 'DELETE FROM "Children"', UNPROVEN, 'ALTER TABLE "Children" DISABLE TRIGGER ALL'),
        'broken D03 "Children"."Children_parentId_fkey"',
    ),
]
