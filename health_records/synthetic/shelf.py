"""Medications in stock."""

import random
from typing import NamedTuple

from health_records.synthetic.calendar import Calendar
from health_records.synthetic.rows import Rows, flag


class Product(NamedTuple):
    """A medication as a school orders it."""

    key: str
    name: str
    generic: str | None
    form: str
    strength: str
    category: str
    refrigerated: bool = False
    controlled: bool = False


PRODUCTS = (
    Product("albuterol", "Ventolin HFA", "Albuterol sulfate", "Inhaler", "90 mcg", "Bronchodilator"),
    Product("albuterol-nebulizer", "Albuterol", "Albuterol sulfate", "Solution", "2.5 mg/3 mL", "Bronchodilator"),
    Product("fluticasone", "Flovent HFA", "Fluticasone propionate", "Inhaler", "44 mcg", "Corticosteroid"),
    Product("montelukast", "Singulair", "Montelukast", "Chewable tablet", "5 mg", "Leukotriene antagonist"),
    Product("methylphenidate", "Ritalin", "Methylphenidate", "Tablet", "10 mg", "Stimulant", controlled=True),
    Product("amphetamine", "Adderall", "Amphetamine salts", "Tablet", "10 mg", "Stimulant", controlled=True),
    Product("guanfacine", "Intuniv", "Guanfacine", "Extended-release tablet", "2 mg", "Alpha-2 agonist"),
    Product("insulin-lispro", "Humalog", "Insulin lispro", "Pen", "100 units/mL", "Insulin", refrigerated=True),
    Product("glucagon", "Baqsimi", "Glucagon", "Nasal powder", "3 mg", "Emergency"),
    Product("epinephrine", "EpiPen", "Epinephrine", "Auto-injector", "0.3 mg", "Emergency"),
    Product("epinephrine-junior", "EpiPen Jr", "Epinephrine", "Auto-injector", "0.15 mg", "Emergency"),
    Product("levetiracetam", "Keppra", "Levetiracetam", "Tablet", "500 mg", "Anticonvulsant"),
    Product("diazepam", "Diastat", "Diazepam", "Rectal gel", "10 mg", "Emergency", controlled=True),
    Product("sertraline", "Zoloft", "Sertraline", "Tablet", "25 mg", "Antidepressant"),
    Product("acetaminophen", "Tylenol", "Acetaminophen", "Tablet", "325 mg", "Analgesic"),
    Product("ibuprofen", "Motrin", "Ibuprofen", "Tablet", "200 mg", "Analgesic"),
    Product("cetirizine", "Zyrtec", "Cetirizine", "Tablet", "10 mg", "Antihistamine"),
    Product("diphenhydramine", "Benadryl", "Diphenhydramine", "Liquid", "12.5 mg/5 mL", "Antihistamine"),
    Product("amoxicillin", "Amoxil", "Amoxicillin", "Suspension", "400 mg/5 mL", "Antibiotic", refrigerated=True),
    Product("lactase", "Lactaid", "Lactase", "Tablet", "9000 units", "Enzyme"),
    Product("pancrelipase", "Creon", "Pancrelipase", "Capsule", "12000 units", "Enzyme"),
    Product("hydrocortisone", "Cortizone-10", "Hydrocortisone", "Cream", "1 %", "Topical"),
    Product("calcium-carbonate", "Tums", "Calcium carbonate", "Chewable tablet", "500 mg", "Antacid"),
    Product("saline", "Saline eye wash", None, "Solution", "0.9 %", "First aid"),
)
CONTROLLED = frozenset(product.key for product in PRODUCTS if product.controlled)
_MANUFACTURERS = ("Northfield Generics", "Alder Pharma", "Halcyon Labs", "Meridian Health")


def stock_shelf(rng: random.Random, calendar: Calendar, rows: Rows, nurse_id: str) -> dict[str, str]:
    """Two lots of each product; some low, some expiring, a few expired. Returns key -> id of the newer lot."""
    ids = {}
    for product in PRODUCTS:
        for newer in (False, True):
            lately = calendar.school_days[-180:] if newer else calendar.school_days[-300:-180]
            arrived = calendar.at(rng.choice(lately), 600)
            minimum = rng.choice((5, 10, 20, 50))
            stock = rng.randrange(minimum + 1) if rng.random() < 0.12 else minimum + rng.randrange(1, 200)
            expires = calendar.now + (rng.randrange(60, 800) if newer else rng.randrange(-60, 120))
            ids[product.key] = rows.audited(
                *("medications", arrived, nurse_id, product.name, product.generic, product.form, product.strength),
                rng.choice(_MANUFACTURERS) if rng.random() < 0.9 else None,
                f"00{rng.randrange(100, 1000)}-{rng.randrange(1000, 10000)}-{rng.randrange(10, 100)}",
                *(product.category, flag(product.refrigerated), flag(product.controlled), str(stock), str(minimum)),
                *(calendar.at(expires, 0).text if product.key != "saline" else None, lot_number(rng)),
                flag(newer or expires > calendar.now),
            )
    return ids


def lot_number(rng: random.Random) -> str:
    """Two letters and four digits."""
    letters = "ABCDEFGHJKLMNPRSTUVWXY"
    return f"{rng.choice(letters)}{rng.choice(letters)}{rng.randrange(10_000):04}"
