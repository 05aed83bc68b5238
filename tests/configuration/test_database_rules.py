"""The database judges settings and keeps their history."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from configuration.models import ConfigurationHistory, SystemConfiguration
from core.acting import acting_as
from core.db import uuid7
from tests.factories import make_school, make_user

pytestmark = pytest.mark.django_db

GOOD: list[tuple[str, list[str]]] = [
    ("STRING", ["", "anything at all"]),
    ("NUMBER", ["0", "-1.5", "+3", ".5", "1e3", "12345678901234567890"]),
    ("BOOLEAN", ["true", "false"]),
    ("JSON", ["{}", "null", '"text"', "[1, 2]"]),
    ("ARRAY", ["[]", '["a"]']),
    ("DATE", ["2024-02-29", "0001-01-01"]),
    ("TIME", ["00:00", "23:59:59", "12:30:00.5"]),
    ("DATETIME", ["2026-08-31T14:30:00Z", "2026-08-31T14:30+02:00"]),
    ("EMAIL", ["support@whitecross.health"]),
    ("URL", ["https://example.org", "http://example.org/path?q=1"]),
    ("COLOR", ["#1f6feb", "#ABCDEF"]),
]
BAD: list[tuple[str, list[str]]] = [
    ("NUMBER", ["", "five", "1,5", "0x10", "NaN", "Infinity", " 1", "1e9999", "."]),
    ("BOOLEAN", ["True", "yes", "1", ""]),
    ("JSON", ["", "{", "{'a': 1}"]),
    ("ARRAY", ["{}", "1", "a,b", ""]),
    ("DATE", ["2023-02-29", "31.08.2026", "2026-8-1", "tomorrow", "infinity", ""]),
    ("TIME", ["24:00", "9:30", "noon", "12:60"]),
    ("DATETIME", ["2026-08-31", "2026-08-31T14:30:00", "2026-13-01T00:00:00Z", "now"]),
    ("EMAIL", ["nobody", "a@b", "a b@example.org", "@example.org", "a@.org"]),
    ("URL", ["example.org", "ftp://example.org", "https://", "https://exa mple.org", "javascript:alert(1)"]),
    ("COLOR", ["red", "#12345", "#1234567", "1f6feb"]),
]


def insert(value: str, value_type: str = "STRING", **columns: Any) -> None:
    columns = {"key": "LOCAL", "value": value, "valueType": value_type, **columns}
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO system_configurations ({names}) VALUES ({', '.join(['%s'] * len(columns))})",
            list(columns.values()),
        )


@pytest.mark.parametrize(("value_type", "value"), [(kind, value) for kind, values in GOOD for value in values])
def test_a_value_of_its_type_is_kept(value_type: str, value: str) -> None:
    insert(value, value_type)
    assert SystemConfiguration.objects.get(key="LOCAL").value == value


@pytest.mark.parametrize(("value_type", "value"), [(kind, value) for kind, values in BAD for value in values])
def test_a_value_not_of_its_type_is_refused(value_type: str, value: str) -> None:
    with pytest.raises(IntegrityError, match="LOCAL: the value "), transaction.atomic():
        insert(value, value_type)


def test_a_default_value_is_judged_as_well() -> None:
    with pytest.raises(IntegrityError, match='LOCAL: the default value "five" is not a number'), transaction.atomic():
        insert("5", "NUMBER", defaultValue="five")


@pytest.mark.parametrize(
    ("value", "message"),
    [("0", "less than the minimum 1"), ("11", "more than the maximum 10"), ("10.0001", "more than the maximum 10")],
)
def test_bounds_hold(value: str, message: str) -> None:
    with (
        pytest.raises(IntegrityError, match=f'MAX_LOGIN_ATTEMPTS: the value "{value}" is {message}'),
        transaction.atomic(),
    ):
        SystemConfiguration.objects.filter(key="MAX_LOGIN_ATTEMPTS").update(value=value)


def test_a_bound_moved_past_the_value_is_refused() -> None:
    with pytest.raises(IntegrityError, match="more than the maximum 4"), transaction.atomic():
        SystemConfiguration.objects.filter(key="MAX_LOGIN_ATTEMPTS").update(max_value=4)


def test_valid_values_hold() -> None:
    insert("red", "ENUM", validValues=["red", "green"])
    with pytest.raises(IntegrityError, match="not one of the valid values"), transaction.atomic():
        SystemConfiguration.objects.filter(key="LOCAL").update(value="blue")


def test_a_null_among_the_valid_values_opens_nothing() -> None:
    with pytest.raises(IntegrityError, match="not one of the valid values"), transaction.atomic():
        insert("zzz", "ENUM", validValues=["a", None])


@pytest.mark.parametrize("valid_values", [None, []])
def test_an_enum_without_valid_values_is_refused(valid_values: list[str] | None) -> None:
    with pytest.raises(IntegrityError, match="an ENUM needs its valid values"), transaction.atomic():
        insert("zzz", "ENUM", validValues=valid_values)


def test_bounds_count_to_the_last_digit() -> None:
    insert("1234567890123454", "NUMBER", maxValue=1234567890123454.0)
    with pytest.raises(IntegrityError, match="more than the maximum"), transaction.atomic():
        SystemConfiguration.objects.filter(key="LOCAL").update(value="1234567890123455")


def test_a_bound_that_is_no_number_is_refused() -> None:
    with pytest.raises(IntegrityError, match="a bound is not a number"), transaction.atomic():
        insert("99999", "NUMBER", minValue=5, maxValue=float("nan"))


def test_a_number_too_long_to_be_one_is_refused() -> None:
    with pytest.raises(IntegrityError, match="is not a number"), transaction.atomic():
        insert("9" * 401, "NUMBER")
    with pytest.raises(IntegrityError, match="is longer than 100000 characters"), transaction.atomic():
        insert("9" * 140_000, "NUMBER")


@pytest.mark.parametrize(
    "columns",
    [{"configKey": "K", "newValue": "v", "historyType": "+"}, {"configurationId": uuid7(), "historyType": "x"}],
)
def test_history_names_its_setting_and_what_happened(columns: dict[str, Any]) -> None:
    connection.cursor().execute(
        "ALTER TABLE configuration_history DISABLE TRIGGER configuration_history_refuse_forgery"
    )
    columns = {
        "configKey": "K",
        "newValue": "v",
        "configurationCreatedAt": "2026-01-01",
        "configurationUpdatedAt": "2026-01-01",
        "createdAt": "2026-01-01",
        **columns,
    }
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f"INSERT INTO configuration_history ({names}) VALUES ({', '.join(['%s'] * len(columns))})"
    with pytest.raises(IntegrityError), transaction.atomic():
        connection.cursor().execute(sql, list(columns.values()))


def test_a_scope_names_its_id() -> None:
    with pytest.raises(IntegrityError, match="system_configurations_scope_check"), transaction.atomic():
        insert("x", scope="SCHOOL")
    with pytest.raises(IntegrityError, match="system_configurations_scope_check"), transaction.atomic():
        insert("x", scopeId=uuid7())


def test_a_key_has_one_value_a_scope() -> None:
    insert("x")
    school = make_school().pk
    insert("y", scope="SCHOOL", scopeId=school)
    with pytest.raises(IntegrityError, match="system_configurations_key_scope_key"), transaction.atomic():
        insert("z")
    with pytest.raises(IntegrityError, match="system_configurations_key_scope_key"), transaction.atomic():
        insert("z", scope="SCHOOL", scopeId=school)


def test_bounds_are_in_order() -> None:
    with pytest.raises(IntegrityError, match="is less than the minimum 2"), transaction.atomic():
        insert("1", "NUMBER", minValue=2, maxValue=1)
    connection.cursor().execute("ALTER TABLE system_configurations DISABLE TRIGGER system_configurations_check_value")
    with pytest.raises(IntegrityError, match="system_configurations_bounds_check"), transaction.atomic():
        insert("1", "NUMBER", minValue=2, maxValue=1)


def test_a_change_by_save_is_recorded_with_who() -> None:
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    user = make_user()
    setting.value = "4"
    with acting_as(user):
        setting.save()
    (change,) = ConfigurationHistory.objects.all()
    assert (change.id, change.key, change.value, change.history_user_id) == (setting.pk, setting.key, "4", user.pk)
    assert change.history_type == "~"
    assert change.instance.max_value == 10


def test_a_deletion_is_recorded_and_outlives_its_setting() -> None:
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    key = setting.pk
    setting.delete()
    assert ConfigurationHistory.objects.get(id=key).history_type == "-"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE configuration_history SET \"newValue\" = 'x'",
        "DELETE FROM configuration_history",
        "TRUNCATE configuration_history",
        "TRUNCATE configuration_history, system_configurations",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_history_stays_as_it_was_written(statement: str, role: str) -> None:
    SystemConfiguration.objects.filter(key="MAX_LOGIN_ATTEMPTS").update(value="4")
    with connection.cursor() as cursor:
        # What a superuser's session can do to silence ordinary triggers.
        cursor.execute(f"SET LOCAL session_replication_role = {role}")
        with pytest.raises(IntegrityError, match="configuration_history is append-only"), transaction.atomic():
            cursor.execute(statement)
    assert ConfigurationHistory.objects.count() == 1
