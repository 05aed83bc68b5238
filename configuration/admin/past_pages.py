"""The pages of the past: the history of a key or of one of its rows, and the way back to a version."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from configuration import editing
from configuration.admin.changes import differences, facts_after, is_security, told
from configuration.admin.forms import DeedForm
from configuration.admin.lines import line_of, lines
from configuration.admin.places import Places, whom
from configuration.editing import FACTS, EditError, facts_before
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


def restore_page(admin: Any, request: HttpRequest, change: Any) -> HttpResponse:
    """What a version would change, and the way to bring it back: with a reason, and a yes for security settings."""
    if not admin.has_change_permission(request):
        raise PermissionDenied
    before = request.GET.get("before") == "1"
    wanted = facts_before(change) if before else facts_after(change)
    whose = wanted or facts_after(change)
    line = line_of(whose["key"])
    spot = (str(whose["scope"]), whose["scope_id"])
    stored = next((row for row in line.rows if row.pk == change.id), None) or next(
        (row for row in line.rows if (str(row.scope), row.scope_id) == spot), None
    )
    now = {name: getattr(stored, name) for name in FACTS} if stored else None
    secret = line.secret or bool("secret" in (change.tags or ()))
    security = is_security(now, wanted)
    version = editing.version(stored) if stored else ""
    if request.method == "POST":
        form = DeedForm(request.POST, security=security)
        if form.is_valid():
            try:
                restored = editing.restore(
                    change, reason=form.cleaned_data["reason"], before=before, expected=form.cleaned_data["version"]
                )
            except EditError as error:
                form = DeedForm({**request.POST.dict(), "version": version}, security=security)
                say(form, error)
            else:
                if stored or restored:
                    admin.log_change(request, restored or stored, "Restored.")
                admin.message_user(request, f"{whose['key']} is as it was.", "SUCCESS")
                return HttpResponseRedirect(admin.key_history_url(whose["key"]))
    else:
        form = DeedForm(initial={"version": version}, security=security)
    places = Places([spot])
    return TemplateResponse(
        request,
        "admin/configuration/restore.html",
        {
            **admin.admin_site.each_context(request),
            "title": "Restore",
            "page_heading": "Restore",
            "opts": SystemConfiguration._meta,
            "original": stored,
            "key": whose["key"],
            "line": line,
            "entry": told([change])[0],
            "before": before,
            "removes": wanted is None,
            "differences": differences(now, wanted, secret=secret) if now or wanted else [],
            "nothing_differs": now == wanted,
            "whom": whom(stored or change, places, len(line.overrides)),
            "security": security,
            "form": form,
            "back": admin.key_history_url(whose["key"]),
        },
    )


def say(form: Any, error: EditError) -> None:
    """Put what was refused on a form, beside the boxes that it has."""
    for name, sentences in error.errors.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


def key_history_url(key: str) -> str:
    """The address of a key's history. The key is a parameter, as it may hold any character."""
    address = reverse("admin:configuration_systemconfiguration_keyhistory")
    return f"{address}?{urlencode({'key': key})}"
