"""The parameters that White Cross itself reads. Migrations store the first twelve; the others have their defaults."""

from configuration.enums import ConfigCategory
from configuration.parameters import SYSTEM_ONLY, declare

MAX_LOGIN_ATTEMPTS = declare(
    "MAX_LOGIN_ATTEMPTS",
    int,
    category=ConfigCategory.SECURITY,
    default=5,
    minimum=1,
    maximum=1000,
    label="Sign-in attempts",
    help="How many wrong passwords in a row lock an account.",
)
LOCKOUT_DURATION_MINUTES = declare(
    "LOCKOUT_DURATION_MINUTES",
    int,
    category=ConfigCategory.SECURITY,
    default=30,
    minimum=1,
    maximum=60 * 24 * 365,
    label="Lockout duration (minutes)",
    help="How long an account stays locked after too many wrong passwords.",
)
SESSION_TIMEOUT_MINUTES = declare(
    "SESSION_TIMEOUT_MINUTES",
    int,
    category=ConfigCategory.SECURITY,
    default=60,
    minimum=1,
    maximum=60 * 24 * 365,
    label="Session timeout (minutes)",
    help="After how long without activity a session ends.",
)
PASSWORD_MIN_LENGTH = declare(
    "PASSWORD_MIN_LENGTH",
    int,
    category=ConfigCategory.SECURITY,
    default=12,
    minimum=8,
    maximum=128,
    label="Minimum password length",
    help="How many characters a new password has at least.",
)
PASSWORD_REQUIRE_SPECIAL_CHAR = declare(
    "PASSWORD_REQUIRE_SPECIAL_CHAR",
    bool,
    category=ConfigCategory.SECURITY,
    default=True,
    label="Special character in passwords",
    help="Whether a new password needs a character that is neither letter nor digit.",
)
PASSWORD_EXPIRY_DAYS = declare(
    "PASSWORD_EXPIRY_DAYS",
    int,
    category=ConfigCategory.SECURITY,
    default=90,
    minimum=0,
    maximum=36500,
    label="Password expiry (days)",
    help="After how many days a password has to be changed; 0 means never.",
)
EMAIL_NOTIFICATION_ENABLED = declare(
    "EMAIL_NOTIFICATION_ENABLED",
    bool,
    category=ConfigCategory.NOTIFICATION,
    default=True,
    label="Notifications by email",
    help="Whether the system sends notifications by email.",
)
SMS_NOTIFICATION_ENABLED = declare(
    "SMS_NOTIFICATION_ENABLED",
    bool,
    category=ConfigCategory.NOTIFICATION,
    default=False,
    label="Notifications by SMS",
    help="Whether the system sends notifications by SMS.",
)
SYSTEM_NAME = declare(
    "SYSTEM_NAME",
    str,
    default="White Cross Healthcare Platform",
    scopes=SYSTEM_ONLY,
    label="System name",
    help="The title that every page shows.",
)
SUPPORT_EMAIL = declare(
    "SUPPORT_EMAIL",
    str,
    default="support@whitecross.health",
    scopes=SYSTEM_ONLY,
    label="Support email",
    help="Where users turn to for help.",
)
MAINTENANCE_MODE = declare(
    "MAINTENANCE_MODE",
    bool,
    default=False,
    scopes=SYSTEM_ONLY,
    label="Maintenance mode",
    help="Whether the system is closed to everybody but administrators.",
)
MAX_FILE_UPLOAD_SIZE_MB = declare(
    "MAX_FILE_UPLOAD_SIZE_MB",
    int,
    default=10,
    minimum=1,
    maximum=1024,
    label="Upload size (MB)",
    help="How large an uploaded file may be.",
)
API_REQUESTS_PER_MINUTE = declare(
    "API_REQUESTS_PER_MINUTE",
    int,
    default=600,
    minimum=1,
    maximum=1_000_000,
    label="API requests per minute",
    help="How many requests a minute the API takes from one user; more are answered 429.",
)
