"""Lists that never count."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import InvalidPage
from django.http import HttpRequest
from unfold.views import ChangeList


class CountlessChangeList(ChangeList):  # type: ignore[misc]
    """A page of a list, in one query, and whether another follows."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page. Raises IncorrectLookupParameters where there is none."""
        paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            self.page = paginator.page(self.page_num)
        except InvalidPage as error:
            raise IncorrectLookupParameters from error
        self.paginator = paginator
        self.result_list = self.page.object_list
        self.result_count = len(self.result_list)
        self.full_result_count = self.result_count  # neither is known; equal, no template shows them
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = self.page.has_other_pages()
        self.students_left_out = getattr(request, "students_left_out", False)

    def get_ordering_field(self, field_name: Any) -> Any:
        """None for columns that do not sort, whatever `?o=` says: no index has their order."""
        if self.sortable_by is not None and field_name not in self.sortable_by:
            return None
        return super().get_ordering_field(field_name)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """The rows in scope, with those marked as deleted where the list is asked for them."""
        if request.GET.get("deleted") == "yes":
            self.root_queryset = self.model_admin.with_deleted(request)
        return super().get_queryset(request, exclude_parameters)
