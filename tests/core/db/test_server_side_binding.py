"""Enum columns with parameters bound by the server."""

from django.db import connection
from django.db.models import Case, Value, When

from core.models import User
from tests.factories import make_user


def test_writes_and_filters_work_with_server_side_binding(committed_db: str) -> None:
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["server_side_binding"] = True
    try:
        user = make_user()
        User.objects.filter(role__in=["NURSE"]).update(role=Case(When(pk=user.pk, then=Value("VIEWER"))))
        assert User.objects.get(role="VIEWER").pk == user.pk
        user.role = "NURSE"
        User.objects.bulk_update([user], ["role"])
        User.objects.bulk_create([User(email=f"{n}@example.org", role="COUNSELOR") for n in range(3)])
        assert User.objects.filter(role="COUNSELOR").count() == 3
    finally:
        connection.close()
        del options["server_side_binding"]
