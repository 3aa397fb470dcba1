"""From a question to an answer: cohorts, plans, counts, genotypes."""
