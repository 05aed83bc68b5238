"""The history of a key, or of one of its rows."""

from typing import Any

from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from configuration.admin.changes import told
from configuration.admin.lines import line_of, lines
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.parameters import near
from core.admin.paginator import CountlessPaginator

PER_PAGE = 25


def history_page(admin: Any, request: HttpRequest, *, key: str, setting_id: Any = None) -> HttpResponse:
    """The changes of a key, or of the one of its rows with this id, the latest first. Raises Http404."""
    changes = ConfigurationHistory.objects.filter(**({"id": setting_id} if setting_id else {"key": key}))
    paginator = CountlessPaginator(changes.order_by("-history_date", "-history_id"), PER_PAGE)
    try:
        page = paginator.page(request.GET.get("p", "1"))
    except InvalidPage as error:
        raise Http404 from error
    line = line_of(key)
    own = next((row for row in line.rows if row.pk == setting_id), None)
    entries = told(list(page.object_list))
    first = entries[-1] if entries and not page.has_next() else None
    return TemplateResponse(
        request,
        "admin/configuration/history.html",
        {
            **admin.admin_site.each_context(request),
            "title": f"History of {key}",
            "page_heading": f"History of {key}",
            "opts": SystemConfiguration._meta,
            "original": own or line.system,
            "line": line,
            "entries": entries,
            "place": entries[0].place if setting_id and entries else "",
            "whole_key": admin.key_history_url(key) if setting_id else "",
            "page": page,
            "first": first if first and first.change.before else None,
            "may_restore": admin.has_change_permission(request) and not line.read_only,
        },
    )


def unknown(admin: Any, request: HttpRequest, key: str) -> HttpResponse:
    """Back to the list, with the keys that may be meant."""
    found = near(key, [line.key for line in lines()])
    hint = f" Did you mean {' or '.join(found)}?" if found else ""
    admin.message_user(request, f"There is no setting {key[:200]!r}, and none in the history.{hint}", "WARNING")
    return HttpResponseRedirect(reverse("admin:configuration_systemconfiguration_changelist"))


def key_history_url(key: str) -> str:
    """The address of a key's history. The key is a parameter, as it may hold any character."""
    address = reverse("admin:configuration_systemconfiguration_keyhistory")
    return f"{address}?{urlencode({'key': key})}"
