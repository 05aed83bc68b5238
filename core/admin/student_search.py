"""Finding students by what one types into a search box."""

from typing import Any

from django.db.models import Q, QuerySet, Value

from core.db import SearchText


def matching(students: QuerySet[Any], text: str) -> QuerySet[Any]:
    """The students each of whose words begins a name or the number."""
    if hasattr(students, "search"):
        return students.search(text)
    students = students.alias(last=SearchText("last_name"), first=SearchText("first_name"))
    for word in text.split()[:5]:
        begins = SearchText(Value(word))
        students = students.filter(
            Q(last__startswith=begins) | Q(first__startswith=begins) | Q(student_number__startswith=word)
        )
    return students
