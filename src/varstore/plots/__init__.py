"""Pictures of results, for where people look rather than read (matplotlib)."""
