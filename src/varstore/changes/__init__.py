"""Changes of a repository: each makes one new version, all or nothing."""
