"""The database writes configuration_history: one row for each setting that is made, changed or deleted, whoever writes.

The row is written by a trigger, in the statement that makes the change: both stand or neither. What a transaction says
of itself in `whitecross.change` (JSON: by, name, reason, ip, agent) goes into it; a change of which nothing is said
carries the database role. `before` keeps the setting as it was, so that also the first change can be taken back.

Reverse: drops who wrote past the application (databaseRole) and what each setting was before (before); changes made
past simple-history leave no trace any more.
"""

from django.db import migrations, models

import core.db

# No session setting of whoever writes changes what these functions do: neither the search_path (operators), nor
# extra_float_digits (without which two bounds may look the same), nor session_replication_role.
WRITE_HISTORY = """
CREATE FUNCTION write_configuration_history() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    setting record;
    said jsonb := nullif(current_setting('whitecross.change', true), '')::jsonb;
    author uuid := (said ->> 'by')::uuid;
    is_said bool := coalesce(said ->> 'by', said ->> 'name') IS NOT NULL;
    author_name text := said ->> 'name';
    bookkeeping text[] := ARRAY['updatedAt', 'lastModifiedBy'];
    moment timestamptz := clock_timestamp();
    latest timestamptz;
BEGIN
    -- A subscriber of logical replication receives the history's rows from the publisher.
    IF EXISTS (SELECT FROM pg_stat_get_subscription(NULL) WHERE pid = pg_backend_pid()) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - bookkeeping)::text = (to_jsonb(NEW) - bookkeeping)::text THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        setting := OLD;
    ELSE
        setting := NEW;
    END IF;
    IF author IS NOT NULL AND author_name IS NULL THEN
        EXECUTE format('SELECT concat_ws('' '', "firstName", "lastName") FROM %I.users WHERE id = $1', TG_TABLE_SCHEMA)
            INTO author_name USING author;
    END IF;
    -- The row's lock puts the changes of a setting in order; times say the same even when the clock is set back.
    EXECUTE format('SELECT max("createdAt") FROM %I.configuration_history WHERE "configurationId" = $1', TG_TABLE_SCHEMA)
        INTO latest USING setting.id;
    IF latest >= moment THEN
        moment := latest + interval '1 microsecond';
    END IF;
    EXECUTE format(
        'INSERT INTO %I.configuration_history (
            "configurationId", "configKey", scope, "scopeId", "newValue", "valueType", "defaultValue", "minValue",
            "maxValue", "validValues", "validationRules", category, "subCategory", "displayName", description, tags,
            "sortOrder", "isActive", "isEditable", "requiresRestart", "lastModifiedBy", "configurationCreatedAt",
            "configurationUpdatedAt", "historyType", "createdAt", "oldValue", before, "changedBy", "changedByName",
            "changeReason", "ipAddress", "userAgent", "databaseRole"
        ) VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26, $27, $28, $29, $30, $31, $32, $33
        )', TG_TABLE_SCHEMA)
        USING setting.id, setting.key, setting.scope, setting."scopeId", setting.value, setting."valueType",
              setting."defaultValue", setting."minValue", setting."maxValue", setting."validValues",
              setting."validationRules", setting.category, setting."subCategory", setting."displayName",
              setting.description, setting.tags, setting."sortOrder", setting."isActive", setting."isEditable",
              setting."requiresRestart", setting."lastModifiedBy", setting."createdAt", setting."updatedAt",
              CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
              moment,
              CASE WHEN TG_OP <> 'INSERT' THEN OLD.value END,
              CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
              author,
              coalesce(author_name, CASE WHEN NOT is_said THEN format('database role %s', session_user) END),
              said ->> 'reason',
              said ->> 'ip',
              said ->> 'agent',
              CASE WHEN NOT is_said THEN session_user::text END;
    RETURN NULL;
END
$$
"""

# Before the row is written: who changed it last, and no new time for a change that changes nothing.
# The name of its trigger sorts after those that judge the value and set updatedAt, so it sees the row as it will stand.
STAMP = """
CREATE FUNCTION stamp_configuration() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    bookkeeping text[] := ARRAY['updatedAt', 'lastModifiedBy'];
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        RAISE EXCEPTION '%: the id of a setting stays, as its history goes by it', NEW.key
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - bookkeeping)::text = (to_jsonb(NEW) - bookkeeping)::text THEN
        NEW."updatedAt" := OLD."updatedAt";
        -- NULL comes from the foreign key, when the user is deleted.
        IF NEW."lastModifiedBy" IS NOT NULL THEN
            NEW."lastModifiedBy" := OLD."lastModifiedBy";
        END IF;
    ELSE
        NEW."lastModifiedBy" := (nullif(current_setting('whitecross.change', true), '')::jsonb ->> 'by')::uuid;
    END IF;
    RETURN NEW;
END
$$
"""

REFUSE_TRUNCATE = """
CREATE FUNCTION refuse_configuration_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% refuses TRUNCATE, which would leave no history: use DELETE', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$
"""

# Only the trigger above writes here, and a worker of logical replication what the trigger of the publisher wrote.
REFUSE_FORGERY = """
CREATE FUNCTION refuse_history_forgery() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
BEGIN
    IF pg_trigger_depth() < 2 AND NOT EXISTS (
        SELECT FROM pg_stat_get_subscription(NULL) WHERE pid = pg_backend_pid()
    ) THEN
        RAISE EXCEPTION '% is written by the database alone: INSERT refused', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0004_judge_values_by_all_rules"),
    ]

    operations = [
        migrations.AlterField(
            model_name="configurationhistory", name="value", field=models.TextField(blank=True, db_column="newValue")
        ),
        core.db.AddFields(
            model_name="configurationhistory",
            fields=[
                (
                    "before",
                    models.JSONField(
                        db_column="before",
                        help_text="The setting's row before the change, by columns; NULL for a new setting.",
                        null=True,
                    ),
                ),
                (
                    "database_role",
                    models.TextField(
                        db_column="databaseRole",
                        help_text="Who wrote past the application; NULL where the application wrote.",
                        null=True,
                    ),
                ),
            ],
        ),
        core.db.CreateFunction("write_configuration_history()", WRITE_HISTORY),
        core.db.CreateFunction("stamp_configuration()", STAMP),
        core.db.CreateFunction("refuse_configuration_truncate()", REFUSE_TRUNCATE),
        core.db.CreateFunction("refuse_history_forgery()", REFUSE_FORGERY),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=core.db.Trigger(
                always=True,
                event="BEFORE INSERT OR UPDATE",
                function="stamp_configuration",
                name="system_configurations_stamp",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=core.db.Trigger(
                always=True,
                event="AFTER INSERT OR UPDATE OR DELETE",
                function="write_configuration_history",
                name="system_configurations_write_history",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=core.db.Trigger(
                always=True,
                each="STATEMENT",
                event="BEFORE TRUNCATE",
                function="refuse_configuration_truncate",
                name="system_configurations_refuse_truncate",
            ),
        ),
        migrations.AddConstraint(
            model_name="configurationhistory",
            constraint=core.db.Trigger(
                always=True,
                event="BEFORE INSERT",
                function="refuse_history_forgery",
                name="configuration_history_refuse_forgery",
            ),
        ),
    ]
