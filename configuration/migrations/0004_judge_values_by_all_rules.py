"""The database judges a value by every rule: type, bounds, valid values and validationRules, those of the row itself and,
for the value of a district, school or user, those of the system's row for the same key.

Changes no row. Where a stored value breaks one of the rules, the migration stops and names it: correct the value or the
rule, and migrate again.

Reverse: validationRules are kept, and hold nothing any more; overrides are judged by their own row alone.
"""

from importlib import import_module

from django.db import migrations, models

import core.db

# The bodies that the reverse puts back, from where they are frozen.
before = import_module("configuration.migrations.0002_enhance_system_configuration")

# No session setting changes what these functions answer: the search_path (operators), extra_float_digits (bounds as text)
# and standard_conforming_strings (no backslash stands in them) of whoever writes have no say.

# What is wrong with the rules themselves, as the end of a sentence, or NULL. A rule that would do nothing is wrong.
RULES_PROBLEM = """
CREATE FUNCTION setting_rules_problem(
    value_type text, min_value float8, max_value float8, valid_values text[], rules jsonb
) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    rule text;
    says jsonb;
BEGIN
    IF (min_value IS NOT NULL OR max_value IS NOT NULL) AND value_type <> 'NUMBER' THEN
        RETURN format('a minimum or maximum value goes with NUMBER, not with %s', value_type);
    ELSIF 'NaN' IN (min_value, max_value) THEN
        RETURN 'a bound is not a number';
    ELSIF value_type = 'ENUM' AND coalesce(cardinality(valid_values), 0) = 0 THEN
        RETURN 'an ENUM needs its valid values';
    ELSIF rules IS NULL OR rules = 'null' THEN
        RETURN NULL;
    ELSIF jsonb_typeof(rules) <> 'object' THEN
        RETURN 'the validation rules are not a JSON object such as {"minLength": 1}';
    END IF;
    FOR rule, says IN SELECT * FROM jsonb_each(rules) LOOP
        CASE rule
            WHEN 'min', 'max' THEN
                IF value_type = 'NUMBER' THEN
                    IF jsonb_typeof(says) <> 'number' THEN
                        RETURN format('the rule %s is not a number', rule);
                    ELSIF abs(says::numeric) >= 1e308 THEN
                        RETURN format('the rule %s is too large a number', rule);
                    END IF;
                ELSIF value_type IN ('DATE', 'TIME', 'DATETIME') THEN
                    BEGIN
                        IF jsonb_typeof(says) <> 'string' OR (CASE value_type
                            WHEN 'DATE' THEN says #>> '{}' !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
                                OR (says #>> '{}')::date IS NULL
                            WHEN 'TIME' THEN says #>> '{}' !~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?$'
                            ELSE says #>> '{}' !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$'
                                OR (says #>> '{}')::timestamptz IS NULL
                        END) THEN
                            RETURN format('the rule %s is not a %s', rule, value_type);
                        END IF;
                    EXCEPTION WHEN OTHERS THEN
                        RETURN format('the rule %s is not a %s', rule, value_type);
                    END;
                ELSE
                    RETURN format('the rule %s goes with NUMBER, DATE, TIME and DATETIME, not with %s', rule, value_type);
                END IF;
            WHEN 'minLength', 'maxLength' THEN
                IF value_type NOT IN ('STRING', 'EMAIL', 'URL', 'ARRAY') THEN
                    RETURN format('the rule %s goes with STRING, EMAIL, URL and ARRAY, not with %s', rule, value_type);
                ELSIF jsonb_typeof(says) <> 'number' OR says::numeric <> trunc(says::numeric)
                    OR says::numeric NOT BETWEEN 0 AND 100000 THEN
                    RETURN format('the rule %s is not a whole number from 0 to 100000', rule);
                END IF;
            WHEN 'pattern' THEN
                IF value_type NOT IN ('STRING', 'EMAIL', 'URL') THEN
                    RETURN format('the rule pattern goes with STRING, EMAIL and URL, not with %s', value_type);
                ELSIF jsonb_typeof(says) <> 'string' OR length(says #>> '{}') > 500 THEN
                    RETURN 'the rule pattern is not a text of at most 500 characters';
                ELSIF says #>> '{}' ~ (repeat(chr(92), 2) || '[1-9]') THEN
                    RETURN 'the rule pattern holds a back reference, which can take for ever to match';
                END IF;
                BEGIN
                    PERFORM '' ~ (says #>> '{}') COLLATE "C";
                EXCEPTION WHEN OTHERS THEN
                    RETURN 'the rule pattern is not a regular expression';
                END;
            WHEN 'integer' THEN
                IF value_type <> 'NUMBER' THEN
                    RETURN format('the rule integer goes with NUMBER, not with %s', value_type);
                ELSIF jsonb_typeof(says) <> 'boolean' THEN
                    RETURN 'the rule integer is neither true nor false';
                END IF;
            WHEN 'format' THEN
                IF value_type <> 'STRING' THEN
                    RETURN format('the rule format goes with STRING, not with %s', value_type);
                ELSIF says #>> '{}' NOT IN ('email', 'url', 'date', 'time', 'datetime', 'color', 'uuid')
                    OR jsonb_typeof(says) <> 'string' THEN
                    RETURN 'the rule format is none of email, url, date, time, datetime, color, uuid';
                END IF;
            ELSE
                RETURN format('the rule "%s" is none of min, max, minLength, maxLength, pattern, integer, format',
                    left(rule, 40));
        END CASE;
    END LOOP;
    RETURN NULL;
END
$$
"""

# What is wrong with a value, as the end of a sentence, or NULL. The rules are sound (see above).
# Character classes are spelled out and patterns match in the collation "C": the same answer on every server.
VALUE_PROBLEM = """
CREATE FUNCTION setting_value_problem(
    value text, value_type text, min_value float8, max_value float8, valid_values text[], rules jsonb
) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    whole jsonb;
    number numeric;
    size int := char_length(value);
    kind text := value_type;
BEGIN
    IF rules IS NULL OR jsonb_typeof(rules) <> 'object' THEN
        rules := '{}';
    END IF;
    IF size > 100000 THEN
        RETURN 'is longer than 100000 characters';
    END IF;
    IF rules ? 'format' THEN
        kind := upper(rules ->> 'format');
    END IF;
    CASE kind
        WHEN 'NUMBER' THEN
            IF size > 400 OR value !~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$' THEN
                RETURN 'is not a number';
            END IF;
            number := value::numeric;
            IF abs(number) >= 1e308 THEN
                RETURN 'is too large a number';
            ELSIF number < min_value::text::numeric THEN
                RETURN format('is less than the minimum %s', min_value);
            ELSIF number > max_value::text::numeric THEN
                RETURN format('is more than the maximum %s', max_value);
            ELSIF number < (rules ->> 'min')::numeric THEN
                RETURN format('is less than the minimum %s', rules ->> 'min');
            ELSIF number > (rules ->> 'max')::numeric THEN
                RETURN format('is more than the maximum %s', rules ->> 'max');
            ELSIF rules -> 'integer' = 'true' AND number <> trunc(number) THEN
                RETURN 'is not a whole number';
            END IF;
        WHEN 'BOOLEAN' THEN
            IF value NOT IN ('true', 'false') THEN
                RETURN 'is neither true nor false';
            END IF;
        WHEN 'JSON', 'ARRAY' THEN
            BEGIN
                whole := value::jsonb;
            EXCEPTION WHEN OTHERS THEN
                RETURN CASE kind WHEN 'JSON' THEN 'is not JSON' ELSE 'is not a JSON array' END;
            END;
            IF kind = 'ARRAY' AND jsonb_typeof(whole) <> 'array' THEN
                RETURN 'is not a JSON array';
            ELSIF jsonb_path_exists(whole, 'strict $.**{101}') THEN
                RETURN 'is nested more than 100 deep';
            END IF;
            -- Programs read a fraction as a binary double: one that a double does not hold would be another number there.
            BEGIN
                IF EXISTS (
                    SELECT FROM jsonb_path_query(whole, 'strict $.** ? (@.type() == "number")') AS member
                    WHERE abs(member::numeric) >= 1e308
                        OR (member::numeric <> trunc(member::numeric)
                            AND member::text::float8::text::numeric <> member::numeric)
                ) THEN
                    RETURN 'holds a number too large or too long to be read exactly';
                END IF;
            EXCEPTION WHEN numeric_value_out_of_range THEN
                RETURN 'holds a number too large or too long to be read exactly';
            END;
            IF kind = 'ARRAY' THEN
                size := jsonb_array_length(whole);
            END IF;
        WHEN 'DATE' THEN
            BEGIN
                IF value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' OR value::date IS NULL THEN
                    RETURN 'is not a date such as 2026-08-31';
                END IF;
            EXCEPTION WHEN OTHERS THEN
                RETURN 'is not a date such as 2026-08-31';
            END;
            IF value::date < (rules ->> 'min')::date THEN
                RETURN format('is before %s', rules ->> 'min');
            ELSIF value::date > (rules ->> 'max')::date THEN
                RETURN format('is after %s', rules ->> 'max');
            END IF;
        WHEN 'TIME' THEN
            IF value !~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?$' THEN
                RETURN 'is not a time such as 14:30';
            ELSIF value::time < (rules ->> 'min')::time THEN
                RETURN format('is before %s', rules ->> 'min');
            ELSIF value::time > (rules ->> 'max')::time THEN
                RETURN format('is after %s', rules ->> 'max');
            END IF;
        WHEN 'DATETIME' THEN
            BEGIN
                IF value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-5][0-9])$'
                    OR value::timestamptz IS NULL THEN
                    RETURN 'is not a time of a day with its zone such as 2026-08-31T14:30:00Z';
                END IF;
            EXCEPTION WHEN OTHERS THEN
                RETURN 'is not a time of a day with its zone such as 2026-08-31T14:30:00Z';
            END;
            IF value::timestamptz < (rules ->> 'min')::timestamptz THEN
                RETURN format('is before %s', rules ->> 'min');
            ELSIF value::timestamptz > (rules ->> 'max')::timestamptz THEN
                RETURN format('is after %s', rules ->> 'max');
            END IF;
        WHEN 'EMAIL' THEN
            IF value !~ '^[!-?A-~]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$' COLLATE "C" OR size > 254 THEN
                RETURN 'is not an email address';
            END IF;
        WHEN 'URL' THEN
            IF value !~ '^https?://[!-~]+$' COLLATE "C" OR value ~ '^https?://[/?#]' THEN
                RETURN 'is not a URL that begins with http:// or https://';
            END IF;
        WHEN 'COLOR' THEN
            IF value !~ '^#[0-9A-Fa-f]{6}$' THEN
                RETURN 'is not a colour such as #1f6feb';
            END IF;
        WHEN 'UUID' THEN
            IF value !~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
                RETURN 'is not a UUID';
            END IF;
        ELSE
            NULL;
    END CASE;
    IF (value_type = 'ENUM' OR cardinality(valid_values) > 0)
        AND (value = ANY (valid_values)) IS NOT TRUE THEN
        RETURN format('is not one of the valid values (%s)', array_to_string(valid_values, ', '));
    ELSIF size < (rules ->> 'minLength')::numeric THEN
        RETURN format(CASE value_type WHEN 'ARRAY' THEN 'has fewer than %s elements' ELSE 'is shorter than %s characters' END,
            rules ->> 'minLength');
    ELSIF size > (rules ->> 'maxLength')::numeric THEN
        RETURN format(CASE value_type WHEN 'ARRAY' THEN 'has more than %s elements' ELSE 'is longer than %s characters' END,
            rules ->> 'maxLength');
    ELSIF value !~ (rules ->> 'pattern') COLLATE "C" THEN
        RETURN format('does not match the pattern %s', rules ->> 'pattern');
    END IF;
    RETURN NULL;
END
$$
"""

# Every name with its schema: the search_path has none. A rule over several rows is judged one transaction a key at a
# time, by what all others have committed: so not in a transaction that sees the state of its beginning.
CHECK_VALUE = """
CREATE FUNCTION check_configuration_value() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    own text := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
    judge text := format('SELECT %I.setting_value_problem($1, $2, $3, $4, $5, $6)', TG_TABLE_SCHEMA);
    parent record;
    subject text;
    candidate text;
    problem text;
    place_exists bool;
    is_secret bool := coalesce('secret' = ANY (NEW.tags), false);
    lays_down_rules bool := NEW.scope::text = 'SYSTEM' AND (TG_OP = 'INSERT' OR (
        NEW.key, NEW.scope, NEW."valueType", NEW."minValue", NEW."maxValue", NEW."validValues", NEW."validationRules"
    ) IS DISTINCT FROM (
        OLD.key, OLD.scope, OLD."valueType", OLD."minValue", OLD."maxValue", OLD."validValues", OLD."validationRules"
    ));
BEGIN
    EXECUTE format('SELECT %I.setting_rules_problem($1, $2, $3, $4, $5)', TG_TABLE_SCHEMA) INTO problem
        USING NEW."valueType"::text, NEW."minValue", NEW."maxValue", NEW."validValues", NEW."validationRules";
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%: %.', NEW.key, problem
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
                  CONSTRAINT = 'system_configurations_check_value';
    END IF;
    IF lays_down_rules OR NEW.scope::text <> 'SYSTEM' THEN
        IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
            RAISE EXCEPTION '%: rules, and values of districts, schools and users, are written in READ COMMITTED '
                'transactions, which see what others have committed.', NEW.key USING ERRCODE = 'feature_not_supported';
        ELSIF lays_down_rules THEN
            PERFORM pg_advisory_xact_lock(TG_RELID::int, hashtext(NEW.key));
        ELSE
            PERFORM pg_advisory_xact_lock_shared(TG_RELID::int, hashtext(NEW.key));
        END IF;
    END IF;
    FOR subject, candidate IN VALUES ('value', NEW.value), ('default value', NEW."defaultValue") LOOP
        CONTINUE WHEN candidate IS NULL;
        EXECUTE judge INTO problem USING candidate, NEW."valueType"::text, NEW."minValue", NEW."maxValue",
            NEW."validValues", NEW."validationRules";
        EXIT WHEN problem IS NOT NULL;
        -- A value for a district, school or user keeps the system's rules for the key as well.
        IF NEW.scope::text <> 'SYSTEM' THEN
            EXECUTE format('SELECT * FROM %s WHERE key = $1 AND scope::text = ''SYSTEM''', own) INTO parent
                USING NEW.key;
            IF parent.key IS NOT NULL THEN
                is_secret := is_secret OR coalesce('secret' = ANY (parent.tags), false);
                IF NEW."valueType" <> parent."valueType" THEN
                    RAISE EXCEPTION '%: the value type % is not the system''s for this key, which is %.',
                        NEW.key, NEW."valueType", parent."valueType"
                        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
                              CONSTRAINT = 'system_configurations_check_value';
                END IF;
                EXECUTE judge INTO problem USING candidate, parent."valueType"::text, parent."minValue",
                    parent."maxValue", parent."validValues", parent."validationRules";
                EXIT WHEN problem IS NOT NULL;
            END IF;
        END IF;
    END LOOP;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%: the % "%" %.', NEW.key, subject,
            CASE
                WHEN is_secret THEN '(secret)'
                WHEN char_length(candidate) > 100 THEN left(candidate, 100) || '…'
                ELSE candidate
            END, problem
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
                  CONSTRAINT = 'system_configurations_check_value';
    END IF;
    IF NEW.scope::text <> 'SYSTEM' THEN
        IF TG_OP = 'INSERT' OR (NEW.scope, NEW."scopeId") IS DISTINCT FROM (OLD.scope, OLD."scopeId") THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE id = $1)', TG_TABLE_SCHEMA,
                CASE NEW.scope::text WHEN 'DISTRICT' THEN 'districts' WHEN 'SCHOOL' THEN 'schools' ELSE 'users' END)
                INTO place_exists USING NEW."scopeId";
            IF NOT place_exists AND NEW."scopeId" IS NOT NULL THEN
                RAISE EXCEPTION '%: there is no % %.', NEW.key, lower(NEW.scope::text), NEW."scopeId"
                    USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
                          CONSTRAINT = 'system_configurations_check_value';
            END IF;
        END IF;
    ELSIF lays_down_rules THEN
        FOR parent IN EXECUTE format(
            'SELECT * FROM %s WHERE key = $1 AND scope::text <> ''SYSTEM'' AND id <> $2 ORDER BY scope, "scopeId"', own)
            USING NEW.key, NEW.id
        LOOP
            IF parent."valueType" <> NEW."valueType" THEN
                problem := format('is a %s', parent."valueType");
            ELSE
                EXECUTE judge INTO problem USING parent.value, NEW."valueType"::text, NEW."minValue", NEW."maxValue",
                    NEW."validValues", NEW."validationRules";
            END IF;
            IF problem IS NOT NULL THEN
                RAISE EXCEPTION '%: the value "%" of % % %.', NEW.key,
                    CASE
                        WHEN is_secret OR 'secret' = ANY (parent.tags) THEN '(secret)'
                        WHEN char_length(parent.value) > 100 THEN left(parent.value, 100) || '…'
                        ELSE parent.value
                    END, lower(parent.scope::text), parent."scopeId", problem
                    USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
                          CONSTRAINT = 'system_configurations_check_value';
            END IF;
        END LOOP;
    END IF;
    RETURN NEW;
END
$$
"""

# Whatever is stored must be able to be saved again.
REFUSE_BROKEN = """
DO $$
DECLARE
    broken text;
BEGIN
    SELECT string_agg(format('%s (%s%s): %s', key, scope, ' ' || "scopeId", problem), '; ' ORDER BY key, scope, "scopeId")
    INTO broken
    FROM (
        SELECT own.key, own.scope, own."scopeId", coalesce(
            setting_rules_problem(own."valueType"::text, own."minValue", own."maxValue", own."validValues",
                own."validationRules"),
            'the value ' || setting_value_problem(own.value, own."valueType"::text, own."minValue", own."maxValue",
                own."validValues", own."validationRules"),
            'the default value ' || setting_value_problem(own."defaultValue", own."valueType"::text, own."minValue",
                own."maxValue", own."validValues", own."validationRules"),
            CASE WHEN own."valueType" <> parent."valueType"
                THEN format('the value type is not the system''s, which is %s', parent."valueType") END,
            'by the system''s rules, the value ' || setting_value_problem(own.value, parent."valueType"::text,
                parent."minValue", parent."maxValue", parent."validValues", parent."validationRules"),
            'by the system''s rules, the default value ' || setting_value_problem(own."defaultValue",
                parent."valueType"::text, parent."minValue", parent."maxValue", parent."validValues",
                parent."validationRules")
        ) AS problem
        FROM system_configurations AS own
        LEFT JOIN system_configurations AS parent ON parent.key = own.key AND parent.scope = 'SYSTEM'
    ) AS judged
    WHERE problem IS NOT NULL;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'system_configurations holds values that break their own rules: %. Correct them and migrate again.',
            broken USING ERRCODE = 'restrict_violation';
    END IF;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_notify_of_moved_schools"),
        ("configuration", "0003_seed_settings"),
    ]

    operations = [
        # A STRING may be empty, which forms take for nothing unless told: the database judges. No SQL.
        migrations.AlterField(
            model_name="systemconfiguration", name="value", field=models.TextField(blank=True, db_column="value")
        ),
        core.db.CreateFunction("setting_rules_problem(text, float8, float8, text[], jsonb)", RULES_PROBLEM),
        core.db.CreateFunction("setting_value_problem(text, text, float8, float8, text[], jsonb)", VALUE_PROBLEM),
        core.db.ReplaceFunction("check_configuration_value()", CHECK_VALUE, before.CHECK_VALUE),
        core.db.DropFunction("configuration_value_problem(text, text, float8, float8, text[])", before.VALUE_PROBLEM),
        migrations.RunSQL(REFUSE_BROKEN, migrations.RunSQL.noop),
    ]
