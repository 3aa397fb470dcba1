"""One personal genome against a repository: reading it, matching it, what is said of its variants."""
