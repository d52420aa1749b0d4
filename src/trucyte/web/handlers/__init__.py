"""What answers each page: read through the services, hand the facts to a template."""
