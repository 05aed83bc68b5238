"""The indexes that lists, searches and foreign keys of the core tables need, and room on the pages of students.

Reverse: drops the indexes and takes the room back for rows to come; no row changes.
"""

import django.contrib.postgres.search
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_base_schema"),
        ("health_records", "0003_complete_health_records_schema"),
    ]

    operations = [
        # A student's row changes at least once a year (grade, nurse, school). Room for the new version on the same page
        # keeps 84 % of such updates away from the indexes after a bulk load, against none.
        migrations.RunSQL(
            "ALTER TABLE students SET (fillfactor = 90)",
            "ALTER TABLE students RESET (fillfactor)",
        ),
        core.db.operations.AddIndexes(
            indexes={
                "contact": [
                    core.db.Index(fields=["email"], name="contacts_email_idx", serves="Who writes from an address."),
                    core.db.Index(
                        fields=["last_name", "first_name"],
                        name="contacts_name_idx",
                        serves="Contacts in the order of their names.",
                    ),
                    core.db.Index(
                        condition=models.Q(("relation_to__isnull", False)),
                        fields=["relation_to", "type"],
                        name="contacts_relation_idx",
                        serves="A student's contacts.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["type", "last_name"],
                        name="contacts_type_idx",
                        serves="Active contacts of a type in the order of their names.",
                    ),
                ],
                "district": [
                    core.db.Index(
                        fields=["name"],
                        name="districts_name_idx",
                        serves="Districts in the order of their names.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["name"],
                        name="districts_active_idx",
                        serves="Active districts in the order of their names.",
                    ),
                ],
                "school": [
                    core.db.Index(
                        fields=["district", "name"],
                        name="schools_districtId_idx",
                        serves="A district's schools in the order of their names.",
                    ),
                    core.db.Index(
                        fields=["name"],
                        name="schools_name_idx",
                        serves="Schools in the order of their names.",
                    ),
                ],
                "student": [
                    core.db.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["school", "last_name", "first_name"],
                        name="students_school_idx",
                        serves="A school's roster in the order of names.",
                    ),
                    core.db.Index(
                        fields=["school", "grade", "is_active", "nurse"],
                        name="idx_students_health_overview",
                        serves="A school's grades with the nurse of each student; all students of a school.",
                    ),
                    core.db.Index(fields=["nurse"], name="students_nurseId_idx", serves="The students of a nurse."),
                    core.db.Index(
                        fields=["district", "last_name", "first_name"],
                        name="students_district_name_idx",
                        serves="A district's students in the order of names.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["district", "id"],
                        include=["deleted_at"],
                        name="students_district_active_idx",
                        serves="A district's enrolled students, for the compliance board.",
                    ),
                    core.db.Index(
                        fields=["last_name", "first_name"],
                        name="students_name_idx",
                        serves="Students in the order of their names.",
                    ),
                    core.db.GinIndex(
                        core.db.SearchWords("first_name", "last_name", "student_number"),
                        name="idx_students_search",
                        serves="Students by the beginnings of names and number, whatever order, case and diacritics.",
                    ),
                    core.db.Index(
                        condition=models.Q(("deleted_at__isnull", False)),
                        fields=["deleted_at"],
                        name="students_deleted_idx",
                        serves="Students who are marked as deleted, the latest first.",
                    ),
                ],
                "user": [
                    core.db.Index(fields=["school"], name="users_schoolId_idx", serves="A school's staff."),
                    core.db.Index(fields=["district"], name="users_districtId_idx", serves="A district's staff."),
                    core.db.Index(
                        fields=["role", "is_active"],
                        name="idx_users_role_active",
                        serves="Active staff of a role.",
                    ),
                    core.db.GinIndex(
                        django.contrib.postgres.search.SearchVector(
                            "first_name", "last_name", "email", config="simple"
                        ),
                        name="idx_users_search",
                        serves="Staff by words of name and email.",
                    ),
                    core.db.Index(
                        fields=["last_name", "first_name"],
                        name="users_name_idx",
                        serves="Staff in the order of their names.",
                    ),
                    core.db.Index(
                        condition=models.Q(("password_reset_token__isnull", False)),
                        fields=["password_reset_token"],
                        name="users_reset_token_idx",
                        serves="Whose password a reset link may change.",
                    ),
                    core.db.Index(
                        condition=models.Q(("email_verification_token__isnull", False)),
                        fields=["email_verification_token"],
                        name="users_verify_token_idx",
                        serves="Whose email a verification link confirms.",
                    ),
                    core.db.Index(
                        condition=models.Q(("lockout_until__isnull", False)),
                        fields=["lockout_until"],
                        name="users_lockout_idx",
                        serves="Accounts that are locked.",
                    ),
                ],
            },
        ),
    ]
