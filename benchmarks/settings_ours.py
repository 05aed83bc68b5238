"""The settings of White Cross, as a worker of benchmarks.settings_reading and benchmarks.settings_visibility."""

import uuid

import django
from django.conf import settings

from benchmarks.settings_worker import answer, told

if __name__ == "__main__":
    told_us = told()
    settings.DATABASES["default"].update(told_us["database"])
    django.setup()

    from configuration import config
    from configuration.declared import SESSION_TIMEOUT_MINUTES
    from core.models import School, User

    school = School.objects.filter(code=told_us["school"]).first()
    user = User.objects.filter(email=told_us["user"]).first()
    school_id = school.pk if school else uuid.UUID(int=0)
    get = config.get
    deeds = {
        "clock": lambda: None,
        "system": lambda: get("SESSION_TIMEOUT_MINUTES"),
        "declared": lambda: SESSION_TIMEOUT_MINUTES.get(),
        "school": lambda: get("SESSION_TIMEOUT_MINUTES", school=school_id),
        "user": lambda: get("SESSION_TIMEOUT_MINUTES", user=user),
    }
    if school and user:
        found = [int(str(deeds[name]())) for name in ("system", "declared", "school", "user")]
        assert found == [60, 60, 30, 20], found
    answer(deeds, look=lambda: get("MAX_LOGIN_ATTEMPTS"))
