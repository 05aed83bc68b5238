"""Pages of a list without counting it: a COUNT(*) over a million students costs more than the page."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator

# An OFFSET reads what it skips. Whoever has leafed this far needs the search.
LAST_PAGE = 100


class CountlessPage(Page):  # type: ignore[type-arg]
    """A page that knows whether another follows, from one row read beyond its end."""

    def __init__(self, rows: Sequence[Any], number: int, paginator: "CountlessPaginator") -> None:
        super().__init__(rows[: paginator.per_page], number, paginator)
        self.more = len(rows) > paginator.per_page

    def has_next(self) -> bool:
        """Whether there are further rows, and a page for them."""
        return self.more and self.number < LAST_PAGE

    def start_index(self) -> int:
        """The position of the first row, from 1; 0 on an empty page."""
        return (self.number - 1) * self.paginator.per_page + 1 if self.object_list else 0

    def end_index(self) -> int:
        """The position of the last row."""
        return (self.number - 1) * self.paginator.per_page + len(self.object_list)


class CountlessPaginator(Paginator):  # type: ignore[type-arg]
    """Knows the page it is on and whether another follows; each page is one query."""

    template_name = "admin/countless_pagination.html"
    count = 0  # unknown; what asks for it only decides whether to draw page numbers
    num_pages = LAST_PAGE

    def page(self, number: int | str) -> CountlessPage:
        """The page of that number, from 1. Raises PageNotAnInteger, EmptyPage."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = list(self.object_list[first : first + self.per_page + 1])
        if not rows and number > 1:
            raise EmptyPage("There is nothing on that page.")
        return CountlessPage(rows, number, self)

    def get_elided_page_range(self, *args: Any, **kwargs: Any) -> Iterator[int]:
        """No page numbers."""
        return iter(())
