"""Settings with value types, bounds, scopes and a history.

Reverse: drops the history, and of each setting its type, bounds, scope, tags and flags. A value for a district, school
or user stops the reverse, as the schema before would make it everybody's: remove such values first.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.db

# What is wrong with a value, as the end of a sentence, or NULL.
VALUE_PROBLEM = """
CREATE FUNCTION configuration_value_problem(
    value text, value_type text, min_value float8, max_value float8, valid_values text[]
) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    whole jsonb;
BEGIN
    CASE value_type
        WHEN 'NUMBER' THEN
            IF length(value) > 400 OR value !~ '^[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,3})?$' THEN
                RETURN 'is not a number';
            ELSIF 'NaN' IN (min_value, max_value) THEN
                RETURN 'has a bound that is not a number';
            ELSIF value::numeric < min_value::text::numeric THEN
                RETURN format('is less than the minimum %s', min_value);
            ELSIF value::numeric > max_value::text::numeric THEN
                RETURN format('is more than the maximum %s', max_value);
            END IF;
        WHEN 'BOOLEAN' THEN
            IF value NOT IN ('true', 'false') THEN
                RETURN 'is neither true nor false';
            END IF;
        WHEN 'JSON' THEN
            BEGIN
                whole := value::jsonb;
            EXCEPTION WHEN OTHERS THEN
                RETURN 'is not JSON';
            END;
        WHEN 'ARRAY' THEN
            BEGIN
                whole := value::jsonb;
            EXCEPTION WHEN OTHERS THEN
                RETURN 'is not a JSON array';
            END;
            IF jsonb_typeof(whole) <> 'array' THEN
                RETURN 'is not a JSON array';
            END IF;
        WHEN 'DATE' THEN
            BEGIN
                IF value !~ '^\\d{4}-\\d\\d-\\d\\d$' OR value::date IS NULL THEN
                    RETURN 'is not a date such as 2026-08-31';
                END IF;
            EXCEPTION WHEN OTHERS THEN
                RETURN 'is not a date such as 2026-08-31';
            END;
        WHEN 'TIME' THEN
            IF value !~ '^([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,6})?)?$' THEN
                RETURN 'is not a time such as 14:30';
            END IF;
        WHEN 'DATETIME' THEN
            BEGIN
                IF value !~ '^\\d{4}-\\d\\d-\\d\\dT([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,6})?)?(Z|[+-]\\d\\d:\\d\\d)$'
                    OR value::timestamptz IS NULL THEN
                    RETURN 'is not a time of a day with its zone such as 2026-08-31T14:30:00Z';
                END IF;
            EXCEPTION WHEN OTHERS THEN
                RETURN 'is not a time of a day with its zone such as 2026-08-31T14:30:00Z';
            END;
        WHEN 'EMAIL' THEN
            IF value !~ '^[^@[:space:]]+@[^@[:space:].]+(\\.[^@[:space:].]+)+$' THEN
                RETURN 'is not an email address';
            END IF;
        WHEN 'URL' THEN
            IF value !~ '^https?://[^[:space:]/?#]+([/?#][^[:space:]]*)?$' THEN
                RETURN 'is not a URL that begins with http:// or https://';
            END IF;
        WHEN 'COLOR' THEN
            IF value !~ '^#[0-9A-Fa-f]{6}$' THEN
                RETURN 'is not a colour such as #1f6feb';
            END IF;
        ELSE
            NULL;
    END CASE;
    IF (value_type = 'ENUM' OR cardinality(valid_values) > 0)
        AND (value = ANY (valid_values)) IS NOT TRUE THEN
        RETURN format('is not one of the valid values (%s)', array_to_string(valid_values, ', '));
    END IF;
    RETURN NULL;
END
$$
"""

CHECK_VALUE = """
CREATE FUNCTION check_configuration_value() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject text;
    candidate text;
    problem text;
BEGIN
    FOR subject, candidate IN VALUES ('value', NEW.value), ('default value', NEW."defaultValue") LOOP
        IF candidate IS NULL THEN
            CONTINUE;
        END IF;
        -- By its schema, as restores and logical replication write with an empty search_path.
        EXECUTE format('SELECT %I.configuration_value_problem($1, $2, $3, $4, $5)', TG_TABLE_SCHEMA) INTO problem
            USING candidate, NEW."valueType"::text, NEW."minValue", NEW."maxValue", NEW."validValues";
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION '%: the % "%" %.', NEW.key, subject, candidate, problem
                USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
                      CONSTRAINT = 'system_configurations_check_value';
        END IF;
    END LOOP;
    RETURN NEW;
END
$$
"""

REFUSE_HISTORY_CHANGE = """
CREATE FUNCTION refuse_history_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$
"""

# The first step of the reverse.
REFUSE_SCOPED = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM system_configurations WHERE scope <> 'SYSTEM') THEN
        RAISE EXCEPTION 'system_configurations holds values for districts, schools or users, which the schema before'
            ' would make everybody''s; remove them'
            USING ERRCODE = 'restrict_violation';
    END IF;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0001_system_configuration"),
    ]

    operations = [
        core.db.enums.CreateEnum(
            name="ConfigValueType",
            labels=[
                "STRING",
                "NUMBER",
                "BOOLEAN",
                "JSON",
                "ARRAY",
                "DATE",
                "TIME",
                "DATETIME",
                "EMAIL",
                "URL",
                "COLOR",
                "ENUM",
            ],
        ),
        core.db.enums.CreateEnum(
            name="ConfigScope",
            labels=["SYSTEM", "DISTRICT", "SCHOOL", "USER"],
        ),
        core.db.CreateFunction("configuration_value_problem(text, text, float8, float8, text[])", VALUE_PROBLEM),
        core.db.CreateFunction("check_configuration_value()", CHECK_VALUE),
        core.db.CreateFunction("refuse_history_change()", REFUSE_HISTORY_CHANGE),
        core.db.operations.AddFields(
            model_name="systemconfiguration",
            fields=[
                (
                    "scope",
                    core.db.EnumField(
                        "ConfigScope",
                        db_column="scope",
                        db_default="SYSTEM",
                        default="SYSTEM",
                        labels=["SYSTEM", "DISTRICT", "SCHOOL", "USER"],
                    ),
                ),
                (
                    "scope_id",
                    models.UUIDField(
                        blank=True,
                        db_column="scopeId",
                        help_text="The district, school or user for whom the value holds.",
                        null=True,
                    ),
                ),
                (
                    "value_type",
                    core.db.EnumField(
                        "ConfigValueType",
                        db_column="valueType",
                        db_default="STRING",
                        default="STRING",
                        labels=[
                            "STRING",
                            "NUMBER",
                            "BOOLEAN",
                            "JSON",
                            "ARRAY",
                            "DATE",
                            "TIME",
                            "DATETIME",
                            "EMAIL",
                            "URL",
                            "COLOR",
                            "ENUM",
                        ],
                    ),
                ),
                ("default_value", models.TextField(blank=True, db_column="defaultValue", null=True)),
                ("min_value", models.FloatField(blank=True, db_column="minValue", null=True)),
                ("max_value", models.FloatField(blank=True, db_column="maxValue", null=True)),
                (
                    "valid_values",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_column="validValues",
                        db_default=[],
                        default=list,
                        null=True,
                        size=None,
                    ),
                ),
                ("sub_category", models.TextField(blank=True, db_column="subCategory", null=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_column="tags",
                        db_default=[],
                        default=list,
                        null=True,
                        size=None,
                    ),
                ),
                ("sort_order", models.IntegerField(db_column="sortOrder", db_default=0, default=0)),
                ("is_editable", models.BooleanField(db_column="isEditable", db_default=True, default=True)),
                (
                    "requires_restart",
                    models.BooleanField(db_column="requiresRestart", db_default=False, default=False),
                ),
            ],
        ),
        migrations.AlterModelOptions(
            name="systemconfiguration",
            options={
                "ordering": ["category", "sort_order", "key"],
                "verbose_name": "setting",
                "verbose_name_plural": "settings",
            },
        ),
        migrations.RemoveConstraint(
            model_name="systemconfiguration",
            name="system_configurations_key_key",
        ),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=models.UniqueConstraint(
                fields=("key", "scope", "scope_id"),
                name="system_configurations_key_scope_key",
                nulls_distinct=False,
                violation_error_message="This setting has a value for this scope already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("scope", "SYSTEM"), ("scope_id__isnull", True)),
                    models.Q(models.Q(("scope", "SYSTEM"), _negated=True), ("scope_id__isnull", False)),
                    _connector="OR",
                ),
                name="system_configurations_scope_check",
                violation_error_message="Scope: SYSTEM stands alone, every other scope names its id.",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=models.CheckConstraint(
                condition=models.Q(("min_value__lte", models.F("max_value"))),
                name="system_configurations_bounds_check",
                violation_error_message="Minimum: not more than the maximum.",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=core.db.Trigger(
                always=True,
                event="BEFORE INSERT OR UPDATE",
                function="check_configuration_value",
                name="system_configurations_check_value",
            ),
        ),
        core.db.operations.AddIndexes(
            indexes={
                "systemconfiguration": [
                    core.db.Index(
                        fields=["category", "sub_category"],
                        name="system_configurations_category_subCategory_idx",
                        serves="The settings of a category.",
                    ),
                    core.db.Index(
                        fields=["scope", "scope_id"],
                        name="system_configurations_scope_scopeId_idx",
                        serves="What a district, school or user has set for itself.",
                    ),
                    core.db.GinIndex(
                        fields=["tags"], name="system_configurations_tags_idx", serves="Settings with a tag."
                    ),
                    core.db.Index(
                        condition=models.Q(("last_modified_by__isnull", False)),
                        fields=["last_modified_by"],
                        name="system_configurations_lastModifiedBy_idx",
                        serves="Which settings a user changed last.",
                    ),
                    core.db.Index(
                        condition=models.Q(("requires_restart", True)),
                        fields=["key"],
                        name="system_configurations_restart_idx",
                        serves="Settings that take effect after a restart.",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="ConfigurationHistory",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="configurationId",
                        editable=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="configurationCreatedAt",
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        blank=True,
                        db_column="configurationUpdatedAt",
                        editable=False,
                    ),
                ),
                ("old_value", models.TextField(db_column="oldValue", null=True)),
                (
                    "changed_by_name",
                    models.TextField(
                        db_column="changedByName",
                        help_text="The user's name as it was at that time.",
                        null=True,
                    ),
                ),
                ("ip_address", models.TextField(db_column="ipAddress", null=True, verbose_name="IP address")),
                ("user_agent", models.TextField(db_column="userAgent", null=True)),
                ("key", models.CharField(db_column="configKey", max_length=200)),
                (
                    "scope",
                    core.db.EnumField(
                        "ConfigScope",
                        db_column="scope",
                        db_default="SYSTEM",
                        default="SYSTEM",
                        labels=["SYSTEM", "DISTRICT", "SCHOOL", "USER"],
                    ),
                ),
                (
                    "scope_id",
                    models.UUIDField(
                        blank=True,
                        db_column="scopeId",
                        help_text="The district, school or user for whom the value holds.",
                        null=True,
                    ),
                ),
                ("value", models.TextField(db_column="newValue")),
                (
                    "value_type",
                    core.db.EnumField(
                        "ConfigValueType",
                        db_column="valueType",
                        db_default="STRING",
                        default="STRING",
                        labels=[
                            "STRING",
                            "NUMBER",
                            "BOOLEAN",
                            "JSON",
                            "ARRAY",
                            "DATE",
                            "TIME",
                            "DATETIME",
                            "EMAIL",
                            "URL",
                            "COLOR",
                            "ENUM",
                        ],
                    ),
                ),
                ("default_value", models.TextField(blank=True, db_column="defaultValue", null=True)),
                ("min_value", models.FloatField(blank=True, db_column="minValue", null=True)),
                ("max_value", models.FloatField(blank=True, db_column="maxValue", null=True)),
                (
                    "valid_values",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_column="validValues",
                        db_default=[],
                        default=list,
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "validation_rules",
                    models.JSONField(blank=True, db_column="validationRules", db_default={}, default=dict, null=True),
                ),
                (
                    "category",
                    core.db.EnumField(
                        "ConfigCategory",
                        db_column="category",
                        db_default="GENERAL",
                        default="GENERAL",
                        labels=[
                            "GENERAL",
                            "SECURITY",
                            "NOTIFICATION",
                            "HEALTHCARE",
                            "MEDICATION",
                            "APPOINTMENTS",
                            "UI",
                            "QUERY",
                            "FILE_UPLOAD",
                            "RATE_LIMITING",
                            "SESSION",
                            "EMAIL",
                            "SMS",
                        ],
                    ),
                ),
                ("sub_category", models.TextField(blank=True, db_column="subCategory", null=True)),
                (
                    "display_name",
                    models.CharField(blank=True, db_column="displayName", max_length=200, null=True),
                ),
                ("description", models.TextField(blank=True, db_column="description", null=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_column="tags",
                        db_default=[],
                        default=list,
                        null=True,
                        size=None,
                    ),
                ),
                ("sort_order", models.IntegerField(db_column="sortOrder", db_default=0, default=0)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
                ("is_editable", models.BooleanField(db_column="isEditable", db_default=True, default=True)),
                (
                    "requires_restart",
                    models.BooleanField(db_column="requiresRestart", db_default=False, default=False),
                ),
                ("history_change_reason", models.TextField(db_column="changeReason", null=True)),
                ("history_user_id", models.UUIDField(db_column="changedBy", null=True)),
                (
                    "last_modified_by",
                    models.ForeignKey(
                        blank=True,
                        db_column="lastModifiedBy",
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "history_id",
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
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")],
                        db_column="historyType",
                        max_length=1,
                    ),
                ),
                (
                    "history_date",
                    models.DateTimeField(db_column="createdAt", db_default=core.db.TransactionTime()),
                ),
            ],
            options={
                "verbose_name": "change of a setting",
                "verbose_name_plural": "settings history",
                "db_table": "configuration_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
                "indexes": [
                    core.db.Index(
                        fields=["history_user_id", "history_date"],
                        name="configuration_history_changedBy_createdAt_idx",
                        serves="What a user changed.",
                    ),
                    core.db.Index(
                        fields=["key", "history_date"],
                        name="configuration_history_configKey_createdAt_idx",
                        serves="How a key changed, whatever its scope.",
                    ),
                    core.db.Index(
                        fields=["id", "history_date"],
                        name="configuration_history_configurationId_createdAt_idx",
                        serves="How a setting changed.",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("history_type__in", ["+", "~", "-"])),
                        name="configuration_history_historyType_check",
                        violation_error_message="History type: + (created), ~ (changed) or - (deleted).",
                    ),
                    core.db.Trigger(
                        always=True,
                        event="BEFORE UPDATE OR DELETE",
                        function="refuse_history_change",
                        name="configuration_history_refuse_change",
                    ),
                    core.db.Trigger(
                        always=True,
                        each="STATEMENT",
                        event="BEFORE TRUNCATE",
                        function="refuse_history_change",
                        name="configuration_history_refuse_truncate",
                    ),
                ],
            },
        ),
        migrations.RunSQL(migrations.RunSQL.noop, REFUSE_SCOPED),
    ]
