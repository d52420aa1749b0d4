"""What the node answers beside FHIR and pages: doors of claims, health, figures, OpenAPI."""
