"""The record of a person as documents: the summary one carries, and documents for others.

Legal basis: Law on Medical Examination and Treatment 15/2023/QH15, a patient's right to a
summary of the record (the article is recalled, not verified). The summary has the sections
of HL7's International Patient Summary 1.1 and holds valid base R4; IPS's own profiles are not
among this node's packages, so it is not claimed that it conforms to them.
"""
