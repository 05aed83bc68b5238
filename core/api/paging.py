"""Lists in pages."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework import serializers

from core.api.fields import Query, WrittenNumber
from core.api.problems import Problem

USUAL_SIZE, LARGEST_SIZE = 50, 200
LARGEST_PAGE = 1_000_000


class PageQuery(Query):
    """Which page, and how long it is."""

    page = WrittenNumber(min_value=1, max_value=LARGEST_PAGE, default=1, help_text="Which page; the first is 1.")
    page_size = WrittenNumber(min_value=1, max_value=LARGEST_SIZE, default=USUAL_SIZE, help_text="How long a page is.")


class Page(serializers.Serializer[Any]):
    """A page of a list. Subclasses say what `results` holds."""

    count = serializers.IntegerField(help_text="How many there are on all pages.")
    page = serializers.IntegerField()
    pages = serializers.IntegerField(help_text="How many pages there are, at least one.")
    next = serializers.CharField(allow_null=True, help_text="The address of the next page; null on the last.")
    previous = serializers.CharField(allow_null=True, help_text="The address of the page before; null on the first.")


def page_of(
    rows: QuerySet[Any], request: HttpRequest, query: dict[str, Any], shown: Callable[[list[Any]], list[Any]]
) -> dict[str, Any]:
    """A page of rows in their order, a total one. Two queries. Raises Problem for one behind the last."""
    number, size = query["page"], query["page_size"]
    count = rows.count()
    pages = max(1, -(-count // size))
    if number > pages:
        raise Problem(404, f"There is no page {number}: the last is {pages}.")
    return {
        "count": count,
        "page": number,
        "pages": pages,
        "next": _address(request, number + 1) if number < pages else None,
        "previous": _address(request, number - 1) if number > 1 else None,
        "results": shown(list(rows[(number - 1) * size : number * size])),
    }


def _address(request: HttpRequest, page: int) -> str:
    parameters = request.GET.copy()
    parameters["page"] = str(page)
    return f"{request.path}?{parameters.urlencode()}"
