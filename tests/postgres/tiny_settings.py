"""The backend and nothing else: these tests hold whatever becomes of the project's models."""

import os

from whitecross.postgres.url import parse

SECRET_KEY = "signs nothing"
ALLOWED_HOSTS = ["localhost"]
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        **(parse(os.environ["DATABASE_URL"]) if os.environ.get("DATABASE_URL") else {"NAME": "whitecross"}),
        "ENGINE": "whitecross.postgres",
        "EMBEDDED": os.environ.get("WHITECROSS_DATA_DIR"),
    }
}
