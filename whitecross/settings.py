"""Every value comes from the environment (or a `.env` file beside manage.py); a bad one fails loudly.

Nothing needs to be set to develop: without DATABASE_URL the project runs on an embedded PostgreSQL.
Production sets WHITECROSS_ENV=production, and `manage.py check --deploy` says what else is missing.
"""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

from whitecross.email_url import parse as parse_email_url
from whitecross.postgres.url import parse as parse_database_url
from whitecross.replica.configured import databases as replica_databases

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")


def flag(name: str, *, default: bool) -> bool:
    """Read true or false; anything else is an error, for a misspelt true must not switch a protection off."""
    value = env.str(name, default=str(default)).strip().lower()
    if value not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise ImproperlyConfigured(f"{name} is neither true nor false; set it to one of the two.")
    return value in ("true", "1", "yes", "on")


def whole_number(name: str, *, default: int, least: int = 0, most: int = 10**9) -> int:
    """Read a whole number that is neither below ``least`` nor above ``most``."""
    value = env.str(name, default=str(default)).strip()
    if not value.isdecimal() or len(value) > 10 or not least <= int(value) <= most:
        raise ImproperlyConfigured(f"{name} is not a whole number from {least} to {most}; set it to one.")
    return int(value)


def one_of(name: str, choices: tuple[str, ...], *, default: str) -> str:
    """Read one of a few words."""
    value = str(env.str(name, default=default))
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is none of {', '.join(choices)}; set it to one of them.")
    return value


ENVIRONMENT = one_of("WHITECROSS_ENV", ("development", "production"), default="development")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = flag("DEBUG", default=not PRODUCTION)

# Development has a secret of its own that signs nothing worth forging; production has none by default.
SECRET_KEY = env.str("SECRET_KEY", default="" if PRODUCTION else "development-only-" + "x" * 50)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG shows health records to whoever meets an error; unset it in production.")
if PRODUCTION and (missing := [name for name in ("SECRET_KEY", "ALLOWED_HOSTS") if not globals()[name]]):
    raise ImproperlyConfigured(f"WHITECROSS_ENV=production needs {' and '.join(missing)}; see docs/deployment.md.")

# HTTPS everywhere in production. In development a browser would remember HSTS for localhost.
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_HSTS_SECONDS = whole_number("SECURE_HSTS_SECONDS", default=365 * 24 * 60 * 60 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=PRODUCTION)
SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_PRELOAD", default=PRODUCTION)
SESSION_COOKIE_SECURE = flag("SESSION_COOKIE_SECURE", default=PRODUCTION)
CSRF_COOKIE_SECURE = flag("CSRF_COOKIE_SECURE", default=PRODUCTION)
SESSION_COOKIE_HTTPONLY = True
# SESSION_TIMEOUT_MINUTES, which changes while the system runs, ends sessions. The browser forgets its cookie when it is
# closed; the session's row must outlive the longest timeout.
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 366 * 24 * 60 * 60
CSRF_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"  # the path of a page names a student's record
X_FRAME_OPTIONS = "DENY"
# Only behind a proxy that sets (and never passes on) this header may it say that a request came by HTTPS.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_" + header.upper().replace("-", "_"), "https")
    if (header := env.str("SECURE_PROXY_SSL_HEADER", default=""))
    else None
)
# The header in which your proxy passes the client's address on; without one it is the peer's own.
CLIENT_ADDRESS_HEADER = (
    "HTTP_" + name.upper().replace("-", "_") if (name := env.str("CLIENT_ADDRESS_HEADER", default="")) else None
)

INSTALLED_APPS = [
    "core",
    "configuration",
    "health_records",
    "whitecross",
    "whitecross.adoption",
    "whitecross.deployment",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "simple_history",
    "django_linear_migrations",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "whitecross.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.CurrentUserMiddleware",
    # Both before anything reads a request's body.
    "whitecross.maintenance.MaintenanceMiddleware",
    "whitecross.uploads.UploadSizeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitecross.accounts.sessions.SessionTimeoutMiddleware",
    "whitecross.accounts.passwords.PasswordChangeMiddleware",
]

FILE_UPLOAD_HANDLERS = [
    "whitecross.uploads.SizeLimitHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
CSRF_FAILURE_VIEW = "whitecross.errors.csrf_failure"

ROOT_URLCONF = "whitecross.urls"
WSGI_APPLICATION = "whitecross.wsgi.application"
ASGI_APPLICATION = "whitecross.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "whitecross" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "whitecross.maintenance.shown",
            ],
        },
    },
]

# One engine. EMBEDDED names the private directory of the embedded server; None means a server of yours.
DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASES = {
    "default": {
        **(parse_database_url(DATABASE_URL) if DATABASE_URL else {"NAME": "whitecross", "OPTIONS": {}}),
        "ENGINE": "whitecross.postgres",
        "EMBEDDED": None
        if DATABASE_URL
        else env.str("WHITECROSS_DATA_DIR", default="") or str(BASE_DIR / ".whitecross"),
        # Seconds that a thread keeps its connection after a request: 0 closes it, and is right with a pool.
        "CONN_MAX_AGE": whole_number("DB_CONN_MAX_AGE", default=0),
        # A kept connection is tried before it is used: the server may have been restarted since.
        "CONN_HEALTH_CHECKS": True,
        # A pooler in transaction mode gives each transaction another connection, which lacks the cursor.
        "DISABLE_SERVER_SIDE_CURSORS": flag("DB_DISABLE_SERVER_SIDE_CURSORS", default=False),
    }
}
# A pool for each process, where DB_POOL_MAX_SIZE is set; its threads share that many connections.
if DB_POOL_MAX_SIZE := whole_number("DB_POOL_MAX_SIZE", default=0):
    if DATABASES["default"]["CONN_MAX_AGE"]:
        raise ImproperlyConfigured("DB_POOL_MAX_SIZE and DB_CONN_MAX_AGE exclude each other; unset one.")
    DB_POOL_MIN_SIZE = whole_number("DB_POOL_MIN_SIZE", default=1)
    if DB_POOL_MIN_SIZE > DB_POOL_MAX_SIZE:
        raise ImproperlyConfigured("DB_POOL_MIN_SIZE is above DB_POOL_MAX_SIZE; lower it.")
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": DB_POOL_MIN_SIZE,
        "max_size": DB_POOL_MAX_SIZE,
        "timeout": whole_number("DB_POOL_TIMEOUT", default=30, least=1),  # seconds to wait for a free connection
    }

# Backups; see docs/backups.md. With public keys of age or SSH, separated by commas, they are encrypted; whoever
# restores or rehearses has the identity that belongs to one of them, in a file.
WHITECROSS_BACKUP_DIR = env.str("WHITECROSS_BACKUP_DIR", default="") or str(BASE_DIR / "backups")
WHITECROSS_BACKUP_RECIPIENTS = env.list("WHITECROSS_BACKUP_RECIPIENTS", default=[])
WHITECROSS_BACKUP_IDENTITY_FILE = env.str("WHITECROSS_BACKUP_IDENTITY_FILE", default="")
# The folder of pg_dump and pg_restore, where they are in none that is looked into.
WHITECROSS_PG_BIN = env.str("WHITECROSS_PG_BIN", default="")

# Standbys of that server, which answer pages that only read; see docs/scaling.md. Several are separated by spaces.
if REPLICA_DATABASE_URL := env.str("REPLICA_DATABASE_URL", default="").strip():
    DATABASES.update(replica_databases(REPLICA_DATABASE_URL, DATABASES["default"]))
    DATABASE_ROUTERS = ["whitecross.replica.router.ReplicaRouter"]
    MIDDLEWARE.insert(1, "whitecross.replica.middleware.ReadYourWritesMiddleware")
    # Seconds that a page may be old. For so long whoever has just lost sight of a student may still see her: not long.
    REPLICA_MAX_LAG = whole_number("REPLICA_MAX_LAG", default=5, most=60)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "core.User"
# users.email is unique whatever its case, by an index on UPPER(email) that this check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["whitecross.accounts.sign_in.LockingBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "core.hashers.BareBcryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "whitecross.accounts.passwords.LengthValidator"},
    {"NAME": "whitecross.accounts.passwords.SpecialCharacterValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"

# What sends notifications; see docs/operations.md. EMAIL_URL is like smtp+tls://user:password@host:587; development
# writes emails and SMS to the console.
EMAIL_URL = env.str("EMAIL_URL", default="")
vars().update(
    parse_email_url(EMAIL_URL)
    if EMAIL_URL
    else {
        "EMAIL_BACKEND": "whitecross.notifications.no_server.EmailBackend"
        if PRODUCTION
        else "django.core.mail.backends.console.EmailBackend"
    }
)
EMAIL_TIMEOUT = whole_number("EMAIL_TIMEOUT", default=10, least=1)  # seconds to wait for the mail server
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="White Cross <noreply@localhost>")
SMS_BACKEND = env.str("SMS_BACKEND", default="") or (
    "whitecross.notifications.sms.NoBackend" if PRODUCTION else "whitecross.notifications.sms.ConsoleBackend"
)
SMS_FILE_PATH = env.str("SMS_FILE_PATH", default=str(BASE_DIR / "sms.jsonl"))  # where FileBackend writes

# In the memory of each process: counts of requests to the API.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
# The API; see docs/api.md. It speaks JSON alone, and every refusal is a problem document.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "whitecross.api.authentication.CurrentTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.SignedIn"],
    "DEFAULT_THROTTLE_CLASSES": ["configuration.api.throttling.RequestsPerMinute"],
    "DEFAULT_PARSER_CLASSES": ["core.api.bodies.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "core.api.documentation.DocumentedSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "core.api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,
}
API_LOGINS_PER_MINUTE = whole_number("API_LOGINS_PER_MINUTE", default=10, least=1)  # from one address
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=whole_number("API_TOKEN_TTL_HOURS", default=10, least=1, most=366 * 24)),
    "TOKEN_LIMIT_PER_USER": 10,
    "AUTH_HEADER_PREFIX": "Bearer",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "White Cross",
    "DESCRIPTION": "Settings that change while the system runs, and their history.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Without a validator elsewhere on the network.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "ENUM_NAME_OVERRIDES": {
        "Category": "configuration.enums.ConfigCategory",
        "Scope": "configuration.enums.ConfigScope",
        "ValueType": "configuration.enums.ConfigValueType",
    },
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
try:
    ZoneInfo(TIME_ZONE)
except (ValueError, ZoneInfoNotFoundError):
    raise ImproperlyConfigured("TIME_ZONE names no time zone; write it like America/Chicago.") from None
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # In production a file's name holds its hash, so that a browser may keep it for ever; needs collectstatic.
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# The admin's look; what a role finds there is in whitecross.navigation.
UNFOLD = {
    "SITE_TITLE": "whitecross.navigation.system_name",
    "SITE_HEADER": "whitecross.navigation.system_name",
    "SITE_SUBHEADER": "School health records",
    "SITE_URL": None,
    "SITE_ICON": "whitecross.navigation.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "whitecross.navigation.icon"}],
    "STYLES": ["whitecross.navigation.stylesheet"],
    "SCRIPTS": ["whitecross.navigation.script"],
    "SHOW_VIEW_ON_SITE": False,
    "LOGIN": {"form": "core.admin.sign_in.SignInForm"},
    "DASHBOARD_CALLBACK": "whitecross.navigation.front_page",
    "SIDEBAR": {"navigation": "whitecross.navigation.sidebar"},
    # Teal: primary-600 on white has a contrast of 5.5 to 1.
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#0f3f3c",
            "950": "#042f2e",
        },
    },
}

LOG_LEVEL = one_of("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO" if PRODUCTION else "WARNING")
# To stderr, for whatever runs the process to keep. No health records: see DiscreetFormatter.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "whitecross.postgres.log.DiscreetFormatter" if PRODUCTION else "logging.Formatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": LOG_LEVEL,
    },
    "loggers": {
        # Django's own handlers would mail tracebacks; what they report goes up to the root instead.
        "django": {"handlers": [], "propagate": True},
        # One line a request in development.
        "django.server": {"propagate": False},
        # Logs every statement with its parameters at DEBUG, whatever LOG_LEVEL says.
        **({"django.db.backends": {"level": "WARNING"}} if PRODUCTION else {}),
    },
}
