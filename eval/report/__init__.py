"""Results as one page to read: tables, heat maps, plots."""
