"""Labels of the enum types of the configuration. Each class is a type of that name in PostgreSQL."""

from django.db.models import TextChoices


class ConfigCategory(TextChoices):
    """Under which heading a setting stands."""

    GENERAL = "GENERAL", "General"
    SECURITY = "SECURITY", "Security"
    NOTIFICATION = "NOTIFICATION", "Notification"
    HEALTHCARE = "HEALTHCARE", "Healthcare"
    MEDICATION = "MEDICATION", "Medication"
    APPOINTMENTS = "APPOINTMENTS", "Appointments"
    UI = "UI", "User interface"
    QUERY = "QUERY", "Query"
    FILE_UPLOAD = "FILE_UPLOAD", "File upload"
    RATE_LIMITING = "RATE_LIMITING", "Rate limiting"
    SESSION = "SESSION", "Session"
    EMAIL = "EMAIL", "Email"
    SMS = "SMS", "SMS"


class ConfigValueType(TextChoices):
    """What a setting's value is, and so how it is read."""

    STRING = "STRING", "String"
    NUMBER = "NUMBER", "Number"
    BOOLEAN = "BOOLEAN", "Boolean"
    JSON = "JSON", "JSON"
    ARRAY = "ARRAY", "Array"
    DATE = "DATE", "Date"
    TIME = "TIME", "Time"
    DATETIME = "DATETIME", "Date and time"
    EMAIL = "EMAIL", "Email"
    URL = "URL", "URL"
    COLOR = "COLOR", "Color"
    ENUM = "ENUM", "Enum"


class ConfigScope(TextChoices):
    """For whom a value holds; the narrowest wins."""

    SYSTEM = "SYSTEM", "System"
    DISTRICT = "DISTRICT", "District"
    SCHOOL = "SCHOOL", "School"
    USER = "USER", "User"
