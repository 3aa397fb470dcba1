"""Repeat the records of a VCF of one contig under new positions, copy after copy, until there are enough.

    python tools/repeat_vcf.py slice.vcf.gz long.vcf.gz --records 400000

Everything else of a record is kept, but INFO/END moves with POS. The output is BGZF and as sorted as the input.
"""

import argparse
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from simulate import write_bgzf

END = re.compile(rb"(^|;)END=(\d+)")
LENGTH = re.compile(rb"length=(\d+)")


class Record(NamedTuple):
    """A line in the pieces that change and those that do not, with the tabs between them."""

    contig: bytes
    position: int
    alleles: bytes  # ID to FILTER
    info: bytes
    calls: bytes


def parse_record(line: bytes) -> Record:
    fields = line.split(b"\t", 8)
    rest = fields[8:] or [b""]
    return Record(fields[0], int(fields[1]), b"\t".join(fields[2:7]), fields[7], *rest)


def read_vcf(path: Path) -> tuple[list[bytes], list[Record]]:
    """Return the header's lines and the records."""
    opener = gzip.open if path.suffix in {".gz", ".bgz"} else open
    with opener(path, "rb") as file:
        lines = file.readlines()
    header = [line for line in lines if line.startswith(b"#")]
    return header, [parse_record(line) for line in lines[len(header) :]]


def move(record: Record, shift: int) -> bytes:
    """Return the line of the record, so many bases further on."""
    info = record.info
    if b"END=" in info:
        info = END.sub(lambda match: b"%bEND=%d" % (match[1], int(match[2]) + shift), info)
    return b"\t".join([record.contig, b"%d" % (record.position + shift), record.alleles, info, record.calls])


def repeat(header: list[bytes], records: list[Record], number: int) -> Iterator[bytes]:
    """Yield the text of so many records; the contig becomes as long as they need."""
    span = records[-1].position - records[0].position + 1
    last = records[-1].position + span * (number // len(records) + 1)
    for line in header:
        if line.startswith(b"##contig=<"):
            line = LENGTH.sub(lambda match: b"length=%d" % max(last, int(match[1])), line)
        yield line
    for index in range(number):
        copy, place = divmod(index, len(records))
        yield move(records[place], copy * span)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="IN.vcf.gz")
    parser.add_argument("out", type=Path, metavar="OUT.vcf.gz")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    header, records = read_vcf(args.source)
    if len({record.contig for record in records}) != 1:
        parser.error(f"{args.source}: the records have to be of one contig")
    write_bgzf(args.out, repeat(header, records, args.records), args.threads)


if __name__ == "__main__":
    main()
