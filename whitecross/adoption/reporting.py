"""The plan and the report of an adoption, for people: tables on a terminal, lines in a pipe, Markdown to keep."""

import json
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from configuration.wording import on_one_line
from whitecross.adoption.planning import SHOWN, Plan

MOST_SHOWN = 20  # rows named on a terminal
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(number: float) -> str:
    """A number of bytes, for people."""
    for unit in UNITS:
        if number < 1024 or unit == UNITS[-1]:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= 1024
    raise AssertionError


def duration(seconds: float) -> str:
    """A time, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def show_plan(console: Console, plan: Plan) -> None:
    """What would be moved and how, what does not fit, what was noticed, how long and how much."""
    where = "within this database" if plan.in_place else "into this database"
    say(console, f"{plan.source} (PostgreSQL {plan.found.server}), left at step {plan.found.state} of 7, {where}:")
    print_table(
        console,
        ("table", "rows", "size", "do not fit"),
        (
            (
                table,
                f"{plan.rows[table]:,}",
                size(plan.found.bytes.get(table, 0)),
                f"{len(plan.misfits.of(table)):,}" if plan.misfits.of(table) else "",
            )
            for table in plan.made
        ),
        numbers=(1, 2, 3),
    )
    say(console, "What is converted:", bold=True)
    _lines(console, [(table, said) for table, mapping in plan.made.items() for said in mapping.said()])
    if plan.misfits.number:
        say(console, "Rows that do not fit, and rows that depend on them:", bold=True)
        print_table(
            console,
            ("table", "rows", "rule", "why"),
            ((table, f"{number:,}", rule, why) for (table, rule, why), number in plan.misfits.by_rule().items()),
            numbers=(1,),
        )
        named = [
            (table, row, "; ".join(reason.why for reason in reasons))
            for table, rows in plan.misfits.rows.items()
            for row, reasons in rows.items()
        ]
        say(console, "By id:", bold=True)
        _lines(console, named[:MOST_SHOWN])
        if len(named) > MOST_SHOWN:
            say(console, f"... and {len(named) - MOST_SHOWN:,} more; --json names up to {SHOWN:,}.")
    for table, columns in plan.values_unknown.items():
        for column, number in columns.items():
            say(console, f"unknown column {table}.{column}: a value in {number:,} rows")
    for column, number in plan.rounded.items():
        say(console, f"{column}: {number:,} numbers would be rounded")
    for note in plan.notes:
        say(console, f"note: {note}")
    say(
        console,
        f"{plan.total:,} rows, {plan.total - plan.misfits.number:,} to be brought over; about {duration(plan.seconds)} "
        f"and {size(plan.bytes)} of disk.",
    )
    for refusal in plan.refusals():
        say(console, f"In the way: {refusal}", style="bold red")


def show_report(console: Console, report: dict[str, Any]) -> None:
    """What was adopted, and that the proof holds."""
    print_table(
        console,
        ("table", "rows there", "rows here", "set aside", "checksum, the same on both sides"),
        (
            (
                table["table"],
                f"{table['rowsThere']:,}",
                f"{table['rowsHere']:,}",
                f"{table['setAside']:,}" if table["setAside"] else "",
                table["checksumHere"],
            )
            for table in report["tables"]
        ),
        numbers=(1, 2, 3),
    )
    rows = report["rows"]
    say(
        console,
        f"Adopted: {rows['there']:,} rows there = {rows['here']:,} here + {rows['setAside']:,} set aside, in "
        f"{duration(report['seconds'])}. {report['foreignKeysValidated']} foreign keys validated, "
        f"{report['indexesBuilt']} indexes built, the schema verified.",
        style="bold green",
    )


def say(console: Console, text: str, *, bold: bool = False, style: str = "") -> None:
    """A line of text, whatever stands in it."""
    console.print(Text(on_one_line(text), style or ("bold" if bold else "")))


def print_table(
    console: Console,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    whole: Collection[int] = (),
) -> None:
    """A table; into a pipe, a line a row. Columns with these places are `numbers`, or stay `whole`, to be copied."""
    if not console.is_terminal:
        for row in rows:
            console.file.write("\t".join(map(on_one_line, row)) + "\n")  # rich would make blanks of the tabs
        return
    table = Table(box=None, pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(
            heading, justify="right" if place in numbers else "left", overflow="fold", no_wrap=place in whole
        )
    for row in rows:
        table.add_row(*(Text(on_one_line(text)) for text in row))
    console.print(table)


def _lines(console: Console, rows: Iterable[Sequence[str]]) -> None:
    """A line a row, the last of its texts after a colon: ids stay whole on a narrow terminal, to be copied."""
    if not console.is_terminal:
        print_table(console, (), rows)
        return
    for *subject, what in rows:
        text = Text(on_one_line(f"{' '.join(subject)}: {what}"))
        console.print(Padding(text, (0, 0, 0, 2), expand=False))


def write_report(folder: Path, report: dict[str, Any]) -> list[Path]:
    """Write the report as Markdown and JSON, readable by its owner alone. Raises OSError."""
    stamp = report["adopted"].replace("-", "").replace(":", "")[:15]
    written = []
    for ending, text in ((".md", markdown(report)), (".json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")):
        path = folder / f"adoption-{stamp}{ending}"
        partial = path.with_suffix(f"{ending}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        written.append(path)
    return written


def markdown(report: dict[str, Any]) -> str:
    """The report as a page to keep. It names rows by their ids and shows no value of any."""
    source, target, rows = report["source"], report["target"], report["rows"]
    lines = [
        "# Report of an adoption",
        "",
        f"- Adopted: {report['adopted']}, by the database role {report['by']}, in {duration(report['seconds'])}",
        f"- From: {source['database']} (PostgreSQL {source['server']}), state {source['state']} of 7"
        + (", within the same database" if source["inPlace"] else ""),
        f"- Into: {target['database']} (PostgreSQL {target['server']})",
    ]
    if "snapshot" in source:
        lines.append(
            f"- Seen as it was at {source['snapshotTaken']} (snapshot {source['snapshot']}): what was written there "
            "later is not among the rows"
        )
    lines += [
        f"- Rows: {rows['there']:,} there = {rows['here']:,} here + {rows['setAside']:,} set aside",
        f"- Settings that the predecessor had not, as seeded: {report['seededSettings']}",
        f"- Foreign keys validated: {report['foreignKeysValidated']}; indexes built: {report['indexesBuilt']}",
        "- The schema, verified: " + ", ".join(f"{number} {what}" for what, number in report["schemaVerified"].items()),
        "",
        "## Proof",
        "",
        "The checksum is the sum, modulo 2^64, of the first eight bytes of the SHA-256 of each row's canonical text, "
        "over all its columns that were mapped. Both sides were computed by their own database.",
        "",
        "| table | rows there | rows here | set aside | checksum there | checksum here | holds |",
        "| --- | ---: | ---: | ---: | --- | --- | --- |",
        *(
            f"| {table['table']} | {table['rowsThere']:,} | {table['rowsHere']:,} | {table['setAside']:,} | "
            f"`{table['checksumThere']}` | `{table['checksumHere']}` | {'yes' if table['holds'] else 'NO'} |"
            for table in report["tables"]
        ),
        "",
        "## What was converted",
        "",
        *(f"- {table['table']}: {said}" for table in report["tables"] for said in table["converted"]),
    ]
    if report["doNotFit"]:
        lines += ["", "## What was set aside", "", "| table | rule | why | rows |", "| --- | --- | --- | ---: |"]
        lines += [
            f"| {one['table']} | {_cell(one['rule'])} | {_cell(one['why'])} | {one['rows']:,} |"
            for one in report["doNotFit"]
        ]
        lines += ["", f"All of them stand in `adoption_rejects`; the first {SHOWN:,} by id:", ""]
        lines += [
            f"- {row['table']} {row['id']}: {'; '.join(reason['why'] for reason in row['reasons'])}"
            for row in report["rowsSetAside"]
        ]
    if report["columnsSetAside"]:
        lines += ["", "## Columns that nobody knows, set aside", ""]
        lines += [
            f"- {table}.{column}: {number:,} values"
            for table, columns in report["columnsSetAside"].items()
            for column, number in columns.items()
        ]
    if report["rounded"]:
        lines += [
            "",
            "## Rounded",
            "",
            *(f"- {name}: {number:,} numbers" for name, number in report["rounded"].items()),
        ]
    if report["notes"]:
        lines += ["", "## Noticed", "", *(f"- {note}" for note in report["notes"])]
    return "\n".join(map(on_one_line, lines)) + "\n"


def _cell(text: str) -> str:
    """A text that ends no cell of a Markdown table: a setting's rules may hold any character."""
    return text.replace("|", "\\|")


def show_lost(console: Console, lost: dict[str, int]) -> None:
    """What undoing loses: table -> rows."""
    if lost:
        say(console, "Rows that were added, changed or removed here since, which the way back loses:", bold=True)
        print_table(
            console, ("table", "rows"), ((table, f"{number:,}") for table, number in lost.items()), numbers=(1,)
        )


def show_rejects(console: Console, rows: Iterable[Sequence[str]]) -> None:
    """What is set aside: table, id there, id in adoption_rejects, why."""
    if not console.is_terminal:
        print_table(console, (), rows)
        return
    for table, row, reject, why in rows:
        say(console, f"{table} {row}: {why}")
        console.print(Text(f"  adoption_rejects.id = {reject}", "dim"))
