"""What keeps a node safe over the years: its keys, and checks of what it holds."""
