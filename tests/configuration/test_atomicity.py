"""A setting and its history."""

from typing import Any

import pytest
from simple_history.signals import pre_create_historical_record

from configuration.models import SystemConfiguration


def test_a_setting_and_its_history_are_written_together_or_not_at_all(committed_db: str) -> None:
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")

    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    pre_create_historical_record.connect(fail)
    try:
        setting.value = "4"
        with pytest.raises(ZeroDivisionError):
            setting.save()
        with pytest.raises(ZeroDivisionError):
            SystemConfiguration.objects.get(pk=setting.pk).delete()
    finally:
        pre_create_historical_record.disconnect(fail)
    assert SystemConfiguration.objects.get(pk=setting.pk).value == "5"
