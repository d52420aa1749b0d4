"""What persons agreed to, what they ask of those who keep their data, and how long that is kept.

Consents are FHIR Consents in the journal: given for one purpose under one text, provable by the
text's hash, withdrawn by one act. Requests under Law 91/2025 run against the clocks of the law.
Erasure is decided here: what must be kept by law is restricted instead, and says by which article.
"""
