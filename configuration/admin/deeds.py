"""The pages on which something is confirmed: a change of a security setting, deleting, the way back to a version."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from configuration import editing
from configuration.admin.changes import differences, facts_after, is_security, told
from configuration.admin.forms import DeedForm, facts_of
from configuration.admin.lines import Line, line_of
from configuration.admin.past_pages import key_history_url
from configuration.admin.places import Places, whom
from configuration.admin.words import is_secret, shown
from configuration.editing import EditError, facts_before
from configuration.enums import ConfigScope
from configuration.models import SystemConfiguration


def _page(admin: Any, request: HttpRequest, name: str, heading: str, **context: Any) -> HttpResponse:
    shared = {
        **admin.admin_site.each_context(request),
        "title": heading,
        "page_heading": heading,
        "opts": SystemConfiguration._meta,
    }
    return TemplateResponse(request, f"admin/configuration/{name}.html", {**shared, **context})


def confirmation(request: HttpRequest, before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    """What the yes to a change sends: it holds for this change alone, by this person, for this reason."""
    change = [str(request.user.pk), before, after, request.POST.get("reason", "").strip()]
    return salted_hmac("whitecross.settings.confirm", json.dumps(change, default=str), algorithm="sha256").hexdigest()


def confirm_page(
    admin: Any, request: HttpRequest, setting: Any, before: dict[str, Any] | None, *, secret: bool
) -> HttpResponse:
    """What a change of a security setting would change, and the same form once more, with a yes.

    `setting` is as it would be; `before` are its facts as they are, None where there is none yet.
    """
    line = line_of(setting.key)
    places = Places([(str(setting.scope), setting.scope_id)])
    return _page(
        admin,
        request,
        "confirm",
        "Confirm the change",
        original=next((row for row in line.rows if row.pk == setting.pk), None),
        key=setting.key,
        place=places.name(setting.scope, setting.scope_id),
        differences=differences(before, facts_of(setting), secret=secret),
        whom=whom(setting, places, len(line.overrides)),
        reason=request.POST.get("reason", ""),
        confirmation=confirmation(request, before, facts_of(setting)),
        another=bool(request.POST.get("_confirmed")),
        sent=[
            (name, value)
            for name, values in request.POST.lists()
            if name not in ("csrfmiddlewaretoken", "_confirmed")
            for value in values
        ],
    )


def delete_page(admin: Any, request: HttpRequest, setting: Any) -> HttpResponse:
    """What goes and what holds then."""
    line = line_of(setting.key)
    security = line.is_security or is_security(facts_of(setting))
    version, label, pk = editing.version(setting), str(setting), setting.pk
    form = DeedForm(request.POST or None, security=security, initial={"version": version})
    if request.method == "POST" and form.is_valid():
        try:
            label = admin.label(setting)
            editing.delete(setting, reason=form.cleaned_data["reason"], expected=form.cleaned_data["version"])
        except EditError as error:
            form = refused(request, error, version, security=security)
        else:
            setting.pk = pk
            admin.log_deletions(request, [setting])
            admin.message_user(request, f"{label} is deleted. Its history stays.", "SUCCESS")
            left = line_of(setting.key)
            listed = reverse("admin:configuration_systemconfiguration_changelist")
            return HttpResponseRedirect(left.url if setting.scope != ConfigScope.SYSTEM and left.is_known else listed)
    places = Places([(str(setting.scope), setting.scope_id)])
    return _page(
        admin,
        request,
        "delete",
        "Delete",
        original=setting,
        place=places.name(setting.scope, setting.scope_id),
        value=shown(str(setting.value_type), setting.value, secret=line.secret),
        then=_without(line, setting),
        whom=whom(setting, places, len(line.overrides)),
        form=form,
        back=line.url,
    )


def _without(line: Line, setting: Any) -> str:
    """What holds without this row, in words."""
    if setting.scope == ConfigScope.USER:
        return "What the user's school, district or the system says."
    if setting.scope == ConfigScope.SCHOOL:
        return "What the school's district or the system says."
    without = Line(line.key, tuple(row for row in line.rows if row.pk != setting.pk))
    if without.holding is None:
        return "Nothing: whoever reads it is told that there is no value."
    return f"{without.holding.value} ({'set for everybody' if without.system else 'default'})"


def refused(request: HttpRequest, error: EditError, version: str, *, security: bool) -> DeedForm:
    """The form again, with what was refused, and with the state that the person sees now."""
    form = DeedForm({**request.POST.dict(), "version": version}, security=security)
    for name, sentences in error.errors.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
    return form


def restore_page(admin: Any, request: HttpRequest, change: Any) -> HttpResponse:
    """What a version would change, and the way to bring it back. `?before=1`: what was before the change."""
    if not admin.has_change_permission(request):
        raise PermissionDenied
    before = request.GET.get("before") == "1"
    wanted = facts_before(change) if before else facts_after(change)
    whose = wanted or facts_after(change)
    line, spot = line_of(whose["key"]), (str(whose["scope"]), whose["scope_id"])
    stored = next((row for row in line.rows if row.pk == change.id), None) or next(
        (row for row in line.rows if (str(row.scope), row.scope_id) == spot), None
    )
    now = facts_of(stored) if stored else None
    security = line.is_security or is_security(now, wanted)
    version = editing.version(stored) if stored else ""
    form = DeedForm(request.POST or None, security=security, initial={"version": version})
    if request.method == "POST" and form.is_valid():
        reason, expected = form.cleaned_data["reason"], form.cleaned_data["version"]
        try:
            restored = editing.restore(change, reason=reason, before=before, expected=expected)
        except EditError as error:
            form = refused(request, error, version, security=security)
        else:
            if stored or restored:
                admin.log_change(request, restored or stored, "Restored.")
            admin.message_user(request, f"{whose['key']} is as it was.", "SUCCESS")
            return HttpResponseRedirect(key_history_url(whose["key"]))
    places = Places([spot])
    return _page(
        admin,
        request,
        "restore",
        "Restore",
        original=stored,
        key=whose["key"],
        line=line,
        entry=told([change])[0],
        before=before,
        removes=wanted is None,
        differences=differences(now, wanted, secret=line.secret or is_secret([change])) if now or wanted else [],
        nothing_differs=now == wanted,
        whom=whom(stored or change, places, len(line.overrides)),
        form=form,
        back=key_history_url(whose["key"]),
    )
