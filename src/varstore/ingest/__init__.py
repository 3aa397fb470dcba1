"""From a file to a staged batch: sources, the scanner's records, sites, the import."""
