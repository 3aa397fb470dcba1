"""The data that is measured on."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL_VCF = ROOT.parent / "shared/data/real/1kg_p3_chr22_16-16.5mb.vcf.gz"


@dataclass(frozen=True)
class Dataset:
    """A VCF to measure on, its size, and 100 kb of it; the real one is there, others simulated."""

    name: str
    variants: int
    people: int
    region: str

    def __str__(self) -> str:
        kind = "1000 Genomes chr22" if self == REAL else "simulated"
        return f"{kind}, {self.variants:,} x {self.people:,}"


QUICK = Dataset("quick", 4_000, 1_000, "22:100,001-200,000")
SIM10K = Dataset("sim10k", 50_000, 10_000, "22:1,000,001-1,100,000")
SIM100K = Dataset("sim100k", 80_000, 100_000, "22:500,001-600,000")
REAL = Dataset("1kg", 6_109, 2_504, "22:16,200,001-16,300,000")
