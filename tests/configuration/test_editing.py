"""How people change settings: with a reason, what is theirs, and not what somebody else has just changed."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from configuration import editing
from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.factories import make_school

pytestmark = pytest.mark.django_db
KEY = "SESSION_TIMEOUT_MINUTES"


def stored(key: str = KEY, **place: Any) -> SystemConfiguration:
    return SystemConfiguration.objects.get(key=key, **(place or {"scope": "SYSTEM"}))


def changes(key: str = KEY) -> list[Any]:
    return list(ConfigurationHistory.objects.filter(key=key).order_by("history_date"))


@pytest.mark.parametrize("reason", [None, "", "  \n", "\x00"])
def test_nothing_is_changed_without_a_reason(reason: str | None) -> None:
    setting = stored()
    attempts: list[Callable[[], Any]] = [
        lambda: editing.save(setting, reason=reason),
        lambda: editing.set_value(KEY, 30, reason=reason),
        lambda: editing.delete(setting, reason=reason),
        lambda: editing.restore(setting, reason=reason),
    ]
    for change in attempts:
        with pytest.raises(editing.ReasonError, match="Say why") as refusal:
            change()
        assert list(refusal.value.errors) == ["reason"]
    assert changes() == []


def test_the_reason_is_kept_without_what_the_database_cannot_keep() -> None:
    editing.set_value(KEY, 30, reason=" the board\x00 asks for it ")
    (change,) = changes()
    assert change.history_change_reason == "the board asks for it"
    assert (change.old_value, change.value) == ("60", "30")


def test_a_place_without_a_value_of_its_own_gets_one_with_the_facts_of_the_system() -> None:
    school = make_school()
    setting = editing.set_value(KEY, 30, scope="SCHOOL", scope_id=school.pk, reason="why")
    assert (setting.value, setting.value_type, setting.max_value, setting.default_value) == ("30", "NUMBER", 480, None)
    assert stored().value == "60"


def test_a_declared_setting_that_is_not_stored_gets_its_declared_facts() -> None:
    setting = editing.set_value("API_REQUESTS_PER_MINUTE", 5, reason="why")
    assert (setting.default_value, setting.min_value, setting.validation_rules) == ("600", 1, {"integer": True})
    with pytest.raises(editing.NoSuchSettingError, match="Did you mean SESSION_TIMEOUT_MINUTES"):
        editing.set_value("SESSION_TIMEOUT_MINUTE", 5, reason="why")


@pytest.mark.parametrize(
    ("value", "field", "sentence"),
    [
        (5, "value", "is less than the minimum 15"),
        ("soon", "value", "is not a number"),
        (20.5, "value", "is not a whole number"),
        ([], "value", "is a list, which is not a value of the type NUMBER"),
        ("6\x000", "value", "NUL"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_field(value: Any, field: str, sentence: str) -> None:
    with pytest.raises(editing.EditError, match=sentence) as refusal:
        editing.set_value(KEY, value, reason="why")
    assert field in refusal.value.errors
    assert stored().value == "60"


def test_a_value_that_nothing_reads_is_refused() -> None:
    with pytest.raises(editing.EditError, match="Nothing reads SYSTEM_NAME for a school"):
        editing.set_value("SYSTEM_NAME", "Ours", scope="SCHOOL", scope_id=make_school().pk, reason="why")
    # Also where the table's own rules would take it.
    setting = stored()
    setting.min_value, setting.validation_rules, setting.value = None, {}, "0"
    with pytest.raises(editing.EditError, match="the least that the code that reads it works with"):
        editing.save(setting, reason="why")


def test_a_place_that_does_not_exist_and_a_second_value_are_refused() -> None:
    with pytest.raises(editing.EditError, match="there is no school"):
        editing.set_value(KEY, 30, scope="SCHOOL", scope_id=uuid.uuid4(), reason="why")
    with pytest.raises(editing.EditError, match="has a value for this scope already"):
        editing.save(SystemConfiguration(key=KEY, value="30", value_type="NUMBER"), reason="why")


def test_a_read_only_setting_and_its_overrides_are_not_changed_by_people() -> None:
    school = make_school()
    override = editing.set_value(KEY, 30, scope="SCHOOL", scope_id=school.pk, reason="why")
    SystemConfiguration.objects.filter(key=KEY, scope="SYSTEM").update(is_editable=False)
    assert override.is_editable
    before = len(changes())
    attempts: list[Callable[[], Any]] = [
        lambda: editing.set_value(KEY, 45, reason="why"),
        lambda: editing.delete(stored(), reason="why"),
        lambda: editing.restore(changes()[-1], before=True, reason="why"),
        lambda: editing.set_value(KEY, 45, scope="SCHOOL", scope_id=school.pk, reason="why"),
        lambda: editing.set_value(KEY, 45, scope="DISTRICT", scope_id=school.district_id, reason="why"),
        lambda: editing.delete(override, reason="why"),
        lambda: editing.restore(changes()[0], before=True, reason="why"),
    ]
    for change in attempts:
        with pytest.raises(editing.NotEditableError, match=f"{KEY} is read-only"):
            change()
    setting = stored()
    setting.is_editable = True
    with pytest.raises(editing.NotEditableError):
        editing.save(setting, reason="why")
    assert len(changes()) == before


def test_a_change_of_what_somebody_has_changed_meanwhile_is_refused() -> None:
    setting = stored()
    seen = editing.version(setting)
    editing.set_value(KEY, 30, reason="the first")
    setting.value = "45"
    attempts: list[Callable[[], Any]] = [
        lambda: editing.save(setting, reason="the second", expected=seen),
        lambda: editing.delete(setting, reason="the second", expected=seen),
        lambda: editing.restore(changes()[0], reason="the second", expected=seen),
    ]
    for change in attempts:
        with pytest.raises(editing.StaleError, match="changed SESSION_TIMEOUT_MINUTES meanwhile"):
            change()
    assert stored().value == "30"
    editing.save(setting, reason="the second", expected=editing.version(stored()))
    assert stored().value == "45"


def test_what_somebody_has_deleted_is_not_changed() -> None:
    setting = stored()
    editing.delete(setting, reason="why")
    attempts: list[Callable[[], Any]] = [
        lambda: editing.save(setting, reason="why"),
        lambda: editing.delete(setting, reason="why"),
    ]
    for change in attempts:
        with pytest.raises(editing.NoSuchSettingError, match="somebody has deleted it"):
            change()


def test_every_kind_of_version_is_restored() -> None:
    first = SystemConfiguration.objects.create(key="OURS", value="1", description="first", tags=["a", "b"])
    editing.set_value("OURS", "2", reason="why")
    editing.delete(stored("OURS"), reason="why")
    created, changed, deleted = changes("OURS")
    for change, before, value in [
        (created, False, "1"),
        (changed, False, "2"),
        (changed, True, "1"),
        (deleted, False, "2"),
        (created, True, None),
        (deleted, True, "2"),
    ]:
        restored = editing.restore(change, before=before, reason="back")
        assert (restored and restored.value) == value
        assert SystemConfiguration.objects.filter(key="OURS").exists() == (value is not None)
        if restored:
            assert (restored.pk, restored.description, restored.tags) == (first.pk, "first", ["a", "b"])
    assert changes("OURS")[-1].history_change_reason == "back"


def test_the_first_change_of_a_setting_that_the_migrations_made_is_taken_back() -> None:
    before = {name: getattr(stored(), name) for name in editing.FACTS}
    editing.set_value(KEY, 30, reason="why")
    editing.restore(changes()[0], before=True, reason="back")
    assert {name: getattr(stored(), name) for name in editing.FACTS} == before


def test_a_version_that_breaks_the_rules_of_today_is_refused() -> None:
    SystemConfiguration.objects.filter(key=KEY).update(value="400")
    SystemConfiguration.objects.filter(key=KEY).update(value="60")
    school = make_school()
    editing.set_value(KEY, 400, scope="SCHOOL", scope_id=school.pk, reason="why")
    editing.delete(stored(scope="SCHOOL"), reason="why")
    SystemConfiguration.objects.filter(key=KEY).update(max_value=100, validation_rules={})
    deletion = ConfigurationHistory.objects.get(key=KEY, history_type="-")
    with pytest.raises(editing.EditError, match="more than the maximum 100"):
        editing.restore(deletion, reason="back")


@pytest.mark.parametrize("pk", ["", "x", uuid.uuid4(), None, 5])
def test_a_version_that_is_not_there_is_refused(pk: Any) -> None:
    with pytest.raises(editing.NoSuchSettingError, match="no such version"):
        editing.change_of(pk)


def test_a_text_may_be_empty_unless_a_rule_says_how_long_it_is(db: Any) -> None:
    SystemConfiguration.objects.create(key="NOTE", value="something", tags=["custom"])
    assert editing.set_value("NOTE", "", reason="Nothing to say").value == ""
    with pytest.raises(editing.EditError, match="shorter than 1 characters"):
        editing.set_value("SYSTEM_NAME", "", reason="Nothing to say")
