"""One genome against the whole repository."""
