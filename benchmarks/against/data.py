"""The data that is measured on."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL_VCF = ROOT.parent / "shared/data/real/1kg_p3_chr22_16-16.5mb.vcf.gz"


@dataclass(frozen=True)
class Dataset:
    """A VCF to measure on: its size, 100 kb of it, and where it is from.

    The real one is there; others are simulated with these options of tools/simulate.py, or repeat another's records.
    """

    name: str
    variants: int
    people: int
    region: str = ""
    options: tuple[str, ...] = ()
    repeats: "Dataset | None" = None

    def __str__(self) -> str:
        kind = "1000 Genomes chr22" if REAL in (self, self.repeats) else "simulated"
        kind += " repeated" if self.repeats else ""
        if self.options:
            name, value = self.options[:2]
            kind += f", {float(value):.0%} missing" if name == "--missing" else f" {value}"
        return f"{kind}, {self.variants:,} x {self.people:,}"


QUICK = Dataset("quick", 4_000, 1_000, "22:100,001-200,000")
SIM10K = Dataset("sim10k", 50_000, 10_000, "22:1,000,001-1,100,000")
MERGE = Dataset("merge", 70_000, 10_000)  # each half of the people has some 50,000 of the sites
SIM100K = Dataset("sim100k", 80_000, 100_000, "22:500,001-600,000")
REAL = Dataset("1kg", 6_109, 2_504, "22:16,200,001-16,300,000")
REAL_X66 = Dataset("1kg-x66", 400_000, 2_504, repeats=REAL)
FOUR = ("--format", "GT:GQ:DP:AD", "--missing", "0.02")
FIVE = ("--format", "GT:GQ:DP:AD:PL", "--missing", "0.02")
MISSING10K = Dataset("missing10k", 50_000, 10_000, options=("--missing", "0.02"))
QUICK_MISSING = Dataset("quick-missing", 4_000, 1_000, options=("--missing", "0.02"))
FIELDS = Dataset("fields", 20_000, 2_500, options=FOUR)
FIVE_FIELDS = Dataset("five-fields", 20_000, 2_500, options=FIVE)
QUICK_FIELDS = Dataset("quick-fields", 1_500, 100, options=FOUR)
QUICK_FIVE_FIELDS = Dataset("quick-five-fields", 1_500, 100, options=FIVE)
QUICK_X2 = Dataset("quick-x2", 6_000, 1_000, repeats=QUICK)
# Made by the task itself: synthetic sites in 100 batches, 5 of the small one.
LOOKUP = Dataset("ten-million", 10_000_000, 200)
QUICK_LOOKUP = Dataset("quick-lookup", 20_000, 20)
# Made by the task itself: synthetic sites of 22 chromosomes.
GENOME = Dataset("genome", 10_000_000, 40)
QUICK_GENOME = Dataset("quick-genome", 20_000, 10)
# Made by the task itself: random calls of everybody at the sites of a sketch.
SKETCH = Dataset("sketch", 16_384, 100_000)
QUICK_SKETCH = Dataset("quick-sketch", 2_000, 500)
