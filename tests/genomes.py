"""Genomes for tests: what a person carries, as ``varstore.genome`` takes it, read plainly from a VCF of the oracle."""

import numpy as np

import person_oracle
import reference
from varstore.genome.carried import Carried
from varstore.storage.keys import key_of


def carried_of(repo, vcf, name, *, sex="unknown", member=True):
    """What a person of a VCF carries, with counts over the others of that VCF."""
    person = vcf.samples.index(name)
    rows = []
    for record, code, alt in person_oracle.alleles(vcf):
        call = [c for c in record.codes[person].tolist() if c != reference.FILL]
        if code not in call or reference.MISSING in call:
            continue
        count, number = person_oracle.counts(record, code)
        copies = call.count(code)
        how = "het" if copies < len(call) else "hom" if copies > 1 else "hemi"
        key, digest = key_of(record.pos, record.ref, alt)
        rows.append(
            (repo.contigs.index(record.contig), record.pos, record.ref, alt, key, digest, how, count - copies,
             number - len(call))
        )  # fmt: skip
    columns = list(zip(*rows, strict=True)) or [()] * 9
    dtypes = (np.int64, np.int64, object, object, np.uint64, np.uint64, object, np.int64, np.int64)
    arrays = [np.array([*column, None], dtype)[:-1] if dtype is object else np.array(column, dtype)
              for column, dtype in zip(columns, dtypes, strict=True)]  # fmt: skip
    number = repo.samples.index(name) if member else None
    return Carried(name, number, sex, *arrays, np.ones(len(rows), np.bool_))


STATES = np.array(["novel", "found"], object)


def comparison_of(repo, carried, **options):
    """A summary and a table of variants, as ``compare_genome`` gives them, of a genome of an oracle's VCF."""
    from varstore.genome import person, whole
    from varstore.model.results import CountTable

    found = carried.allele_count > 0
    classes = np.array([*person.CLASSES, None], object)[person.classes_of(carried.allele_count, carried.allele_number)]
    table = CountTable(
        {
            "contig": np.array([*repo.contigs, None], object)[carried.contig], "position": carried.position.copy(),
            "ref": carried.ref.copy(), "alt": carried.alt.copy(), "zygosity": carried.zygosity.copy(),
            "state": STATES[found.astype(int)], "allele_count": carried.allele_count.copy(),
            "allele_number": carried.allele_number.copy(), "n_hom_alt": np.zeros(len(carried), np.int64),
            "rarity": classes,
        }
    )  # fmt: skip
    summary = {
        "sample": carried.sample, "file": f"{carried.sample}.vcf.gz", "assembly": "GRCh37", "num_alleles": len(carried),
        "states": {"found": int(found.sum()), "novel": int((~found).sum()), "unseen": 0, "not_callable": 0},
        "problems": [], "asked": {"filters": None, "region": None}, "varstore_version": "0",
        "repository": {"name": repo.path.name, "version": repo.version, "num_people": repo.num_samples - 1,
                       "uuid": repo.info()["uuid"]},
    }  # fmt: skip
    return summary | whole.describe(repo, carried, **options), table
