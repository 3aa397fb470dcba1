"""Records out of a repository again: VCF, BCF, VCF Zarr, PLINK 2."""
