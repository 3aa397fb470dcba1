"""Import and counts of a repository of 5,000 variants x 2,000 people; warm, in process, but for the command line."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import varstore as vs

from . import NUM_SAMPLES, NUM_VARIANTS, SPACING, make_codes, sample_names, write_vcf

NUM_COHORTS = 26
FIRST, LAST = 1_100, 3_600  # rows of the region
REGION = f"22:{1 + FIRST * SPACING}-{1 + (LAST - 1) * SPACING}"


def draw_members(seed: int, share: float = 0.3) -> np.ndarray:
    return np.flatnonzero(np.random.default_rng(seed).random(NUM_SAMPLES) < share)


class _Repository:
    """The made-up cohort as a file and as a repository, both in asv's working folder."""

    timeout = 300

    def setup_cache(self) -> dict[str, np.ndarray]:
        """Make both; return what is to be counted, from the plain codes."""
        codes = make_codes()
        write_vcf(Path("cohort.vcf.gz"), codes)
        vs.create("cohort.varstore", "cohort.vcf.gz").close()
        members = [draw_members(seed) for seed in range(NUM_COHORTS)]
        return {
            "everybody": codes.sum((1, 2)),
            "cohorts": np.stack([codes[:, people].sum((1, 2)) for people in members], axis=1),
            "n_het": (codes[:, members[0]].sum(2) == 1).sum(1),
            "n_hom_alt": (codes[:, members[0]].sum(2) == 2).sum(1),
        }


class Import(_Repository):
    """``vs.create``: VCF (BGZF) to a committed repository, synced."""

    number = 1

    def setup(self, expected: dict[str, np.ndarray]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        repo = vs.create(Path(self.folder.name, "first"), "cohort.vcf.gz")
        assert np.array_equal(repo.count_alleles().allele_count, expected["everybody"])
        self.runs = 0

    def teardown(self, expected: dict[str, np.ndarray]) -> None:
        self.folder.cleanup()

    def time_import(self, expected: dict[str, np.ndarray]) -> None:
        self.runs += 1
        vs.create(Path(self.folder.name, str(self.runs)), "cohort.vcf.gz")

    def peakmem_import(self, expected: dict[str, np.ndarray]) -> None:
        self.time_import(expected)


class Count(_Repository):
    """Counts of cohorts of 30 %, at all sites unless it says a region."""

    def setup(self, expected: dict[str, np.ndarray]) -> None:
        names = np.array(sample_names())
        self.repo = vs.open("cohort.varstore")
        self.cohorts = {str(k): self.repo.cohort(names[draw_members(k)].tolist()) for k in range(NUM_COHORTS)}
        self.cohort = self.cohorts["0"]
        own = expected["cohorts"][:, 0]
        table = self.time_genotypes(expected)
        assert np.array_equal(table.n_het, expected["n_het"])
        assert np.array_equal(table.n_hom_alt, expected["n_hom_alt"])
        assert np.array_equal(self.time_alleles(expected).allele_count, own)
        assert np.array_equal(self.time_alleles_of_a_region(expected).allele_count, own[FIRST:LAST])
        assert np.array_equal(self.time_26_cohorts(expected).allele_count, expected["cohorts"].reshape(-1))
        assert np.array_equal(self.time_everybody(expected).allele_count, expected["everybody"])

    def teardown(self, expected: dict[str, np.ndarray]) -> None:
        self.repo.close()

    def time_alleles(self, expected: dict[str, np.ndarray]) -> vs.CountTable:
        return self.repo.count_alleles(cohort=self.cohort)

    def time_alleles_of_a_region(self, expected: dict[str, np.ndarray]) -> vs.CountTable:
        return self.repo.count_alleles(REGION, cohort=self.cohort)

    def time_genotypes(self, expected: dict[str, np.ndarray]) -> vs.CountTable:
        return self.repo.count_genotypes(cohort=self.cohort)

    def time_26_cohorts(self, expected: dict[str, np.ndarray]) -> vs.CountTable:
        return self.repo.count_alleles(cohorts=self.cohorts)

    def time_everybody(self, expected: dict[str, np.ndarray]) -> vs.CountTable:
        """From the stored totals."""
        return self.repo.count_alleles()


class CommandLine(_Repository):
    """Whole processes, interpreter and imports included; numba's cache is warm."""

    def setup(self, expected: dict[str, np.ndarray]) -> None:
        Path("people.txt").write_text("".join(f"{name}\n" for name in np.array(sample_names())[draw_members(0)]))
        lines = self.time_count(expected).splitlines()
        counts = [int(line.split("\t")[lines[0].split("\t").index("allele_count")]) for line in lines[1:]]
        assert len(counts) == LAST - FIRST < NUM_VARIANTS
        assert counts == expected["cohorts"][FIRST:LAST, 0].tolist()

    def time_count(self, expected: dict[str, np.ndarray]) -> str:
        return self.run("count", "cohort.varstore", "-r", REGION, "-S", "people.txt")

    def time_help(self, expected: dict[str, np.ndarray]) -> str:
        return self.run("--help")

    def run(self, *arguments: str) -> str:
        # asv hides PYTHONPATH; without an installed package the folder of ours is named here.
        environment = {**os.environ, "PYTHONPATH": str(Path(vs.__file__).parents[1])}
        command = [sys.executable, "-m", "varstore", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
