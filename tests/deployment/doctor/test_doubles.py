"""Of two indexes that guard, doctor calls one a duplicate only if the other refuses the same rows at the same time."""

import pytest

from tests.deployment.doctor.conftest import ask, named, run

EXCLUDE = "ALTER TABLE t ADD CONSTRAINT {} EXCLUDE USING gist (r WITH {}){}"


@pytest.fixture
def ranges(patient: None) -> None:
    run("CREATE TABLE t (id integer PRIMARY KEY, a integer, r int4range)")


def test_exclusion_constraints_with_other_operators_are_no_duplicates(ranges: None) -> None:
    run(EXCLUDE.format("overlap", "&&", ""), EXCLUDE.format("adjacent", "-|-", ""))
    assert ask("D07").found == []


def test_of_several_each_is_compared_with_those_that_refuse_the_same(ranges: None) -> None:
    run(
        EXCLUDE.format("overlap", "&&", ""),
        EXCLUDE.format("adjacent", "-|-", ""),
        EXCLUDE.format("overlap_2", "&&", ""),
        EXCLUDE.format("adjacent_2", "-|-", ""),
        EXCLUDE.format("later", "&&", " DEFERRABLE"),
        "CREATE INDEX plain ON t USING gist (r)",
    )
    report = ask("D07")
    assert sorted(named(report)) == ["warning D07 adjacent_2", "warning D07 overlap_2", "warning D07 plain"]
    sentences = {finding.object: finding.sentence for _, finding in report.found}
    assert sentences["adjacent_2"].startswith("a duplicate of adjacent on t")
    assert sentences["overlap_2"].startswith("a duplicate of overlap on t")


def test_a_unique_index_that_looks_at_once_is_no_duplicate_of_a_constraint_that_waits(ranges: None) -> None:
    run(
        "ALTER TABLE t ADD CONSTRAINT deferred UNIQUE (a) DEFERRABLE INITIALLY DEFERRED",
        "CREATE UNIQUE INDEX at_once ON t (a)",
    )
    assert ask("D07").found == []


def test_an_index_that_guards_nothing_is_a_duplicate_of_one_that_does(ranges: None) -> None:
    run(
        "ALTER TABLE t ADD CONSTRAINT deferred UNIQUE (a) DEFERRABLE",
        "CREATE INDEX plain ON t (a)",
    )
    assert named(ask("D07")) == ["warning D07 plain"]
