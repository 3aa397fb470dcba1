"""Who is kin to whom, and where everybody falls: kinship, families, LD, axes, runs of homozygosity."""
