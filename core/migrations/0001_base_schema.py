"""Districts, schools, users, students and contacts; the functions and enum types that they need.

Reverse: drops the five tables with all that they hold, the enum types and the functions.
"""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.db

# Unix milliseconds in 48 bits, the version, and the random rest of a version 4 UUID (RFC 9562, section 5.7). PostgreSQL
# has a function of this name and result built in from version 18 on.
UUIDV7 = """
DO $do$
BEGIN
    IF current_setting('server_version_num')::int < 180000 THEN
        CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $function$
            SELECT (
                lpad(to_hex(trunc(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
                || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14)
            )::uuid
        $function$;
    END IF;
END
$do$
"""

SET_UPDATED_AT = """
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."updatedAt" := statement_timestamp();
    RETURN NEW;
END
$$
"""

REFUSE_DELETE = """
CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('whitecross.erase', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% holds health records: DELETE refused', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'Set "deletedAt" to mark the row as deleted. To remove it for good, first say, in the same'
                     ' transaction: SET LOCAL whitecross.erase = ''on''.';
END
$$
"""

# A name as searches compare it: capitals, without diacritics and apostrophes, a hyphen as a space. The letters that
# Unicode does not decompose are replaced one by one.
SEARCH_TEXT = """
CREATE FUNCTION search_text(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(replace(replace(
        translate(
            upper(regexp_replace(normalize(value, NFKD), '[\\u0300-\\u036f''\\u2018\\u2019\\u02bc`\\u00b4]', '', 'g')),
            'ØøŁłĐđÐðĦħı-', 'OOLLDDDDHHI '),
        'ß', 'SS'), 'Æ', 'AE'), 'Œ', 'OE'), 'Þ', 'TH')
$$
"""

# Words: what stands between blanks and signs. Spelt out in both functions, as neither may need a search_path.
SPLIT = """string_to_array(translate(folded, '.,;:()[]{}<>"/\\_&|!*\u2010\u2013\u2014', repeat(' ', 23)), ' ')"""


# What search_text() left, word by word. Not to_tsvector(): its parser takes "St.John" for the name of a host.
SEARCH_WORDS = """
CREATE FUNCTION search_words(folded text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(SPLIT, ''))
$$
""".replace("SPLIT", SPLIT)

# A query for texts in which each of the words begins some word; NULL, which finds nothing, for no words.
SEARCH_PREFIXES = """
CREATE FUNCTION search_prefixes(folded text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg('''' || word || ''':*', ' & ')::tsquery
    FROM (SELECT DISTINCT word FROM unnest(SPLIT) AS words (word) WHERE word <> '') AS typed
$$
""".replace("SPLIT", SPLIT)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        core.db.CreateFunction("uuidv7()", UUIDV7),
        core.db.CreateFunction("set_updated_at()", SET_UPDATED_AT),
        core.db.CreateFunction("refuse_delete()", REFUSE_DELETE),
        core.db.CreateFunction("search_text(text)", SEARCH_TEXT),
        core.db.CreateFunction("search_words(text)", SEARCH_WORDS),
        core.db.CreateFunction("search_prefixes(text)", SEARCH_PREFIXES),
        core.db.enums.CreateEnum(
            name="UserRole",
            labels=["ADMIN", "NURSE", "SCHOOL_ADMIN", "DISTRICT_ADMIN", "VIEWER", "COUNSELOR"],
        ),
        core.db.enums.CreateEnum(
            name="Gender",
            labels=["MALE", "FEMALE", "OTHER", "PREFER_NOT_TO_SAY"],
        ),
        core.db.enums.CreateEnum(
            name="ContactType",
            labels=["GUARDIAN", "PARENT", "EMERGENCY", "PROVIDER", "VENDOR", "STAFF", "OTHER"],
        ),
        migrations.CreateModel(
            name="District",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                ("name", models.CharField(db_column="name", max_length=200)),
                ("code", models.CharField(db_column="code", max_length=50)),
                ("address", models.TextField(blank=True, db_column="address", null=True)),
                ("city", models.CharField(blank=True, db_column="city", max_length=100, null=True)),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        db_column="state",
                        help_text="Two capital letters (USPS).",
                        max_length=2,
                        null=True,
                    ),
                ),
                ("zip_code", models.CharField(blank=True, db_column="zipCode", max_length=10, null=True)),
                ("phone", models.CharField(blank=True, db_column="phone", max_length=20, null=True)),
                ("email", models.EmailField(blank=True, db_column="email", max_length=255, null=True)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "db_table": "districts",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("code",), name="districts_code_key"),
                    models.CheckConstraint(
                        condition=models.Q(("state__regex", "^[A-Z]{2}$")),
                        name="districts_state_check",
                        violation_error_message="State: two capital letters, such as TX.",
                    ),
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="districts_set_updated_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="School",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                ("name", models.CharField(db_column="name", max_length=200)),
                ("code", models.CharField(db_column="code", max_length=50)),
                (
                    "district",
                    models.ForeignKey(
                        db_column="districtId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="schools",
                        to="core.district",
                    ),
                ),
                ("address", models.TextField(blank=True, db_column="address", null=True)),
                ("city", models.CharField(blank=True, db_column="city", max_length=100, null=True)),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        db_column="state",
                        help_text="Two capital letters (USPS).",
                        max_length=2,
                        null=True,
                    ),
                ),
                ("zip_code", models.CharField(blank=True, db_column="zipCode", max_length=10, null=True)),
                ("phone", models.CharField(blank=True, db_column="phone", max_length=20, null=True)),
                ("email", models.EmailField(blank=True, db_column="email", max_length=255, null=True)),
                ("principal", models.CharField(blank=True, db_column="principal", max_length=200, null=True)),
                (
                    "total_enrollment",
                    models.IntegerField(
                        blank=True, db_column="totalEnrollment", help_text="Number of students.", null=True
                    ),
                ),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "db_table": "schools",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("code",), name="schools_code_key"),
                    models.UniqueConstraint(fields=("id", "district"), name="schools_id_districtId_key"),
                    models.CheckConstraint(
                        condition=models.Q(("state__regex", "^[A-Z]{2}$")),
                        name="schools_state_check",
                        violation_error_message="State: two capital letters, such as TX.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("total_enrollment__gte", 0)),
                        name="schools_total_enrollment_check",
                        violation_error_message="Total enrollment cannot be negative.",
                    ),
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="schools_set_updated_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "last_login",
                    models.DateTimeField(blank=True, db_column="lastLogin", null=True, verbose_name="last login"),
                ),
                ("email", models.EmailField(db_column="email", max_length=255)),
                ("password", models.CharField(db_column="password", help_text="A hash.", max_length=255)),
                ("first_name", models.CharField(db_column="firstName", max_length=100)),
                ("last_name", models.CharField(db_column="lastName", max_length=100)),
                (
                    "role",
                    core.db.EnumField(
                        "UserRole",
                        db_column="role",
                        db_default="NURSE",
                        default="NURSE",
                        labels=["ADMIN", "NURSE", "SCHOOL_ADMIN", "DISTRICT_ADMIN", "VIEWER", "COUNSELOR"],
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        blank=True,
                        db_column="schoolId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="staff",
                        to="core.school",
                    ),
                ),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        db_column="districtId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="staff",
                        to="core.district",
                    ),
                ),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
                (
                    "is_staff",
                    models.BooleanField(
                        db_column="isStaff", db_default=False, default=False, help_text="May enter the admin."
                    ),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        db_column="isSuperuser",
                        db_default=False,
                        default=False,
                        help_text="May do everything.",
                    ),
                ),
                ("phone", models.CharField(blank=True, db_column="phone", max_length=20, null=True)),
                (
                    "email_verified",
                    models.BooleanField(db_column="emailVerified", db_default=False, default=False),
                ),
                (
                    "email_verification_token",
                    models.CharField(blank=True, db_column="emailVerificationToken", max_length=255, null=True),
                ),
                (
                    "email_verification_expires",
                    models.DateTimeField(blank=True, db_column="emailVerificationExpires", null=True),
                ),
                (
                    "must_change_password",
                    models.BooleanField(db_column="mustChangePassword", db_default=False, default=False),
                ),
                (
                    "password_changed_at",
                    models.DateTimeField(blank=True, db_column="passwordChangedAt", null=True),
                ),
                (
                    "last_password_change",
                    models.DateTimeField(blank=True, db_column="lastPasswordChange", null=True),
                ),
                (
                    "password_reset_token",
                    models.CharField(blank=True, db_column="passwordResetToken", max_length=255, null=True),
                ),
                (
                    "password_reset_expires",
                    models.DateTimeField(blank=True, db_column="passwordResetExpires", null=True),
                ),
                (
                    "failed_login_attempts",
                    models.IntegerField(db_column="failedLoginAttempts", db_default=0, default=0),
                ),
                ("lockout_until", models.DateTimeField(blank=True, db_column="lockoutUntil", null=True)),
                (
                    "two_factor_enabled",
                    models.BooleanField(db_column="twoFactorEnabled", db_default=False, default=False),
                ),
                (
                    "two_factor_secret",
                    models.CharField(blank=True, db_column="twoFactorSecret", max_length=255, null=True),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "member of staff",
                "verbose_name_plural": "staff",
                "db_table": "users",
                "ordering": ["last_name", "first_name"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("email"),
                        name="users_email_key",
                        violation_error_message="Another user signs in with this email.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("failed_login_attempts__gte", 0)),
                        name="users_failed_login_attempts_check",
                        violation_error_message="Failed sign-in attempts cannot be negative.",
                    ),
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="users_set_updated_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Student",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, db_column="deletedAt", editable=False, null=True),
                ),
                ("student_number", models.CharField(db_column="studentNumber", max_length=50)),
                ("first_name", models.CharField(db_column="firstName", max_length=100)),
                ("last_name", models.CharField(db_column="lastName", max_length=100)),
                ("date_of_birth", models.DateField(db_column="dateOfBirth")),
                (
                    "gender",
                    core.db.EnumField(
                        "Gender", db_column="gender", labels=["MALE", "FEMALE", "OTHER", "PREFER_NOT_TO_SAY"]
                    ),
                ),
                ("photo", models.CharField(blank=True, db_column="photo", max_length=500, null=True)),
                (
                    "medical_record_num",
                    models.CharField(
                        blank=True,
                        db_column="medicalRecordNum",
                        max_length=50,
                        null=True,
                        verbose_name="medical record number",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        blank=True,
                        db_column="schoolId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="students",
                        to="core.school",
                    ),
                ),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        db_column="districtId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="students",
                        to="core.district",
                    ),
                ),
                (
                    "nurse",
                    models.ForeignKey(
                        blank=True,
                        db_column="nurseId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="students",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("grade", models.CharField(db_column="grade", max_length=10)),
                (
                    "enrollment_date",
                    models.DateTimeField(
                        db_column="enrollmentDate",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_column="isActive",
                        db_default=True,
                        default=True,
                        help_text="Enrolled at present.",
                        verbose_name="enrolled",
                    ),
                ),
            ],
            options={
                "db_table": "students",
                "ordering": ["last_name", "first_name"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.UniqueConstraint(fields=("student_number",), name="students_studentNumber_key"),
                    models.UniqueConstraint(fields=("medical_record_num",), name="students_medicalRecordNum_key"),
                    models.CheckConstraint(
                        condition=models.Q(("school__isnull", True), ("district__isnull", False), _connector="OR"),
                        name="students_school_needs_district_check",
                        violation_error_message="A student of a school belongs to that school's district.",
                    ),
                    core.db.CompositeForeignKey(
                        columns=("schoolId", "districtId"),
                        name="students_school_district_fkey",
                        to_columns=("id", "districtId"),
                        to_table="schools",
                    ),
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="students_set_updated_at"),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="students_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, db_column="deletedAt", editable=False, null=True),
                ),
                ("first_name", models.CharField(db_column="firstName", max_length=100)),
                ("last_name", models.CharField(db_column="lastName", max_length=100)),
                (
                    "type",
                    core.db.EnumField(
                        "ContactType",
                        db_column="type",
                        labels=["GUARDIAN", "PARENT", "EMERGENCY", "PROVIDER", "VENDOR", "STAFF", "OTHER"],
                    ),
                ),
                (
                    "relation_to",
                    models.ForeignKey(
                        blank=True,
                        db_column="relationTo",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contacts",
                        to="core.student",
                    ),
                ),
                (
                    "relationship_type",
                    models.CharField(blank=True, db_column="relationshipType", max_length=50, null=True),
                ),
                (
                    "organization",
                    models.CharField(blank=True, db_column="organization", max_length=200, null=True),
                ),
                ("title", models.CharField(blank=True, db_column="title", max_length=100, null=True)),
                ("email", models.EmailField(blank=True, db_column="email", max_length=255, null=True)),
                ("phone", models.CharField(blank=True, db_column="phone", max_length=20, null=True)),
                ("address", models.CharField(blank=True, db_column="address", max_length=255, null=True)),
                ("city", models.CharField(blank=True, db_column="city", max_length=100, null=True)),
                ("state", models.CharField(blank=True, db_column="state", max_length=50, null=True)),
                (
                    "zip",
                    models.CharField(blank=True, db_column="zip", max_length=20, null=True, verbose_name="ZIP code"),
                ),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
                (
                    "custom_fields",
                    models.JSONField(blank=True, db_column="customFields", db_default={}, default=dict, null=True),
                ),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "db_table": "contacts",
                "ordering": ["last_name", "first_name"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="contacts_set_updated_at"),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="contacts_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
    ]
