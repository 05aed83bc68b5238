"""What the admin's sidebar and front page show: the records in a nurse's words, as far as her role opens them."""

import datetime as dt
from typing import Any

from django.apps import apps
from django.db.models import F
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from configuration.declared import SYSTEM_NAME
from core import access
from core.admin.site import site
from core.models import Student
from health_records.models import Appointment, Medication

# Heading, then (model, icon of Material Symbols); a list goes by its model's verbose_name_plural, here as on its page.
GROUPS = [
    (
        "Students",
        [
            ("core.Student", "face"),
            ("health_records.EmergencyContact", "emergency"),
            ("core.Contact", "contact_phone"),
        ],
    ),
    (
        "Today",
        [
            ("health_records.Appointment", "calendar_today"),
            ("health_records.MedicationLog", "medication_liquid"),
            ("health_records.IncidentReport", "personal_injury"),
            ("health_records.VitalSigns", "monitor_heart"),
        ],
    ),
    (
        "Health file",
        [
            ("health_records.HealthRecord", "folder_shared"),
            ("health_records.Allergy", "allergy"),
            ("health_records.ChronicCondition", "stethoscope"),
            ("health_records.StudentMedication", "prescriptions"),
            ("health_records.Vaccination", "vaccines"),
            ("health_records.Screening", "visibility"),
            ("health_records.GrowthMeasurement", "height"),
        ],
    ),
    ("Stock", [("health_records.Medication", "medication")]),
    (
        "Organization",
        [
            ("core.User", "badge"),
            ("core.School", "school"),
            ("core.District", "location_city"),
        ],
    ),
    (
        "System",
        [
            ("configuration.SystemConfiguration", "settings"),
            ("configuration.ConfigurationHistory", "history"),
        ],
    ),
]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of links that the user's role opens. No query."""
    return [
        {"title": title, "separator": True, "items": items}
        for title, models in GROUPS
        if (
            items := [
                {"title": plural(model), "icon": icon, "link": changelist(model)}
                for model, icon in models
                if "view" in access.rights(request.user, model)
            ]
        )
    ]


def plural(model: str) -> str:
    """What the records of a model are called."""
    return capfirst(str(apps.get_model(model)._meta.verbose_name_plural))


def changelist(model: str) -> str:
    """The address of a model's list."""
    return reverse(f"admin:{model.lower().replace('.', '_')}_changelist")


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The user's day and the shelf, in two queries, and the sidebar's links."""
    panels = []
    if "change" in access.rights(request.user, Appointment):
        panels.append(_appointments(request))
    if "change" in access.rights(request.user, Medication):
        panels.append(_low_stock())
    return {
        **context,
        "title": SYSTEM_NAME.get(),
        "find_student_url": changelist("core.Student") if "view" in access.rights(request.user, Student) else "",
        "panels": panels,
        "links": [{"title": group["title"], "items_allowed": group["items"]} for group in sidebar(request)],
    }


def _appointments(request: HttpRequest) -> dict[str, Any]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    appointments = (
        Appointment.objects.for_user(request.user)
        .filter(nurse_id=request.user.pk, scheduled_at__gte=midnight, scheduled_at__lt=midnight + dt.timedelta(days=1))
        .select_related("student")
        .order_by("scheduled_at")[:10]
    )
    return {
        "title": "Your appointments today",
        "nothing": "None.",
        "lines": [
            {
                "url": reverse("admin:health_records_appointment_change", args=[appointment.pk]),
                "name": site.label(appointment.student),
                "fact": date_format(timezone.localtime(appointment.scheduled_at), "H:i"),
            }
            for appointment in appointments
        ],
    }


def _low_stock() -> dict[str, Any]:
    medications = Medication.objects.filter(is_active=True, stock_quantity__lte=F("minimum_stock")).order_by(
        "stock_quantity", "minimum_stock"
    )[:10]
    return {
        "title": "Medications to order",
        "nothing": "None is low.",
        "lines": [
            {
                "url": reverse("admin:health_records_medication_change", args=[medication.pk]),
                "name": str(medication),
                "fact": f"{medication.stock_quantity} of at least {medication.minimum_stock}",
            }
            for medication in medications
        ],
    }


def system_name(request: HttpRequest) -> str:
    """The site's title: the setting SYSTEM_NAME."""
    return SYSTEM_NAME.get()


def icon(request: HttpRequest) -> str:
    """The address of the white cross."""
    return static("whitecross/cross.svg")


def stylesheet(request: HttpRequest) -> str:
    """The address of what Unfold's stylesheet lacks."""
    return static("whitecross/admin.css")


def script(request: HttpRequest) -> str:
    """The address of what Unfold's pages lack for assistive technology."""
    return static("whitecross/admin.js")
