"""The rules by id: what each refuses, why, and what to do instead."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Rule:
    """A rule. One that only warns does not stop a check."""

    title: str
    reason: str
    remedy: str
    warns: bool = False


RULES = {
    "M01": Rule(
        "A long lock on a table in use",
        "Whoever reads or writes the table waits until the whole of it is scanned, sorted or rewritten.",
        "Use the operations for tables in use: AddIndexConcurrently, AddConstraintNotValid and ValidateConstraint, "
        "AddForeignKeyNotValid, AddUniqueConcurrently, SetNotNull. A lock that stops others comes last in a migration.",
    ),
    "M02": Rule(
        "Schema and data in one migration",
        "The locks of the change of schema are held while the rows are written.",
        "Make it two migrations, the schema first.",
    ),
    "M03": Rule(
        "An import of what may change",
        "A migration does for ever what it did on the day of its release, so it uses nothing that goes on changing.",
        "Import Django, the standard library and core.db alone, take models from the argument `apps`, and write "
        "everything else as literals.",
    ),
    "M04": Rule(
        "No word on what the reverse loses",
        "Whoever takes a release back at night reads it there.",
        "Write a docstring: what the migration does, and a sentence that begins with 'Reverse: '.",
    ),
    "M05": Rule(
        "No reverse",
        "A release that cannot be taken back ends in a restore.",
        "Give RunPython its reverse_code and RunSQL its reverse_sql; noop where there is nothing to take back.",
    ),
    "M06": Rule(
        "A released migration was edited",
        "Databases that have it already would not get the change: there would be two schemas of one name.",
        "Put the file, and its entry in released.json, back as it was (git log -p FILE) and write a new migration.",
    ),
    "M07": Rule(
        "A released migration is missing",
        "Databases that have it on record cannot be migrated any more.",
        "Put the file back (git log -- FILE).",
    ),
    "M08": Rule(
        "The running release still uses what goes",
        "Its processes run on while this migration is carried out, and after it until they are all replaced.",
        "Take it out of the models in this release (SeparateDatabaseAndState with state_operations alone), and out of "
        "the database in the next one.",
    ),
    "M09": Rule(
        "A row that one of the two releases cannot insert",
        "Its INSERT does not name the column, which has to be filled in and has no default in the database.",
        "Give the field a db_default; or null=True, until in the next release every one in use fills it.",
    ),
    "M10": Rule(
        "A column of another type",
        "The table is rewritten under a lock, and the running release writes values that do not fit.",
        "Add a column of the new type, fill it by RunInBatches, read it in the next release and drop the old one in "
        "the one after.",
    ),
    "M11": Rule(
        "atomic = False around what cannot be run again",
        "Killed in the middle, such a migration is done by half, and its second run fails.",
        "Leave atomic = False to migrations that hold operations for tables in use (core.db.online) alone.",
    ),
    "M12": Rule(
        "An operation for tables in use in a transaction",
        "In the transaction of a migration it would hold each lock to its end.",
        "Write atomic = False into the migration, with such operations alone.",
    ),
    "M13": Rule(
        "A new rule that the running release may break",
        "It knows nothing of the rule; what it writes against it is refused.",
        "See that the release before keeps the rule already.",
        warns=True,
    ),
    "M14": Rule(
        "An index goes that the running release may need",
        "Its queries read the whole table instead.",
        "See that no query of the release before uses it (pg_stat_user_indexes counts), or drop it a release later.",
        warns=True,
    ),
    "M15": Rule(
        "A name that nobody thought of",
        "A list of migrations is read as the history of the schema.",
        "Name the file for what it does.",
    ),
    "M16": Rule(
        "SQL that cannot be judged",
        "A block of code, or a statement that depends on what stands in the database, may lock and change anything.",
        "Write the statements out, as operations or RunSQL. A function of RunPython stands in the file and changes "
        "rows alone, by the models of `apps`; of schema_editor it takes connection.alias.",
    ),
    "M17": Rule(
        "squawk's opinion",
        "Another judge, with rules that many have met, finds fault with the SQL.",
        "Do as it says; where it errs for a reason that always holds, .squawk.toml says so.",
    ),
    "M18": Rule(
        "Rows that stay locked to the end",
        "Whoever writes one of the rows waits until all are written and the migration is over.",
        "Use RunInBatches; or name the rows by their key, with = or IN and literals.",
    ),
    "M19": Rule(
        "A migration before a released one",
        "Databases that have the released one refuse to migrate, as they lack what now stands before it.",
        "Let it depend on the released ones, without run_before and replaces.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """A rule that a migration breaks, where, and how."""

    rule: str
    migration: str
    path: Path | None
    line: int
    what: str

    @property
    def place(self) -> str:
        """file:line, from the root of the project where it is below it."""
        if self.path is None:
            return self.migration
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}"

    @property
    def warns(self) -> bool:
        """Whether it stops nothing."""
        return RULES[self.rule].warns

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        rule = RULES[self.rule]
        return {
            "id": self.rule,
            "level": "warning" if rule.warns else "error",
            "migration": self.migration,
            "place": self.place,
            "what": self.what,
            "reason": rule.reason,
            "remedy": rule.remedy,
        }
