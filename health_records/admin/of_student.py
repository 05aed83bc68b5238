"""Records that belong to one student."""

from typing import Any

from core.admin.phi_admin import PHIAdmin


class OfStudentAdmin(PHIAdmin):
    """A record whose `student` is one query away on every list and label."""

    chosen_once = ("student",)  # what refers to the record would stay with another student
    list_select_related: tuple[str, ...] = ("student",)

    def label(self, record: Any) -> str:
        """Kind and student."""
        return f"{record._meta.verbose_name.capitalize()}, {record.student.last_name}, {record.student.first_name}"
