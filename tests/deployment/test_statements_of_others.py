"""without_values: no literal of a statement gets through, however it is written and wherever it was cut off."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whitecross.deployment.statements_of_others import without_values

SECRET = "Zoë5"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 'a', 'it''s', 3, -4.5e-3, .5, 1_000, 0xFF FROM t1", "SELECT ?, ..., -?, ... FROM t1"),
        ("SELECT * FROM students WHERE \"lastName\" = 'Doe'", 'SELECT * FROM students WHERE "lastName" = ?'),
        (r"SELECT E'a\'b' || e'\\' || c", "SELECT ? || ? || c"),
        ("SELECT B'01', X'FF', N'n', U&'d\\0061t', date'2020-01-01'", "SELECT ?, ..., date?"),
        ("SELECT $$a$$, $x$ b $y$ $$ $x$, $1, a$b$c", "SELECT ?, ..., $1, a$b$c"),
        ("SELECT a -- Doe\n, b /* of /* Doe */ 7 */ FROM t", "SELECT a , b FROM t"),
        ("SELECT\n\ta\r\nFROM t", "SELECT a FROM t"),
        ('SELECT "a ""b"" --", U&"x" FROM "t', 'SELECT "a ""b"" --", U&"x" FROM "t'),
        ("UPDATE t SET a[1] = $2 WHERE id IN (1,2, 3)", "UPDATE t SET a[?] = $2 WHERE id IN (?, ...)"),
        ("SELECT 'cut off", "SELECT ?"),
        ("SELECT E'cut off\\", "SELECT ?"),
        ("SELECT $x$ cut off $x", "SELECT ?"),
        ("SELECT 1 /* cut off", "SELECT ?"),
        ("", ""),
    ],
)
def test_literals_become_question_marks(sql: str, said: str) -> None:
    assert without_values(sql) == said


def test_a_text_that_may_end_later_hides_all_the_rest() -> None:
    assert without_values(r"SELECT 'it\'s Doe' FROM t") == "SELECT ?..."
    assert without_values("SELECT E'a'\n'b\\'Doe'") == "SELECT ? ?..."


# The characters that end something, begin something, or hide that.
SAYING = st.text("'\\$*/-\n\r\"eEq;& 0ä", max_size=8).map(lambda text: f"{text}{SECRET}")
WRITTEN = st.one_of(
    SAYING.map(lambda text: "'" + text.replace("'", "''") + "'"),
    SAYING.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    SAYING.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"),
    SAYING.filter(lambda text: "$" not in text).map(lambda text: f"$${text}$$"),
    SAYING.filter(lambda text: "$q$" not in text and not text.endswith("$q")).map(lambda text: f"$q${text}$q$"),
    SAYING.filter(lambda text: "*/" not in text and "/*" not in text and not text.endswith("*")).map(
        lambda text: f"/* {text} */"
    ),
    SAYING.map(lambda text: "-- " + text.replace("\n", "").replace("\r", "") + "\n"),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(WRITTEN, st.sampled_from(["SELECT", "x$y", '"a b"', "$1", ",", "date", "/", "-", "5"])), max_size=8
    ),
    st.integers(0, 60),
)
def test_no_value_is_left_wherever_the_statement_is_cut(pieces: list[str], cut: int) -> None:
    sql = " ".join(pieces)
    for text in (sql, sql[: len(sql) - cut]):
        assert "Zo" not in without_values(text)
        assert "\n" not in without_values(text)
