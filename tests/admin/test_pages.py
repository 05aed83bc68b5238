"""What pages say of themselves: headings, titles, the words of the sidebar."""

import re
from html import unescape

import pytest

from core.enums import UserRole
from tests.access.worlds import World
from tests.admin.conftest import SignIn
from tests.admin.pages import LABELS, address
from tests.factories import make_student, make_vaccination
from whitecross.navigation import sidebar


def heading(html: str) -> str:
    """The text of the page's one <h1>."""
    [found] = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    return unescape(found).strip()


def title(html: str) -> str:
    [found] = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)
    return str(found).split("|")[0].strip()


def test_a_list_has_one_name_in_the_sidebar_and_on_its_page(world: World, sign_in: SignIn) -> None:
    admin = world.user(UserRole.ADMIN)
    client = sign_in(admin)
    response = client.get("/admin/")
    names = {item["link"]: item["title"] for group in sidebar(response.wsgi_request) for item in group["items"]}
    assert len(names) == len(LABELS)
    for label in LABELS:
        html = client.get(address(label, "changelist")).content.decode()
        name = names[address(label, "changelist")]
        assert (heading(html), title(html)) == (name, name)


@pytest.mark.parametrize(
    ("label", "page", "words"),
    [
        ("health_records.Vaccination", "add", "Add vaccination"),
        ("health_records.StudentMedication", "add", "Add medication order"),
        ("core.User", "add", "Add member of staff"),
        ("core.Student", "history", "History"),
        ("core.Student", "delete", "Delete"),
    ],
)
def test_a_page_says_what_it_is_for(world: World, sign_in: SignIn, label: str, page: str, words: str) -> None:
    row = world.here.rows[label]
    html = sign_in(world.user(UserRole.ADMIN)).get(address(label, page, *([] if page == "add" else [row.pk])))
    assert heading(html.content.decode()) == words


def test_a_records_page_is_headed_by_its_label(world: World, sign_in: SignIn) -> None:
    student = world.here.student
    html = sign_in(world.user(UserRole.NURSE)).get(address("core.Student", "change", student.pk)).content.decode()
    assert student.last_name in heading(html)
    assert student.last_name not in title(html)


def test_a_deleted_record_says_so_and_can_be_restored_on_its_page(world: World, sign_in: SignIn) -> None:
    student = make_student(school=world.here.school, last_name="Abbott")
    nurse = world.user(UserRole.NURSE)
    client = sign_in(nurse)
    record = make_vaccination(student=student)
    url = address("health_records.Vaccination", "change", record.pk)
    assert "Restore" not in client.get(url).content.decode()
    client.post(address("health_records.Vaccination", "delete", record.pk), {"post": "yes"})
    html = client.get(url).content.decode()
    words = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    assert f"by {nurse.first_name} {nurse.last_name}" in words
    assert "Lists and searches leave it out." in words
    [form] = re.findall(r'<form method="post" action="([^"]*deleted=yes)">(.*?)</form>', html, re.DOTALL)
    sent = dict(re.findall(r'name="([^"]+)" value="([^"]+)"', form[1]))
    assert client.post(form[0], sent).status_code == 302
    record.refresh_from_db()
    assert record.deleted_at is None
