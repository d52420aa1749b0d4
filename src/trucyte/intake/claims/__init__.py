"""Social-insurance claims XML: envelopes, tables, mapping, rules, the life of a visit."""
