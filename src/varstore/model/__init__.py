"""Values of the domain: regions, alleles, results. No zarr, numba or cyvcf2."""
