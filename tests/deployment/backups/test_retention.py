"""Which backups stay: as a pure function, and in a folder."""

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deployment.backups.archives import MOMENT, manifest, write_archive
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.folder import entries
from whitecross.deployment.backups.retention import PERIODS, Keep, Pruned, prune, reasons

CHICAGO = ZoneInfo("America/Chicago")
moments = st.lists(
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    max_size=40,
)
numbers = st.integers(0, 6)
keeps = st.builds(Keep, numbers, numbers, numbers, numbers)


@given(moments, keeps)
@settings(derandomize=True, deadline=None)
def test_of_each_of_the_last_periods_the_newest_stays(made: list[datetime], keep: Keep) -> None:
    why = reasons(made, keep, CHICAGO)
    newest_first = sorted(made, reverse=True)
    for name, period in PERIODS.items():
        periods = list(dict.fromkeys(period(moment.astimezone(CHICAGO)) for moment in newest_first))
        wanted = periods[: getattr(keep, name)]
        kept = [moment for moment, said in zip(made, why, strict=True) if name in said]
        newest = {of: max(one for one in made if period(one.astimezone(CHICAGO)) == of) for of in wanted}
        assert sorted(kept) == sorted(newest.values())


@given(moments, keeps)
@settings(derandomize=True, deadline=None)
def test_the_newest_stays_and_nothing_stays_without_a_reason(made: list[datetime], keep: Keep) -> None:
    why = reasons(made, keep, UTC)
    kept = [moment for moment, said in zip(made, why, strict=True) if said]
    if made:
        assert max(made) in kept
    assert len(kept) <= max(keep.last, 1) + keep.daily + keep.weekly + keep.monthly


@given(moments, keeps)
@settings(derandomize=True, deadline=None)
def test_what_is_pruned_again_the_same_way_loses_nothing_more(made: list[datetime], keep: Keep) -> None:
    kept = [moment for moment, said in zip(made, reasons(made, keep, CHICAGO), strict=True) if said]
    assert all(reasons(kept, keep, CHICAGO))


def test_a_day_ends_where_the_school_is() -> None:
    late, later = datetime(2026, 11, 26, 5, tzinfo=UTC), datetime(2026, 11, 26, 7, tzinfo=UTC)
    assert all(reasons([late, later], Keep(daily=2), CHICAGO))
    assert reasons([late, later], Keep(daily=2), UTC) == ["", "newest, daily"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A backup of each of five days."""
    for day in range(5):
        made(tmp_path, day)
    return tmp_path


def made(folder: Path, day: int, database: str = "whitecross", name: str = "") -> Path:
    moment = MOMENT + timedelta(days=day)
    path = folder / (name or f"{database}-{moment:%Y%m%dT%H%M%SZ}.backup.tar")
    return write_archive(path, said=manifest(created=moment, database=database))


def pruned(folder: Path, keep: Keep, *, dry_run: bool = False) -> Pruned:
    return prune(folder, "whitecross", keep, UTC, now=MOMENT + timedelta(days=5), dry_run=dry_run)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[600] ^= 1  # within the dump: only its checksum says so
    path.write_bytes(data)


def test_what_need_not_stay_goes_and_is_named(folder: Path) -> None:
    before = sorted(folder.iterdir())
    went = pruned(folder, Keep(daily=2))
    assert sorted(folder.iterdir()) == before[3:]
    assert sorted(went.deleted) == before[:3]
    assert list(went.kept.values()) == ["newest, daily", "daily"]
    assert went.freed > 0


def test_a_dry_run_names_the_same_and_deletes_nothing(folder: Path) -> None:
    before = sorted(folder.iterdir())
    said = pruned(folder, Keep(daily=2), dry_run=True)
    assert sorted(folder.iterdir()) == before
    assert said.deleted == pruned(folder, Keep(daily=2)).deleted


def test_what_it_has_not_made_stays(folder: Path) -> None:
    others = [
        made(folder, -9, database="another"),
        made(folder, -9, name="copy of whitecross.backup.tar"),
        folder / "notes.txt",
        folder / "whitecross-20200101T000000Z.backup.tar.gz",
        folder / "whitecross-20200101T000000Z.backup.tar",
        folder / "whitecross-20200102T000000Z.backup.tar",
    ]
    others[2].write_text("keep me")
    others[3].write_text("keep me")
    others[4].write_text("not ours, with our name")
    others[5].symlink_to(others[1])
    went = pruned(folder, Keep(daily=1))
    assert len(went.deleted) == 4
    assert all(path.exists() for path in others)
    assert "is not a backup" in went.left[others[4]]


def test_a_damaged_one_does_not_count_and_the_newest_good_one_stays(folder: Path) -> None:
    *_, good, newest = sorted(folder.iterdir())
    damage(newest)
    went = pruned(folder, Keep(last=1))
    assert list(went.kept) == [good]
    assert list(went.left) == [newest]
    assert newest.exists()
    assert good.exists()


def test_a_damaged_one_does_not_stand_for_a_month_in_which_sound_ones_are(tmp_path: Path) -> None:
    goes, september, bad_september = (made(tmp_path, day) for day in (-60, -58, -57))
    october, bad_october, newest = (made(tmp_path, day) for day in (-35, -34, 0))
    damage(bad_september)
    damage(bad_october)
    went = pruned(tmp_path, Keep(last=1, monthly=3))
    assert went.kept == {newest: "newest, monthly", october: "monthly", september: "monthly"}
    assert (list(went.left), went.deleted) == ([bad_october, bad_september], [goes])


def test_a_damaged_one_does_not_stand_for_a_week_in_which_a_sound_one_is(tmp_path: Path) -> None:
    monday, tuesday, newest = (made(tmp_path, day) for day in (-10, -9, 0))
    damage(tuesday)
    went = pruned(tmp_path, Keep(weekly=2), dry_run=True)
    assert went.kept == {newest: "newest, weekly", monday: "weekly"}
    assert (list(went.left), went.deleted) == ([tuesday], [])


@pytest.mark.parametrize(
    ("keep", "places"),
    [
        (Keep(daily=9, weekly=9, monthly=9), [4]),  # nothing would go
        (Keep(daily=2), [4]),  # nothing stands for the days that would go
        (Keep(daily=2, weekly=2), [4, 3]),  # of Monday, and of the week of the others
    ],
)
def test_only_what_stands_for_those_that_would_go_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, keep: Keep, places: list[int]
) -> None:
    read: list[Path] = []
    check = Archive.check

    def counted(archive: Archive, *told: Any) -> str:
        read.append(archive.path)
        return check(archive, *told)

    monkeypatch.setattr(Archive, "check", counted)
    there = sorted(folder.iterdir())
    pruned(folder, keep)
    assert read == [there[place] for place in places]


def test_one_dated_in_the_future_counts_for_no_period_and_stays(folder: Path) -> None:
    *others, newest = sorted(folder.iterdir())
    ahead = made(folder, 400)
    went = pruned(folder, Keep(last=1, daily=1))
    assert (sorted(went.deleted), list(went.kept)) == (others, [newest])
    assert went.left[ahead].startswith("it is dated in the future")
    assert ahead.exists()


def test_the_one_just_made_stays_whatever_its_clock_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    early = made(folder, -400)
    monkeypatch.chdir(folder)
    went = prune(Path(), "whitecross", Keep(last=1), UTC, just_made=early, now=MOMENT + timedelta(days=5))
    assert went.kept[Path(early.name)] == "just made"
    assert early.exists()
    ahead = made(folder, 400)
    went = prune(folder, "whitecross", Keep(last=1), UTC, just_made=ahead, now=MOMENT + timedelta(days=5))
    assert list(went.left) == [ahead]
    assert ahead.exists()


def test_one_that_cannot_be_deleted_keeps_none_of_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that somebody protects, for being of the last day of the year."""
    before, unlink = sorted(folder.iterdir()), Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path == before[2]:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    went = pruned(folder, Keep(daily=2))
    assert sorted(folder.iterdir()) == before[2:]
    assert sorted(went.deleted) == before[:2]
    assert went.left == {before[2]: "it cannot be deleted (operation not permitted)."}


def test_one_that_another_deletes_meanwhile_is_not_missed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another server's, that shares the folder and deletes at the same hour."""
    first, init = min(folder.iterdir()), Archive.__init__

    def deleted(archive: Archive, path: Path) -> None:
        if path == first:
            path.unlink()
        init(archive, path)

    monkeypatch.setattr(Archive, "__init__", deleted)
    assert len(entries(folder)) == 4
    assert pruned(folder, Keep(daily=9)).left == {}


def test_where_none_is_good_none_is_deleted(folder: Path) -> None:
    before = sorted(folder.iterdir())
    for path in before:
        path.write_bytes(path.read_bytes()[:-1])
    assert pruned(folder, Keep(daily=1)).deleted == []
    assert sorted(folder.iterdir()) == before


def test_a_folder_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError, match=r"cannot be used \(not a directory\)"):
        pruned(tmp_path / "file", Keep(daily=1))
