"""The databases that tests stand on."""

from django.db import connection

from configuration.models import ConfigurationHistory, SystemConfiguration
from core.models import District


def test_a_migrated_database_of_its_own_is_seeded(committed_db: str) -> None:
    assert connection.settings_dict["NAME"] == committed_db
    assert SystemConfiguration.objects.count() == 12
    assert ConfigurationHistory.objects.count() == 0
    District.objects.create(name="Here", code="H")


def test_what_one_test_commits_no_other_sees(committed_db: str) -> None:
    assert not District.objects.exists()


def test_an_empty_database_has_no_tables(empty_db: str) -> None:
    assert connection.introspection.table_names() == []
