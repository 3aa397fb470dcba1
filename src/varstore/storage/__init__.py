"""What is on disk: files, parts, Zarr arrays, batches, derived parts, samples, manifests."""
