"""What the list of settings can be narrowed to. All keys are read at once, so a filter looks at lines, not at rows."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from configuration.admin.lines import Line, lines
from configuration.enums import ConfigCategory, ConfigScope
from core.admin.changelist import CountlessChangeList


def all_lines(request: HttpRequest) -> list[Line]:
    """The lines of all keys, read once for each request."""
    if not hasattr(request, "setting_lines"):
        request.setting_lines = lines()  # type: ignore[attr-defined]
    return request.setting_lines  # type: ignore[attr-defined, no-any-return]


class LineFilter(admin.SimpleListFilter):
    """Keeps the lines of which something holds."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """As it is: rows are not what is filtered."""
        return queryset

    def keeps(self, line: Line) -> bool:
        """Whether the line stays."""
        raise NotImplementedError


class CategoryFilter(LineFilter):
    """Settings under one heading."""

    title, parameter_name = "category", "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The headings."""
        return ConfigCategory.choices

    def keeps(self, line: Line) -> bool:
        """Whether it stands there."""
        return line.category == self.value()


class ScopeFilter(LineFilter):
    """Settings that somebody of a scope has a value of."""

    title, parameter_name = "values for", "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The scopes."""
        return ConfigScope.choices

    def keeps(self, line: Line) -> bool:
        """Whether somebody has."""
        return self.value() in line.scopes


class TagFilter(LineFilter):
    """Settings with a tag."""

    title, parameter_name = "tag", "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The tags in use."""
        return [(tag, tag) for tag in sorted({tag for line in all_lines(request) for tag in line.tags})]

    def has_output(self) -> bool:
        """Also before there are tags: an address may name one."""
        return True

    def keeps(self, line: Line) -> bool:
        """Whether one of its rows has the tag."""
        return self.value() in line.tags


def yes_or_no(title: str, parameter: str, yes: str, no: str, holds: Callable[[Line], bool]) -> type[LineFilter]:
    """A filter on something that holds of a line or does not."""

    class Filter(LineFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return [("yes", yes), ("no", no)]

        def keeps(self, line: Line) -> bool:
            return self.value() not in ("yes", "no") or holds(line) == (self.value() == "yes")

    return type("Filter", (Filter,), {"title": title, "parameter_name": parameter})


FILTERS = (
    CategoryFilter,
    ScopeFilter,
    TagFilter,
    yes_or_no("changed from default", "changed", "Changed", "As by default", lambda line: line.is_changed),
    yes_or_no("active", "active", "Active", "Not active", lambda line: line.is_active),
    yes_or_no("restart", "restart", "Needs a restart", "Takes effect at once", lambda line: line.needs_restart),
    yes_or_no("who may change it", "readonly", "Nobody (read-only)", "Administrators", lambda line: line.read_only),
    yes_or_no("problems", "problems", "With a value that does not count", "None", lambda line: bool(line.problems)),
)


class SettingList(CountlessChangeList):
    """A page of lines, by category."""

    queryset: Any

    def get_results(self, request: HttpRequest) -> None:
        """Read all keys, keep what the search and the filters ask for, show a page of them."""
        filters = [spec for spec in self.filter_specs if isinstance(spec, LineFilter) and spec.value() is not None]
        found = [
            line
            for line in all_lines(request)
            if line.matches(self.query.split()) and all(spec.keeps(line) for spec in filters)
        ]
        rows, self.queryset = self.queryset, found
        super().get_results(request)
        self.queryset = rows

    @property
    def groups(self) -> list[tuple[str, list[Line]]]:
        """The lines of the page under their headings."""
        found: dict[str, list[Line]] = {}
        for line in self.result_list:
            found.setdefault(ConfigCategory(line.category).label, []).append(line)
        return list(found.items())
