"""What the page of a key says besides its form: what holds, who has a value of their own, what waits for a restart."""

from typing import Any

from django.core.paginator import InvalidPage
from django.http import HttpRequest

from configuration import config
from configuration.admin.lines import Line, why_not
from configuration.admin.past_pages import key_history_url
from configuration.admin.places import Places
from configuration.admin.words import shown
from configuration.enums import ConfigScope
from configuration.parameters import EVERYWHERE
from core.admin.paginator import CountlessPaginator

OVERRIDES_PER_PAGE = 50


def about(request: HttpRequest, line: Line, setting: Any) -> dict[str, Any]:
    """The context of a key's page. `setting` is the row that the form is for, saved or not."""
    is_override = setting.scope != ConfigScope.SYSTEM
    paginator = CountlessPaginator([] if is_override else line.overrides, OVERRIDES_PER_PAGE)
    try:
        page = paginator.page(request.GET.get("overrides", "1"))
    except InvalidPage:
        page = paginator.page(1)
    places = Places((str(row.scope), row.scope_id) for row in page.object_list)
    return {
        "line": line,
        "setting": setting,
        "is_override": is_override,
        "why_not": "" if setting._state.adding else why_not(setting),
        "read_only": line.read_only,
        "overrides": [
            {
                "row": row,
                "place": places.name(row.scope, row.scope_id),
                "value": shown(str(row.value_type), row.value, secret=line.secret),
                "why_not": why_not(row),
            }
            for row in page.object_list
        ],
        "overrides_page": page,
        "scopes": [scope for scope in scopes_of(line) if scope != ConfigScope.SYSTEM],
        "key_history": key_history_url(line.key),
        "pending": line.key in config.pending_restart(),
        "show_save_and_add_another": False,
    }


def scopes_of(line: Line) -> list[ConfigScope]:
    """For whom the key may have a value: whom code asks for, or anybody for a key that nothing declares."""
    return [ConfigScope(scope) for scope in reversed(line.parameter.scopes if line.parameter else EVERYWHERE)]
