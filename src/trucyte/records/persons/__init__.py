"""Which Patients are one person: read from Linkages, kept in the commit, followed on reading."""
