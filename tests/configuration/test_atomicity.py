"""A setting and its history."""

from unittest import mock

import pytest
from django.db import IntegrityError, ProgrammingError, connection

from configuration import config
from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration


def test_a_setting_and_its_history_are_written_together_or_not_at_all(committed_db: str) -> None:
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    connection.cursor().execute('ALTER TABLE configuration_history RENAME COLUMN "userAgent" TO elsewhere')
    setting.value = "4"
    with pytest.raises(ProgrammingError):
        setting.save()
    with pytest.raises(ProgrammingError):
        SystemConfiguration.objects.get(pk=setting.pk).delete()
    assert SystemConfiguration.objects.get(pk=setting.pk).value == "5"


@pytest.mark.django_db
def test_a_row_of_the_history_cannot_be_made_up() -> None:
    with pytest.raises(IntegrityError, match="written by the database alone"):
        ConfigurationHistory.objects.create(
            id="018f0000-0000-7000-8000-000000000000",
            key="MAX_LOGIN_ATTEMPTS",
            value="1",
            history_type="~",
            created_at="2026-01-01T00:00Z",
            updated_at="2026-01-01T00:00Z",
        )


def test_writes_within_one_block_have_the_settings_read_once(committed_db: str) -> None:
    with mock.patch.object(type(config), "refresh") as refresh, changing(reason="One deed"):
        for value in "34":
            SystemConfiguration.objects.filter(key="MAX_LOGIN_ATTEMPTS").update(value=value)
    assert refresh.call_count == 1


@pytest.mark.django_db
def test_the_id_of_a_setting_stays() -> None:
    with pytest.raises(IntegrityError, match="the id of a setting stays"):
        connection.cursor().execute("UPDATE system_configurations SET id = uuidv7() WHERE key = 'SYSTEM_NAME'")
