"""The one mapping table between claims XML and FHIR R4, read in both directions.

`tables/` holds it as data, one row a field. What is written is always read back at once:
where the reading differs from the text as sent, the text travels beside the resource, so
XML to FHIR to XML gives every field of every table back.
"""

from trucyte.intake.claims.mapping.table_mapping import TableMapping

__all__ = ["TableMapping"]
