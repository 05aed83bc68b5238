"""The twelve settings that the system needs.

Seeding again changes nothing, and never a value that somebody has set.

Reverse: removes those of the twelve that are still as seeded; a setting that somebody has changed stays.
"""

from django.db import migrations

SETTINGS = """
(VALUES
    ('MAX_LOGIN_ATTEMPTS', '5', 'SECURITY', 'NUMBER', 1::float8, 10::float8, '{"min": 1, "max": 10, "integer": true}',
     'Sign-in attempts', 'How many wrong passwords in a row lock an account.', 1),
    ('LOCKOUT_DURATION_MINUTES', '30', 'SECURITY', 'NUMBER', 5, 1440, '{"min": 5, "max": 1440, "integer": true}',
     'Lockout duration (minutes)', 'How long an account stays locked after too many wrong passwords.', 2),
    ('SESSION_TIMEOUT_MINUTES', '60', 'SECURITY', 'NUMBER', 15, 480, '{"min": 15, "max": 480, "integer": true}',
     'Session timeout (minutes)', 'After how long without activity a session ends.', 3),
    ('PASSWORD_MIN_LENGTH', '12', 'SECURITY', 'NUMBER', 8, 128, '{"min": 8, "max": 128, "integer": true}',
     'Minimum password length', 'How many characters a new password has at least.', 4),
    ('PASSWORD_REQUIRE_SPECIAL_CHAR', 'true', 'SECURITY', 'BOOLEAN', NULL, NULL, '{}',
     'Special character in passwords', 'Whether a new password needs a character that is neither letter nor digit.', 5),
    ('PASSWORD_EXPIRY_DAYS', '90', 'SECURITY', 'NUMBER', 0, 365, '{"min": 0, "max": 365, "integer": true}',
     'Password expiry (days)', 'After how many days a password has to be changed; 0 means never.', 6),
    ('EMAIL_NOTIFICATION_ENABLED', 'true', 'NOTIFICATION', 'BOOLEAN', NULL, NULL, '{}',
     'Notifications by email', 'Whether the system sends notifications by email.', 7),
    ('SMS_NOTIFICATION_ENABLED', 'false', 'NOTIFICATION', 'BOOLEAN', NULL, NULL, '{}',
     'Notifications by SMS', 'Whether the system sends notifications by SMS.', 8),
    ('SYSTEM_NAME', 'White Cross Healthcare Platform', 'GENERAL', 'STRING', NULL, NULL, '{"minLength": 1, "maxLength": 200}',
     'System name', 'The title that every page shows.', 9),
    ('SUPPORT_EMAIL', 'support@whitecross.health', 'GENERAL', 'EMAIL', NULL, NULL, '{}',
     'Support email', 'Where users turn to for help.', 10),
    ('MAINTENANCE_MODE', 'false', 'GENERAL', 'BOOLEAN', NULL, NULL, '{}',
     'Maintenance mode', 'Whether the system is closed to everybody but administrators.', 11),
    ('MAX_FILE_UPLOAD_SIZE_MB', '10', 'GENERAL', 'NUMBER', 1, 100, '{"min": 1, "max": 100, "integer": true}',
     'Upload size (MB)', 'How large an uploaded file may be.', 12)
) AS seeded (key, value, category, value_type, min_value, max_value, rules, display_name, description, sort_order)
"""

SEED = f"""
INSERT INTO system_configurations (
    key, value, "defaultValue", category, "valueType", "minValue", "maxValue", "validationRules", "displayName",
    description, "sortOrder"
)
SELECT key, value, value, category::"ConfigCategory", value_type::"ConfigValueType", min_value, max_value, rules::jsonb,
       display_name, description, sort_order
FROM {SETTINGS}
ON CONFLICT ON CONSTRAINT system_configurations_key_scope_key DO NOTHING
"""

REMOVE = f"""
DELETE FROM system_configurations AS setting
USING {SETTINGS}
WHERE setting.key = seeded.key
  AND setting.scope = 'SYSTEM'
  AND setting."lastModifiedBy" IS NULL
  AND (setting.value, setting."defaultValue", setting."minValue", setting."maxValue", setting."validationRules",
       setting."displayName", setting.description, setting.category::text, setting."valueType"::text,
       setting."sortOrder", setting."isActive", setting."isEditable", setting."requiresRestart",
       setting."subCategory", setting."validValues", setting.tags)
      IS NOT DISTINCT FROM
      (seeded.value, seeded.value, seeded.min_value, seeded.max_value, seeded.rules::jsonb,
       seeded.display_name, seeded.description, seeded.category, seeded.value_type,
       seeded.sort_order, true, true, false,
       NULL, ARRAY[]::text[], ARRAY[]::text[])
"""


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0002_enhance_system_configuration"),
    ]

    operations = [migrations.RunSQL(SEED, REMOVE)]
