"""Settings: how fast they are read, beside two libraries, and how soon a change is seen.

usage: python -m benchmarks.settings_speed
"""

import django

from benchmarks import settings_reading, settings_visibility

if __name__ == "__main__":
    django.setup()
    settings_reading.main(rounds=20)
    settings_visibility.main(samples=200)
