"""The addresses under /api/configurations."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from configuration import config, editing
from configuration.api import editing as edits
from configuration.api import serializers as shapes
from configuration.api import showing
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.parameters import DECLARED
from configuration.resolution import NoValueError, UnknownSettingError
from core.api import etags
from core.api.fields import Body, Query
from core.api.paging import page_of
from core.api.permissions import RIGHTS, RoleMay
from core.api.problems import Problem, QueryError
from core.api.views import ApiView

ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], required=True, description="The version of the setting."
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag that you saw; another version is refused with 412."
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag that you have; if it holds, the answer is 304."
)
UNCHANGED = OpenApiResponse(description="The setting is as you have it.")
EXAMPLE = OpenApiExample(
    "A shorter timeout", value={"value": 20, "reason": "Shared computers in the library"}, request_only=True
)
NEW = OpenApiExample(
    "One school's timeout",
    value={
        "key": "SESSION_TIMEOUT_MINUTES",
        "scope": "SCHOOL",
        "scopeId": "0198c0de-0000-7000-8000-000000000001",
        "value": 20,
        "reason": "Shared computers in the library",
    },
    request_only=True,
)
BULK = OpenApiExample(
    "Two at once",
    value={
        "reason": "Rules of the district",
        "changes": [
            {"action": "update", "key": "SESSION_TIMEOUT_MINUTES", "value": 20},
            {"action": "update", "key": "PASSWORD_MIN_LENGTH", "value": 14},
        ],
    },
    request_only=True,
)


@contextmanager
def refused() -> Iterator[None]:
    """Turn what `configuration.editing` refuses into a problem document."""
    try:
        yield
    except editing.EditError as error:
        raise edits.problem_of(error) from None


def _body(shape: type[Body], request: Request) -> dict[str, Any]:
    form = shape(data=request.data)
    form.is_valid(raise_exception=True)
    found: dict[str, Any] = form.validated_data
    return found


def _shown(row: SystemConfiguration, status: int = 200) -> Response:
    row = showing.settings().get(pk=row.pk)
    return Response(showing.setting(row), status=status, headers={"ETag": etags.etag(editing.version(row))})


class Settings(ApiView):
    """All settings."""

    model = SystemConfiguration
    permission_classes = (RoleMay,)
    takes_query: ClassVar[dict[str, type[Query]]] = {"GET": shapes.ListQuery}
    problems: ClassVar[dict[str, tuple[int, ...]]] = {"GET": (404,), "POST": (409, 422)}

    @extend_schema(operation_id="list_settings", parameters=[shapes.ListQuery], responses={200: shapes.SettingPage})
    def get(self, request: Request) -> Response:
        """The stored settings, by category, order, key and scope."""
        query, rows = self.query, showing.settings()
        rows = rows.filter(**{name: query[name] for name in ("category", "scope", "key") if name in query})
        if "tag" in query:
            rows = rows.filter(tags__contains=[query["tag"]])
        for word in query.get("search", "").split():
            rows = rows.filter(
                Q(key__icontains=word) | Q(display_name__icontains=word) | Q(description__icontains=word)
            )
        rows = rows.order_by("category", "sort_order", "key", "scope", "scope_id", "pk")
        return Response(page_of(rows, request._request, query, lambda page: [showing.setting(row) for row in page]))

    @extend_schema(
        operation_id="create_setting",
        parameters=[ETAG, OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201], required=True)],
        request=shapes.Creation,
        responses={201: shapes.Setting},
        examples=[NEW],
    )
    def post(self, request: Request) -> Response:
        """A new setting: a value for a school, district or user, or a key of your own, which gets the tag `custom`."""
        facts = _body(shapes.Creation, request)
        with refused(), transaction.atomic():
            row = edits.create(facts, reason=facts["reason"])
            response = _shown(row, 201)
        response["Location"] = f"{request._request.path}/{row.pk}"
        return response


class OneSetting(ApiView):
    """A setting."""

    model = SystemConfiguration
    permission_classes = (RoleMay,)
    takes_query: ClassVar[dict[str, type[Query]]] = {"DELETE": shapes.ReasonQuery}
    problems: ClassVar[dict[str, tuple[int, ...]]] = dict.fromkeys(("PUT", "PATCH", "DELETE"), (409, 412, 422))

    @extend_schema(
        operation_id="show_setting",
        parameters=[
            IF_NONE_MATCH,
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304], required=True),
        ],
        responses={200: shapes.Setting, 304: UNCHANGED},
    )
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """The setting, with its ETag."""
        row = showing.settings().filter(pk=id).first()
        if row is None:
            raise Problem(404, "There is no such setting (any more).")
        version = editing.version(row)
        headers = {"ETag": etags.etag(version)}
        if etags.is_known(request._request, version):
            return Response(status=304, headers=headers)
        return Response(showing.setting(row), headers=headers)

    @extend_schema(
        operation_id="replace_setting",
        parameters=[IF_MATCH, ETAG],
        request=shapes.Replacement,
        responses={200: shapes.Setting},
    )
    def put(self, request: Request, id: uuid.UUID) -> Response:
        """Replace all facts of the setting: what is left out gets its usual value. Key and scope stay."""
        facts = _body(shapes.Replacement, request)
        with refused(), transaction.atomic():
            row = edits.locked(id, etags.expected(request._request))
            edits.replace(row, facts, reason=facts["reason"])
            return _shown(row)

    @extend_schema(
        operation_id="change_setting",
        parameters=[IF_MATCH, ETAG],
        request=shapes.Alteration,
        responses={200: shapes.Setting},
        examples=[EXAMPLE],
    )
    def patch(self, request: Request, id: uuid.UUID) -> Response:
        """Change what is given; the rest stays."""
        facts = _body(shapes.Alteration, request)
        with refused(), transaction.atomic():
            row = edits.locked(id, etags.expected(request._request))
            edits.alter(row, facts, reason=facts["reason"])
            return _shown(row)

    @extend_schema(
        operation_id="delete_setting",
        parameters=[IF_MATCH, shapes.ReasonQuery],
        request=None,
        responses={204: OpenApiResponse(description="It is deleted; what it hid holds again.")},
    )
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        """Delete the setting. The reason stands in the query, or in a body {"reason": "..."}."""
        reason = self.query.get("reason")
        if reason is None and request._request.headers.get("Content-Length") not in (None, "", "0"):
            reason = _body(shapes.Reasoned, request)["reason"]
        if reason is None:
            raise QueryError({"reason": ["Say why: the reason stays in the history."]})
        with refused(), transaction.atomic():
            row = edits.locked(id, etags.expected(request._request), "deleted")
            editing.delete(row, reason=reason)
        return Response(status=204)


class Restore(ApiView):
    """A setting as it was."""

    model = SystemConfiguration
    permission_classes = (RoleMay,)
    # To bring back what was deleted adds it; to go back before it was made deletes it.
    needed: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("add", "change", "delete")}
    problems: ClassVar[dict[str, tuple[int, ...]]] = {"POST": (409, 412, 422)}

    @extend_schema(
        operation_id="restore_setting",
        parameters=[
            IF_MATCH,
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200], required=True),
        ],
        request=shapes.Restoration,
        responses={
            200: shapes.Setting,
            204: OpenApiResponse(description="There was nothing before that change: the setting is deleted."),
        },
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        """Bring the setting back to what it was after a change of its history, or before it: a new change."""
        wanted = _body(shapes.Restoration, request)
        versions = etags.expected(request._request)
        with refused(), transaction.atomic():
            change = editing.change_of(wanted["version"])
            if change.id != id:
                raise editing.NoSuchSettingError("The history of this setting has no such version.")
            if etags.expects_something(request._request):
                stored = editing.locked(pk=id)
                if stored is None or (versions is not None and editing.version(stored) not in versions):
                    raise editing.StaleError(editing.MEANWHILE.format(key=change.key, deed="restored"))
            row = editing.restore(change, reason=wanted["reason"], before=wanted.get("before", False))
            return Response(status=204) if row is None else _shown(row)


class History(ApiView):
    """How a key changed."""

    model = ConfigurationHistory
    permission_classes = (RoleMay,)
    needed = RIGHTS
    takes_query: ClassVar[dict[str, type[Query]]] = {"GET": shapes.HistoryQuery}

    @extend_schema(operation_id="show_history", parameters=[shapes.HistoryQuery], responses={200: shapes.ChangedPage})
    def get(self, request: Request, key: str) -> Response:
        """The changes of a key, in all scopes or in one, the latest first."""
        if "\x00" in key:
            raise Problem(404, "There is no such setting.")
        rows = showing.changes().filter(key=key)
        if "scope" in self.query:
            rows = rows.filter(scope=self.query["scope"])
        rows = rows.order_by("-history_date", "-history_id")
        page = page_of(rows, request._request, self.query, lambda found: [showing.change(row) for row in found])
        if not page["count"] and not showing.changes().filter(key=key).exists():
            with refused():
                editing.new(key)  # says what was meant where there is no such key
        return Response(page)


class Bulk(ApiView):
    """Several changes at once."""

    model = SystemConfiguration
    permission_classes = (RoleMay,)
    needed: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("add", "change", "delete")}
    problems: ClassVar[dict[str, tuple[int, ...]]] = {"POST": (409, 422)}

    @extend_schema(
        operation_id="change_settings", request=shapes.Bulk, responses={200: shapes.BulkResult}, examples=[BULK]
    )
    def post(self, request: Request) -> Response:
        """Make all of these changes, or none. What is refused is listed with the index of the change."""
        wanted = _body(shapes.Bulk, request)
        with refused(), transaction.atomic():
            made = edits.change_all(wanted["changes"], reason=wanted["reason"])
            stored = {row.pk: row for row in showing.settings().filter(pk__in=[row.pk for row in made if row])}
        shown = [showing.setting(stored[row.pk]) if row and row.pk in stored else None for row in made]
        return Response({"results": shown})


class Effective(ApiView):
    """The values that hold."""

    model = SystemConfiguration
    permission_classes = (RoleMay,)
    takes_query: ClassVar[dict[str, type[Query]]] = {"GET": shapes.EffectiveQuery}

    @extend_schema(
        operation_id="effective_settings", parameters=[shapes.EffectiveQuery], responses={200: shapes.Effectives}
    )
    def get(self, request: Request) -> Response:
        """Of every key, the value that holds for a district, school or user, who decides it, and what it hides."""
        asked: dict[str, Any] = {
            name: self._subject(name) for name in ("user", "school", "district") if name in self.query
        }
        keys = config.keys()
        if "category" in self.query:
            by_category = SystemConfiguration.objects.filter(category=self.query["category"])
            wanted = set(by_category.values_list("key", flat=True))
            stored = set(SystemConfiguration.objects.values_list("key", flat=True))
            wanted |= {
                key
                for key, parameter in DECLARED.items()
                if key not in stored and parameter.category == self.query["category"]
            }
            keys = [key for key in keys if key in wanted]
        found = [shown for key in keys if (shown := self._explained(key, asked)) is not None]
        return Response({"count": len(found), "results": found})

    def _subject(self, name: str) -> Any:
        model: Any = editing.MODELS[name.upper()]
        found = model._default_manager.filter(pk=self.query[name]).first()
        if found is None:
            raise QueryError({name: [f"There is no {name} with this id."]})
        return found

    def _explained(self, key: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return showing.effective(config.explain(key, **asked))
        except NoValueError:
            return showing.without_value(key)
        except UnknownSettingError:  # it was deleted just now
            return None
