"""Settings over HTTP: see docs/api.md."""
