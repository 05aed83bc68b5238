"""docs/schema.md is current."""

import io

from django.core.management import call_command

from core.schema.expected import load_expected
from core.schema.reference import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(load_expected()), (
        "Write it again: python manage.py schema_reference --write"
    )


def test_the_command_prints_what_the_page_holds() -> None:
    out = io.StringIO()
    call_command("schema_reference", stdout=out)
    assert out.getvalue() == PAGE.read_text(encoding="utf-8")


def test_every_table_column_index_and_label_is_on_the_page() -> None:
    text, expected = PAGE.read_text(encoding="utf-8"), load_expected()
    for table, facts in expected["tables"].items():
        assert table in text
        if table.startswith(("auth_", "django_", "knox_", "users_")):
            continue
        for members in ("columns", "constraints", "indexes", "triggers"):
            for name in facts.get(members, {}):
                assert f"`{name}`" in text or name.endswith("_pkey"), f"{table}.{name}"
    for labels in expected["enums"].values():
        assert all(f"`{label}`" in text for label in labels)
