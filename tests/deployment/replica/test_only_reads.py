"""What certainly writes nothing. Whatever is in doubt counts as a write."""

import pytest
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Concat, Lower, TruncMonth

from core.models import Student
from health_records.models import MedicationLog, StudentMedication, Vaccination
from whitecross.replica.primary import STATEMENT, only_reads


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "  (SELECT 1) UNION (SELECT 2)",
        'SELECT "a"."updatedAt", COUNT(*) FILTER (WHERE "deletedAt" IS NULL) FROM "a" WHERE "x" IN (%s, %s) GROUP BY 1',
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "select upper(name) from students where id = any(%s) limit 21",
        "SELECT id::varchar(10) FROM students ORDER BY 1 OFFSET 5",
        STATEMENT,
    ],
)
def test_these_only_read(sql: str) -> None:
    assert only_reads(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "INSERT INTO a VALUES (1)",
        "UPDATE a SET b = 1",
        "DELETE FROM a",
        "TRUNCATE a",
        "CALL p()",
        "DO $$ BEGIN END $$",
        "COPY a FROM STDIN",
        "BEGIN",
        "SAVEPOINT s",
        "SET x = 1",
        "EXPLAIN ANALYZE DELETE FROM a",
        "SELECT 1; DELETE FROM a",
        "SELECT 1 INTO a",
        "SELECT * FROM a FOR UPDATE",
        "SELECT * FROM a FOR NO KEY UPDATE OF a SKIP LOCKED",
        "SELECT * FROM a FOR SHARE",
        "SELECT * FROM a FOR KEY SHARE",
        "WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a",
        "WITH a AS (INSERT INTO b VALUES (1) RETURNING *) SELECT * FROM a",
        "WITH a AS (MERGE INTO b USING c ON true WHEN MATCHED THEN DO NOTHING RETURNING *) SELECT * FROM a",
        "SELECT nextval('s')",
        "SELECT our_function (1)",
        'SELECT "our function"(1)',
        "SELECT public.our_function(1)",
        "SELECT public.upper(1), public . nextval(1)",
        "SELECT set_config('a', 'b', true)",
        "SELECT pg_advisory_lock(1)",
        "SELECT lo_create(0)",
        "SELECT /* a comment */ pg_notify/**/('a', 'b')",
        "SELECT pg_notify -- a comment\n ('a', 'b')",
        "SELECT U&\"\\0070g_notify\"('a', 'b')",
        "TABLE a",
        "VALUES (1)",
    ],
)
def test_these_may_write(sql: str) -> None:
    assert not only_reads(sql)


def test_the_orms_queries_only_read() -> None:
    orders = StudentMedication.objects.filter(student=OuterRef("pk"))
    for rows in (
        Student.objects.all(),
        Student.objects.filter(Q(first_name__icontains="a") | Q(last_name__istartswith="b"), grade__in=["1", "2"]),
        Student.objects.annotate(number=Count("medications", filter=Q(medications__is_active=True))),
        Student.objects.annotate(name=Concat(Lower("first_name"), F("last_name"))).order_by("-name")[5:10],
        Student.objects.filter(Exists(orders)).annotate(first=Coalesce(Subquery(orders.values("pk")[:1]), None)),
        Student.objects.with_health_overview(),
        MedicationLog.objects.annotate(month=TruncMonth("time_given")).values("month").annotate(Count("pk")),
        Vaccination.objects.select_related("student__school").distinct(),
    ):
        sql, _ = rows.query.sql_with_params()
        assert only_reads(sql), sql
