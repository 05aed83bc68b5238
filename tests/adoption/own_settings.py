"""The settings of the predecessor: the twelve that it made itself, and those that somebody added."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One of the twelve: what it is, what it was, and its validationRules as JSON."""

    key: str
    value: str
    earlier: str
    category: str
    rules: str


# Two are not as they were made (MAX_LOGIN_ATTEMPTS, SYSTEM_NAME); of three the rules are lost.
SETTINGS = (
    Setting("MAX_LOGIN_ATTEMPTS", "3", "5", "SECURITY", '{"type": "number", "min": 1, "max": 10}'),
    Setting("LOCKOUT_DURATION_MINUTES", "30", "15", "SECURITY", '{"type": "number", "min": 5, "max": 1440}'),
    Setting("SESSION_TIMEOUT_MINUTES", "60", "45", "SECURITY", "{}"),
    Setting("PASSWORD_MIN_LENGTH", "12", "8", "SECURITY", '{"type": "number", "min": 8, "max": 128}'),
    Setting("PASSWORD_REQUIRE_SPECIAL_CHAR", "true", "false", "SECURITY", '{"type": "boolean"}'),
    Setting("PASSWORD_EXPIRY_DAYS", "90", "0", "SECURITY", '{"type": "number", "min": 0, "max": 365}'),
    Setting("EMAIL_NOTIFICATION_ENABLED", "true", "false", "NOTIFICATION", '{"type": "boolean"}'),
    Setting("SMS_NOTIFICATION_ENABLED", "false", "true", "NOTIFICATION", "{}"),
    Setting(
        *("SYSTEM_NAME", 'Zoë\'s "Ünïted" Schools', "White Cross Healthcare Platform", "GENERAL"),
        '{"type": "string", "maxLength": 200}',
    ),
    Setting("SUPPORT_EMAIL", "support@whitecross.health", "help@example.org", "GENERAL", '{"type": "email"}'),
    Setting("MAINTENANCE_MODE", "false", "true", "GENERAL", "{}"),
    Setting("MAX_FILE_UPLOAD_SIZE_MB", "10", "25", "GENERAL", '{"type": "number", "min": 1, "max": 100}'),
)
LOCAL_SETTINGS = 24
LOCAL_RULES = ("{}", None, '{"type": "string"}', "null")
