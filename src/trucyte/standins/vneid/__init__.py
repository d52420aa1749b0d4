"""A stand-in for the provider that citizens log in with: invented people, never the real one."""
