"""Symbolic alleles of a genome: equal ends or nothing, and never a match of two that do not say where they end."""

import pytest

import varstore as vs
import vcf_text

META = """\
##fileformat=VCFv4.3
##contig=<ID=22,length=51304566>
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">
##INFO=<ID=SIG,Number=1,Type=String,Description="Significance">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"""
OTHERS = [
    "100 A <DEL> END=500;SVLEN=-400",
    "700 AT <DEL> .",
    "800 A <INS> END=800",
    "900 A <DUP> SVLEN=50",
    "950 AT A .",
    "1000 A <INS> SVLEN=30",
    "2000 A <CN0>,<CN2> END=3000",
    "4000 A A[22:5000[ .",
]
MINE = {
    "100 A <DEL> END=500": "found",
    "100 A <DEL> END=501;SVLEN=-401": "none",
    "100 A <DUP> END=500;SVLEN=400": "none",
    "700 AT <DEL> .": "unseen",
    "800 A <INS> .": "unseen",
    "900 A <DUP> SVLEN=50": "found",
    "900 A <DUP> SVLEN=51": "none",
    "950 A <DEL> END=951;SVLEN=-1": "none",
    "1000 A <INS> SVLEN=30": "found",
    "1000 A <INS> SVLEN=31": "none",
    "2000 A <CN2> END=3000": "found",
    "4000 A A[22:5000[": "found",
    "4000 A A[22:5001[": "none",
}


def write(path, lines, names):
    text = META + "\tFORMAT\t" + "\t".join(names) + "\n"
    for line in lines:
        position, ref, alt, *info = line.split()
        calls = ["1/2" if "," in alt else "0/1"] * len(names)
        row = ["22", position, ".", ref, alt, ".", "PASS", *(info or ["."]), "GT", *calls]
        text += "\t".join(row) + "\n"
    return vcf_text.write_plain(path, text)


@pytest.fixture
def fx_repo(tmp_path):
    return vs.create(tmp_path / "repo", write(tmp_path / "a.vcf", OTHERS, ["p", "q"]))


def states(table):
    rows = zip(table["position"].tolist(), table["alt"].tolist(), table["state"].tolist(), strict=True)
    return sorted(rows)


@pytest.mark.parametrize("absent", ["unknown", "reference"])
def test_states(fx_repo, tmp_path, absent):
    """What has other ends is nobody's: unseen, or novel where absent people are reference."""
    fx_repo.batch(fx_repo.info()["batches"][0]["id"], absent=absent)
    found = fx_repo.compare_genome(write(tmp_path / "me.vcf", MINE, ["me"]), hwe=True)
    none = "novel" if absent == "reference" else "unseen"
    lines = [(*line.split()[:3], none if state == "none" else state) for line, state in MINE.items()]
    assert states(found.variants) == sorted((int(p), alt, state) for p, _, alt, state in lines)
    (told,) = [text for text in found.summary["problems"] if "symbolic" in text]
    assert told.startswith("2 symbolic alleles have neither END nor SVLEN")
    table = found.variants
    vague = [i for i, p in enumerate(table["position"].tolist()) if p in (700, 800)]
    assert table["allele_number"][vague].tolist() == [0, 0]
    assert table["hwe_p_value"][vague].tolist() == pytest.approx([float("nan")] * 2, nan_ok=True)


def test_of_somebody_of_the_repository(fx_repo):
    table = fx_repo.compare_genome("p").variants
    found = dict(zip(table["position"].tolist(), table["state"].tolist(), strict=True))
    assert found == {position: "unseen" if position in (700, 800) else "found" for position in found}
    assert len(found) == len(OTHERS)


def test_regions_reach_to_the_end(fx_repo, tmp_path):
    mine = write(tmp_path / "me.vcf", MINE, ["me"])
    inside = fx_repo.compare_genome(mine, region="22:450-480").variants
    assert states(inside) == states(fx_repo.compare_genome(mine, region="22:100").variants)
    assert len(inside) == 3
    assert fx_repo.compare_genome(mine, region="22:501-510").variants["position"].tolist() == [100]
    member = fx_repo.compare_genome("p", region="22:2500-2600").variants
    assert sorted(member["alt"].tolist()) == ["<CN0>", "<CN2>"]


def test_annotations_are_of_equal_ends(fx_repo, tmp_path):
    sites = META + "\n"
    for line in ("100 A <DEL> END=500;SIG=bad", "700 AT <DEL> SIG=worse"):
        position, ref, alt, info = line.split()
        sites += f"22\t{position}\t.\t{ref}\t{alt}\t.\t.\t{info}\n"
    path = vcf_text.write_plain(tmp_path / "sites.vcf", sites)
    table = fx_repo.compare_genome(write(tmp_path / "me.vcf", MINE, ["me"]), annotate=[f"{path}:SIG"]).variants
    assert sorted(table["SIG"].tolist())[-2:] == [".", "bad"]
