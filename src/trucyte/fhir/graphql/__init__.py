"""GraphQL over FHIR (R4, FHIR-GraphQL): a document becomes a checked plan, a plan an answer.

Pure: resources are read and searched through a `Loader`, which has the caller's permission.
"""
