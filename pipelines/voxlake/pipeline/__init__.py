"""The runs: export, audit, replay and status."""
