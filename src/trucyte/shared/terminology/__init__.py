"""What does this code mean, on this day, and which codes may stand here?

Code systems, value sets and concept maps are resources of the journal like any other;
`Follower` lays them out for asking, `Terminology` answers, `Store` and the loaders write
lists into the journal: the national pack and operators' official files.
"""
