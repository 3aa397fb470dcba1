"""What is said of people: tables and their readers, cohort expressions, vocabularies."""
