"""HTTP and pages: routes bound from tables, templates, static files; no rules."""
