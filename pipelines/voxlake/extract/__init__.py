"""Read one window of a history and prove that no row of it was missed."""
