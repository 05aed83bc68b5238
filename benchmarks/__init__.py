"""What is measured; see docs/benchmarks.md. Each module is a command: `python -m benchmarks.<module>`."""
