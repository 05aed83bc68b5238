"""Two people at one record: whoever saves second is told, and loses nothing."""

import threading
from typing import Any

from django.db import connection, transaction

from health_records.models import StudentMedication
from tests.access.worlds import World, make_place
from tests.admin.conftest import SignIn
from tests.admin.pages import address, errors_on, form_on

ORDER = "health_records.StudentMedication"


def test_the_second_to_save_overwrites_nothing_unseen(world: World, sign_in: SignIn) -> None:
    order: Any = world.here.rows[ORDER]
    url = address(ORDER, "change", order.pk)
    ann, bob = sign_in(world.here.nurse), sign_in(world.here.nurse)
    anns, bobs = form_on(ann, url), form_on(bob, url)
    assert bob.post(url, {**bobs, "dosage": "5 mg"}).status_code == 302
    response = ann.post(url, {**anns, "notes": "With food"})
    error = errors_on(response)
    assert "Somebody changed this record while you had it open" in error
    assert "Dosage, Notes" in error
    assert "5 mg" not in error
    order.refresh_from_db()
    assert (order.dosage, order.notes) == ("5 mg", None)
    page = response.content.decode()
    assert "With food" in page

    # She has been told: with what the page now says, she may save.
    version = response.context["adminform"].form.version
    assert f'name="_version" value="{version}"' in page
    assert ann.post(url, {**anns, "_version": version, "dosage": "5 mg", "notes": "With food"}).status_code == 302
    order.refresh_from_db()
    assert (order.dosage, order.notes) == ("5 mg", "With food")


def test_saving_twice_from_the_same_page_is_told_too(world: World, sign_in: SignIn) -> None:
    url = address(ORDER, "change", world.here.rows[ORDER].pk)
    client = sign_in(world.here.nurse)
    form = form_on(client, url)
    assert client.post(url, {**form, "notes": "1"}).status_code == 302
    assert "Somebody changed" in errors_on(client.post(url, {**form, "notes": "2"}))


def test_a_form_that_does_not_say_what_it_saw_is_refused(world: World, sign_in: SignIn) -> None:
    url = address(ORDER, "change", world.here.rows[ORDER].pk)
    client = sign_in(world.here.nurse)
    form = form_on(client, url)
    del form["_version"]
    assert "Somebody changed" in errors_on(client.post(url, form))


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it stays as it was first seen
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_who_saves_waits_for_who_is_saving(committed_db: str, sign_in: SignIn) -> None:
    place = make_place()
    order: Any = place.rows[ORDER]
    url = address(ORDER, "change", order.pk)
    client = sign_in(place.nurse)
    form = form_on(client, url)
    answers: list[Any] = []

    def save() -> None:
        try:
            answers.append(client.post(url, {**form, "notes": "Mine"}))
        finally:
            connection.close()

    thread = threading.Thread(target=save)
    with transaction.atomic():
        StudentMedication.objects.filter(pk=order.pk).update(dosage="5 mg")
        thread.start()
        while thread.is_alive() and not somebody_waits():
            pass
        assert not answers, "it did not wait"
    thread.join()
    assert "Somebody changed" in errors_on(answers[0])
    order.refresh_from_db()
    assert (order.dosage, order.notes) == ("5 mg", None)
