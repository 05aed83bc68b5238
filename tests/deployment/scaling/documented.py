"""The SQL of docs/scaling.md that divides a table by month."""

import re
from pathlib import Path

from django.db import connection

SECTION = (
    (Path(__file__).resolve().parents[3] / "docs" / "scaling.md")
    .read_text()
    .partition("## 5. Partitions")[2]
    .partition("## 6. ")[0]
)
TABLES = ("medication_logs", "vital_signs")


def blocks(table: str) -> list[str]:
    """The page's blocks for a table in their order, with what is run once for both at the beginning."""
    once, *each = re.split(r"^### `(\w+)`$", SECTION, flags=re.MULTILINE)
    of = dict(zip(each[::2], each[1::2], strict=True))
    return [block for part in (once, of[table]) for block in re.findall(r"^```sql\n(.*?)^```", part, re.M | re.S)]


def statements(table: str) -> list[str]:
    """The same as they go to the server: one by one, as CREATE INDEX CONCURRENTLY needs, and a transaction whole."""
    found = []
    for block in blocks(table):
        if "$$" in block:
            found.append(block)
            continue
        # What stands before a transaction, the transaction, and what follows it.
        before, begin, rest = block.partition("BEGIN;\n")
        within, commit, after = rest.partition("COMMIT;\n")
        found += [*before.split(";\n"), begin + within + commit, *after.split(";\n")]
    return [statement for statement in found if statement.strip()]


def divide(*tables: str) -> None:
    """Divide these tables, as somebody would who follows the page from its beginning to its end."""
    with connection.cursor() as cursor:
        for statement in dict.fromkeys(statement for table in tables for statement in statements(table)):
            cursor.execute(statement)
