"""Names of people and places, with the diacritics, apostrophes and hyphens that real rosters have."""

import random
import unicodedata


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FEMALE = _words("""
    Abigail Adaeze Aisha Alejandra Alicia Amara Amélie Ana Anaïs Andrea Anjali Astrid Ava Beatriz Bianca Camila
    Charlotte Chloé Clara Daniela Destiny D'Asia Eleni Elif Elizabeth Emma Esmé Fatima Fiona Gabriela Grace
    Guadalupe Hannah Harper Hélène Imani Inês Ingrid Isabella Jasmine Josephine Júlia Kateryna Keisha Khadija
    Lakshmi Leilani Linh Lucía Madison Maeve Malia María Mariam Mei Mia Nadia Naomi Ngọc Nia Nokomis Noor Olivia
    Oluwaseun Penelope Priya Quinn Rania Renée Rosa Ruth Saoirse Sarah Scarlett Shanice Sigrún Siobhán Sofía
    Sophia Søs Tamika Tatiana Thảo Valentina Victoria Wren Xiomara Yara Yesenia Yuki Zahra Zoë Zuri
""")
MALE = _words("""
    Aarav Adam Ahmed Aiden Alejandro Amir Andrés Anthony Arjun Benjamin Björn Caleb Carlos Chinedu Christopher
    Connor D'Angelo D'Andre Daniel David Dmitri Elijah Emiliano Ethan Étienne Felipe François Gabriel George
    Giovanni Håkon Henry Hiroshi Hugo Ian Ibrahim Isaac Jackson Jamal Javier Jayden Jesús João José Joshua Juan
    Julián Kai Kenji Kofi Kwame Leo Levi Liam Lucas Łukasz Luis Malik Marcus Mateo Matthew Miguel Minh Mohammed
    Muhammad Nathan Nikolai Noah Omar Oscar Owen Patrick Pedro Rafael Raúl Ravi René Samuel Santiago Sebastián
    Seán Sebastian Tariq Théo Thomas Tomás Trung Tyrone Víctor Wei William Xavier Yaw Yusuf Zachary
""")
LAST = _words("""
    Abbott Abdi Acosta Adams Adeyemi Aguilar Ahmed Alexander Allen Alvarado Álvarez Anderson Andersson Ångström
    Araújo Avila Bailey Baker Banerjee Barnes Begay Bell Bennett Bianchi Blackwood Boateng Bondarenko Brennan
    Brooks Brown Bryant Bui Butler Cabrera Campbell Cardoso Carter Castillo Castro Chang Charles Chávez Chen
    Chowdhury Clark Cohen Coleman Collins Cooper Cortés Cox Cruz Cunningham D'Amico D'Souza Daniels Davis
    Delgado DeLeon Diallo Díaz Dixon Đặng Doyle Dubois Duran Edwards Eriksson Espinoza Estrada Evans Fernández
    Ferreira Fischer Fitzgerald Flores Foster Fraser Freeman García Gardner Ghosh Gibson Gómez Gonçalves
    González Graham Gray Green Grønlund Guerrero Gupta Gutiérrez Guzmán Hall Hamilton Hansen Harris Hassan Hayes
    Henderson Hernández Herrera Hill Hoang Horvat Howard Huang Hughes Hussain Ibáñez Ibrahim Ito Ivanov Jackson
    James Jensen Jiménez Johnson Jones Jordan Joseph Kaplan Kaur Kelly Kennedy Khan Kim King Kowalski Kumar Lam
    Lambert Larsen Le Lee Lefèvre Leung Lewis Li Lim Little Liu Long Lopes López Löwe Lynch Mackenzie Malik
    Martin Martínez Matsumoto McCarthy McDonald Medina Mehta Mendoza Meyer Miller Mitchell Mohamed Molina
    Montoya Moore Morales Moreno Morgan Morris Müller Muñoz Murphy Nakamura Navarro Ndiaye Nelson Nguyễn Nielsen
    Novák Núñez Nwosu O'Brien O'Connor O'Donnell O'Malley O'Neill O'Sullivan Obi Ochoa Okafor Okonkwo Oliveira
    Ortega Ortiz Owens Öztürk Pacheco Padilla Papadopoulos Park Parker Patel Peña Pereira Pérez Peters Petrović
    Pham Phillips Pineda Popescu Powell Price Quiñones Ramírez Ramos Rao Reed Reyes Ribeiro Richardson Ríos
    Rivera Roberts Robinson Rodríguez Rogers Rojas Romero Rosen Ross Rossi Ruiz Russell Ryan Saavedra Salazar
    Sánchez Sanders Santos Sato Schäfer Schmidt Schneider Scott Şahin Shah Sharma Silva Simmons Singh Škoda
    Smith Soto St-Pierre Stewart Suárez Sullivan Suzuki Tanaka Taylor Tesfaye Thomas Thompson Torres Tran Traoré
    Tremblay Tsosie Tucker Turner Valdez Vargas Vásquez Vega Vincent Volkov Wagner Walker Wallace Wang Ward
    Washington Watson Weber Whitehorse Williams Wilson Wójcik Wong Wood Wright Wu Yamamoto Yang Yazzie
    Young Zając Zamora Zhang Zhao Zimmerman Żukowski
""")
# Towns that are on no map: name, state, ZIP code prefix, area code.
TOWNS = (
    ("Cedar Valley", "TX", "750", "214"),
    ("Maple Ridge", "OH", "441", "216"),
    ("San Aurelio", "CA", "921", "619"),
    ("Pine Hollow", "NC", "275", "919"),
    ("Lake Winona Falls", "MN", "559", "507"),
    ("Cañon del Río", "NM", "870", "505"),
    ("St. Brendan's", "MA", "018", "978"),
    ("Coeur Vert", "LA", "705", "337"),
    ("Juniper Flats", "CO", "805", "970"),
    ("Harbor Point", "WA", "982", "360"),
)
STREETS = ("Oak", "Maple", "Elm", "Washington", "Lincoln", "Cesar Chavez", "O'Hara", "Prairie", "Mission", "Chestnut")
STREET_KINDS = ("St", "Ave", "Ln", "Dr", "Ct", "Rd")
SCHOOL_NAMES = (
    "Washington",
    "Lincoln",
    "Roosevelt",
    "Frida Kahlo",
    "Sacagawea",
    "Harriet Tubman",
    "Cesar Chavez",
    "Rosa Parks",
    "Katherine Johnson",
    "Ellen Ochoa",
    "Thurgood Marshall",
    "Amelia Earhart",
    "Duke Ellington",
    "Maya Angelou",
    "Benjamin Franklin",
    "José Martí",
    "Ada Lovelace",
    "Florence Nightingale",
    "Rachel Carson",
    "Sequoyah",
    "Clara Barton",
    "Mark Twain",
    "Emily Dickinson",
    "Langston Hughes",
)
# What Unicode does not take apart.
_PLAIN = str.maketrans(
    {
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "'": "",
        "-": "",
        " ": "-",
    }
)


def ascii_name(name: str) -> str:
    """The name as an email address spells it: `Łukasz` -> `lukasz`, `O'Brien` -> `obrien`."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    return "".join(letter for letter in decomposed if letter.isascii() and (letter.isalnum() or letter == "-")).lower()


def last_name(rng: random.Random) -> str:
    """A surname, one in twelve of them double-barrelled."""
    name = rng.choice(LAST)
    return f"{name}-{rng.choice(LAST)}" if rng.random() < 1 / 12 else name


def street_address(rng: random.Random) -> str:
    """A house number and a street."""
    return f"{rng.randint(1, 9899)} {rng.choice(STREETS)} {rng.choice(STREET_KINDS)}"


def phone(rng: random.Random, area: str) -> str:
    """A number of the exchange 555, which reaches nobody."""
    return f"({area}) 555-{rng.randrange(10_000):04}"
