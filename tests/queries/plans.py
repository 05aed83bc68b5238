"""Plans: how PostgreSQL answers a query, and assertions on it that say what went wrong."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

# Rows from which on reading a whole table is a mistake.
LARGE = 2_000

Node = dict[str, Any]
Parameters = Sequence[Any] | Mapping[str, Any] | None


class Plan:
    """A plan as EXPLAIN (ANALYZE, FORMAT JSON) describes it."""

    def __init__(self, sql: str, parameters: Parameters = None) -> None:
        with connection.cursor() as cursor:
            # A function or LIMIT may hide the parts that were never executed; ANALYZE tells them from the others.
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters)
            ((((top,)),),) = cursor.fetchall()
            self.nodes = list(_walk(top["Plan"]))
            cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", [LARGE])
            self._large: dict[str, float] = dict(cursor.fetchall())

    @property
    def indexes(self) -> set[str]:
        """The names of the indexes that are used."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def index_only(self) -> set[str]:
        """Those that answer by themselves, without a look at the table."""
        return {node["Index Name"] for node in self.nodes if node["Node Type"] == "Index Only Scan"}

    @property
    def read_whole(self) -> set[str]:
        """The large tables that are read from the beginning, or more than half of whose rows are."""
        return {
            table
            for node in self.nodes
            if (table := node.get("Relation Name")) in self._large
            and (node["Node Type"] == "Seq Scan" or _rows_read(node) > self._large[table] / 2)
        }

    @property
    def rows_read(self) -> float:
        """How many rows all scans together yield or throw away."""
        return sum(_rows_read(node) for node in self.nodes if node["Node Type"].endswith("Scan"))

    def __str__(self) -> str:
        """The plan, a node a line."""
        return "\n".join(_line(node) for node in self.nodes)

    __repr__ = __str__


def _walk(node: Node, depth: int = 0) -> Iterator[Node]:
    node["depth"] = depth
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child, depth + 1)


def _rows_read(node: Node) -> float:
    return float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])


def _line(node: Node) -> str:
    what = " ".join(str(node[key]) for key in ("Node Type", "Relation Name", "Index Name") if key in node)
    return f"{'  ' * node['depth']}{what} ({node['Actual Rows']} rows, {node['Actual Loops']} times)"


def assert_served_by(
    query: "QuerySet[Any, Any] | tuple[str, Parameters]", *indexes: str, index_only: Sequence[str] = ()
) -> Plan:
    """Assert that the query uses these indexes (or any of `a|b`) and reads no large table whole. Returns the plan.

    `index_only` names those that have to answer without a look at the table.
    """
    sql, parameters = query.query.sql_with_params() if isinstance(query, QuerySet) else query
    plan = Plan(sql, parameters)
    missing = [name for name in (*indexes, *index_only) if not set(name.split("|")) & plan.indexes]
    problems = [f"{name} is not used" for name in missing]
    problems += [f"{name} does not answer by itself" for name in index_only if name not in plan.index_only]
    problems += [f"{table} is read whole" for table in sorted(plan.read_whole)]
    if problems:
        raise AssertionError(f"{'; '.join(problems)}.\n\n{plan}\n\n{sql}")
    return plan
