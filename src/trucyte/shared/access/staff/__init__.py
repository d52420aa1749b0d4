"""People at the pages: accounts, what proves who one is, sessions, the review of rights.

Nothing here knows HTTP. What is done is told to a `Noting`, which the trail is behind.
"""
