"""Who and where: districts, their schools, staff, students, and the people around them."""

from core.models.contact import Contact
from core.models.district import District
from core.models.school import School
from core.models.student import Student
from core.models.user import User

__all__ = ["Contact", "District", "School", "Student", "User"]
