"""Statistics of sites, people and cohorts, from counts that add up."""
