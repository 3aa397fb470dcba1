"""Several batches with policies, covered sets and ploidies: counts against the rules said slowly, and bcftools."""

import json
import random
import shutil
import subprocess
import warnings

import pytest

import varstore as vs
import vcf_text
from denominator_oracle import absence
from reference import assert_same_rows, read_vcf
from union_oracle import BatchOf, make_batches, union_rows
from varstore.errors import DenominatorWarning, InputError, QueryError

PAR = {"GRCh38": [(10001, 2781479)], None: None}
TABLE = ["21", "X"]


def counted(repo, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)
        return repo.count_genotypes(**options)


def around_par(text, rng, men):
    """The same batch with X where PAR1 of GRCh38 begins; outside it men have one copy, and some people no calls."""
    lines = []
    names = next(line for line in text.splitlines() if line.startswith("#CHROM")).split("\t")[9:]
    silent = {name for name in names if rng.random() < 0.4}
    for line in text.splitlines():
        fields = line.split("\t")
        if line.startswith("X\t"):
            fields[1] = str(int(fields[1]) + 9_980)
            fields[7] = "." if fields[7] == "." else f"END={int(fields[7][4:]) + 9_980}"
            inside = int(fields[1]) > 10_000
            for i, name in enumerate(names):
                if name in silent and not inside:
                    fields[9 + i] = "./."
                elif name in men and not inside and rng.random() < 0.9:
                    fields[9 + i] = fields[9 + i].replace("|", "/").split("/")[0]
        lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"


def bed_of(rng, spelled):
    """A BED of some intervals, and what they are; they overlap, and stand in no order."""
    intervals = []
    for contig, offset in (("21", 0), ("X", 9_980)):
        for _ in range(rng.randint(1, 4)):
            start = offset + rng.randint(0, 40)
            intervals.append((contig, start, start + rng.randint(1, 12)))
    rng.shuffle(intervals)
    text = "".join(f"{spelled}{contig}\t{start}\t{end}\tname\n" for contig, start, end in intervals)
    return text, intervals


@pytest.mark.parametrize("seed", range(6))
def test_counts_with_policies_are_those_of_the_rules(tmp_path, seed):
    """Each batch has a policy, a BED or none, and people of known, half known or unknown sex."""
    rng = random.Random(seed)
    assembly = rng.choice(["GRCh38", None])
    texts = make_batches(seed, 4, contigs=TABLE)
    repo, batches, people = None, [], []
    for number, text in enumerate(texts):
        names = [f"b{number}s{i}" for i in range(3)]
        sexes = {name: rng.choice(["male", "female", "unknown"]) for name in names}
        text = around_par(text, rng, {name for name in names if sexes[name] == "male"})
        source = vcf_text.write_plain(tmp_path / f"{number}.vcf", text)
        options = {"absent": rng.choice(["unknown", "reference", "reference"])}
        if rng.random() < 0.7:
            rows = "".join(f"{name}\t{sex}\n" for name, sex in [*sexes.items(), ("stranger", "female")])
            (tmp_path / f"{number}.tsv").write_text(f"sample_id\tsex\n{rows}")
            options["samples"] = tmp_path / f"{number}.tsv"
        else:
            sexes = {}
        intervals = None
        if rng.random() < 0.5:
            bed, intervals = bed_of(rng, rng.choice(["", "chr"]))
            options["callable"] = tmp_path / f"{number}.bed"
            options["callable"].write_text(bed)
        if repo is None:
            repo = vs.create(tmp_path / "repo", source, assembly=assembly, **options)
        else:
            repo.add(source, **options)
        vcf = read_vcf(text)
        absent = absence(vcf, par=PAR[assembly], sexes=sexes, bed=intervals)
        batches.append(BatchOf(vcf, absent if options["absent"] == "reference" else None))
        people.append(list(range(3 * number, 3 * number + 3)))
    assert_same_rows(counted(repo), union_rows(batches, people, TABLE))
    half = repo.samples[1::2]
    rows = counted(repo, cohorts={"all": repo.samples, "half": half})
    assert [n for n, name in zip(rows["n_missing"], rows["cohort"], strict=True) if name == "all"] == list(
        counted(repo)["n_missing"]
    )
    assert list(counted(repo, samples=half)["allele_number"]) == [
        n for n, name in zip(rows["allele_number"], rows["cohort"], strict=True) if name == "half"
    ]
    assert repo.verify() == []
    # Every policy again by a change of it.
    for number, entry in enumerate(repo.info()["batches"]):
        policy = "reference" if entry["absent"] == "unknown" else "unknown"
        assert repo.batch(entry["id"], absent=policy)["absent"] == policy
        bed = tmp_path / f"{number}.bed"
        intervals = None
        if bed.exists():
            lines = [line.split() for line in bed.read_text().splitlines()]
            intervals = [(contig.removeprefix("chr"), int(start), int(end)) for contig, start, end, _ in lines]
        sexes = {}
        if (tmp_path / f"{number}.tsv").exists():
            sexes = dict(line.split("\t") for line in (tmp_path / f"{number}.tsv").read_text().splitlines()[1:])
        absent = absence(batches[number].vcf, par=PAR[assembly], sexes=sexes, bed=intervals)
        batches[number].absent = absent if policy == "reference" else None
    assert_same_rows(counted(repo), union_rows(batches, people, TABLE))
    assert repo.verify() == []


def diploid(number, positions, rng, num_samples=4):
    """A batch of SNVs with its own sites."""
    names = "\t".join(f"p{number}n{i}" for i in range(num_samples))
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=22,length=1000>"]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + names)
    for position in positions:
        calls = "\t".join(rng.choice(["0/0", "0/1", "1/1", "0|1", "./."]) for _ in range(num_samples))
        lines.append(f"22\t{position}\t.\tA\tC\t.\t.\t.\tGT\t{calls}")
    return "\n".join(lines) + "\n"


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")
def test_reference_is_what_bcftools_merge_missing_to_ref_says(tmp_path):
    rng, files, repo = random.Random(11), [], None
    for number in range(4):
        text = diploid(number, sorted(rng.sample(range(1, 200), 60)), rng)
        files.append(tmp_path / f"{number}.vcf.gz")
        vcf_text.write_bgzf(files[-1], text)
        subprocess.run(["bcftools", "index", files[-1]], check=True)
        if repo is None:
            repo = vs.create(tmp_path / "repo", files[-1], absent="reference")
        else:
            repo.add(files[-1], absent="reference")
    merged = subprocess.run(
        ["bcftools", "merge", "--missing-to-ref", "-Ov", *files], check=True, capture_output=True, text=True
    ).stdout
    from reference import count_rows

    found, expected = counted(repo), count_rows(read_vcf(merged).records)
    assert len(expected) > 100
    assert_same_rows(found, expected)


def test_a_new_policy_is_a_new_version_and_the_old_one_stays(tmp_path):
    rng = random.Random(2)
    for number in range(2):
        vcf_text.write_plain(tmp_path / f"{number}.vcf", diploid(number, [10 + number, 50], rng))
    repo = vs.create(tmp_path / "repo", tmp_path / "0.vcf")
    repo.add(tmp_path / "1.vcf")
    before = counted(repo).to_pandas().to_dict("list")
    old = vs.open(tmp_path / "repo")
    name = repo.info()["batches"][0]["id"]
    (tmp_path / "a.bed").write_text("chr22\t0\t20\n")
    entry = repo.batch(name[:6], absent="reference", callable=tmp_path / "a.bed")
    assert repo.version == 3
    assert entry["absent"] == "reference"
    assert entry["covered"]["callable"]["name"] == "a.bed"
    # A program that would take them for unknown has to refuse.
    assert "absent-reference" not in old.manifest.document["reader_features"]
    assert "absent-reference" in repo.manifest.document["reader_features"]
    after = counted(repo).to_pandas().to_dict("list")
    assert after["position"] == [10, 11, 50]
    assert after["n_missing"][1] == before["n_missing"][1] - 4
    assert after["allele_number"][1] == before["allele_number"][1] + 8
    assert counted(old).to_pandas().to_dict("list") == before
    assert counted(vs.open(tmp_path / "repo", version=2)).to_pandas().to_dict("list") == before
    # Ploidies are made once; a later change of the BED alone needs no new ones.
    parts = [entry["part"]["path"] for entry in repo.manifest.derived if entry["kind"] == "ploidy"]
    (tmp_path / "b.bed").write_text("22\t900\t901\n")
    repo.batch(name, callable=tmp_path / "b.bed")
    assert [entry["part"]["path"] for entry in repo.manifest.derived if entry["kind"] == "ploidy"] == parts
    assert counted(repo).to_pandas().to_dict("list") == before
    assert repo.verify() == []


def test_errors_leave_nothing_behind(tmp_path):
    vcf_text.write_plain(tmp_path / "0.vcf", diploid(0, [10], random.Random(1)))
    (tmp_path / "far.bed").write_text("22\t0\t1001\n")
    (tmp_path / "other.bed").write_text("21\t0\t10\n")
    (tmp_path / "strangers.tsv").write_text("sample\tsex\nx\tmale\n")
    for options, words in [
        ({"callable": tmp_path / "far.bed"}, "contig 22 has 1,000 bases"),
        ({"callable": tmp_path / "other.bed"}, "none of its contigs"),
        ({"callable": tmp_path / "no.bed"}, "cannot be read"),
        ({"samples": tmp_path / "strangers.tsv"}, "names none of the samples"),
        ({"absent": "maybe"}, "expected unknown or reference"),
        ({"min_ref_gq": -1}, "expected 0 or more"),
    ]:
        with pytest.raises((InputError, QueryError), match=words):
            vs.create(tmp_path / "repo", tmp_path / "0.vcf", **options)
        assert not (tmp_path / "repo").exists()
    repo = vs.create(tmp_path / "repo", tmp_path / "0.vcf")
    files = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="contig 22 has 1,000 bases"):
        repo.batch(repo.info()["batches"][0]["id"], absent="reference", callable=tmp_path / "far.bed")
    with pytest.raises(QueryError, match="no such batch; there are"):
        repo.batch("zzz", absent="reference")
    assert sorted(tmp_path.rglob("*")) == files
    assert repo.version == 1


def test_two_changes_of_one_batch_both_hold(tmp_path, monkeypatch):
    """Another writer changes the policy after our parts were made: ours are made again."""
    from varstore.storage import files

    vcf_text.write_plain(tmp_path / "0.vcf", diploid(0, [10], random.Random(1)))
    repo = vs.create(tmp_path / "repo", tmp_path / "0.vcf")
    name = repo.info()["batches"][0]["id"]
    (tmp_path / "a.bed").write_text("22\t0\t20\n")
    link, raced = files.link_new, []

    def late(source, target):
        if not raced:
            raced.append(True)
            vs.open(tmp_path / "repo").batch(name, absent="reference")
        link(source, target)

    monkeypatch.setattr(files, "link_new", late)
    entry = repo.batch(name, callable=tmp_path / "a.bed")
    assert repo.version == 3
    assert entry["absent"] == "reference"
    assert entry["covered"]["callable"]["name"] == "a.bed"
    assert len(list((tmp_path / "repo" / "coverage").iterdir())) == 1
    assert repo.verify() == []


GVCF = """\
##fileformat=VCFv4.2
##contig=<ID=22,length=1000>
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tg
22\t1\t.\tA\t<NON_REF>\t.\t.\tEND=20\tGT:GQ:DP\t0/0:30:9
22\t21\t.\tA\tC,<NON_REF>\t.\t.\t.\tGT:GQ:DP\t0/1:30:9
22\t22\t.\tA\t<NON_REF>\t.\t.\tEND=40\tGT:GQ:DP\t0/0:15:9
22\t41\t.\tA\t<NON_REF>\t.\t.\tEND=60\tGT:GQ:DP\t0/0:50:0
"""


def test_a_gvcf_answers_for_itself(tmp_path):
    vcf_text.write_plain(tmp_path / "g.vcf", GVCF)
    vcf_text.write_plain(tmp_path / "0.vcf", diploid(0, [5, 21, 22, 30, 41, 50, 70], random.Random(1)))
    repo = vs.create(tmp_path / "repo", tmp_path / "0.vcf", absent="reference")
    alone = dict(zip(*(counted(repo)[name].tolist() for name in ("position", "allele_number")), strict=True))
    repo.add(tmp_path / "g.vcf")
    entry = repo.info()["batches"][1]
    assert (entry["absent"], entry["covered"]["min_ref_gq"]) == ("reference", 20)

    def added():
        table = counted(repo)
        rows = zip(table["position"].tolist(), table["allele_number"].tolist(), strict=True)
        return {position: number - alone[position] for position, number in rows}

    assert added() == {5: 2, 21: 2, 22: 0, 30: 0, 41: 0, 50: 0, 70: 0}
    repo.batch(entry["id"], min_ref_gq=15)
    assert added() == {5: 2, 21: 2, 22: 2, 30: 2, 41: 0, 50: 0, 70: 0}
    (tmp_path / "a.bed").write_text("22\t10\t100\n")
    repo.batch(entry["id"], callable=tmp_path / "a.bed")
    assert added() == {5: 0, 21: 2, 22: 2, 30: 2, 41: 0, 50: 0, 70: 0}
    repo.batch(entry["id"], absent="unknown")
    assert added() == {5: 0, 21: 2, 22: 0, 30: 0, 41: 0, 50: 0, 70: 0}
    assert repo.verify() == []


def test_info_counts_people_of_unknown_ploidy(tmp_path, fx_cli):
    """A batch on X whose people have no call there, and whose sex is known of one only."""
    text = diploid(0, [10, 20], random.Random(1)).replace("ID=22", "ID=X").replace("\n22\t", "\nX\t")
    text = "".join(
        "\t".join([*line.split("\t")[:9], *["./."] * 4]) + "\n" if line.startswith("X\t") else line
        for line in text.splitlines(keepends=True)
    )
    vcf_text.write_plain(tmp_path / "x.vcf", text)
    (tmp_path / "people.tsv").write_text("#IID\tSEX\tage\np0n1\t2\t40\np0n2\t\t9\n")
    fx_cli("create", tmp_path / "repo", tmp_path / "x.vcf", "--assembly", "hg38", "--absent", "reference",
           "--samples", tmp_path / "people.tsv")  # fmt: skip
    done = fx_cli("info", tmp_path / "repo")
    assert "ploidy of 3 samples on X outside PAR is unknown" in done.stdout
    shown = json.loads(fx_cli("batch", tmp_path / "repo", "--json").stdout)
    assert shown[0]["unknown_ploidy"] == {"X outside PAR": 3}
    done = fx_cli("batch", tmp_path / "repo", shown[0]["id"], "--absent", "unknown")
    assert "absent    unknown" in done.stdout
    assert "version 2" in done.stderr
    assert "name the batch to change" in fx_cli("batch", tmp_path / "repo", "--absent", "unknown", status=1).stderr


def test_a_table_and_a_bed_may_fit_some_of_the_inputs_only(tmp_path):
    """Files of one add with other people, and other contigs in their headers; columns of a table are kept."""
    rng = random.Random(1)
    one = diploid(0, [10, 20], rng)
    two = one.replace("ID=22", "ID=21").replace("\n22\t", "\n21\t")
    files = [vcf_text.write_plain(tmp_path / f"{i}.vcf", text) for i, text in enumerate((one, two))]
    files.append(vcf_text.write_plain(tmp_path / "2.vcf", diploid(1, [15], rng)))
    (tmp_path / "a.bed").write_text("22\t0\t12\n")
    (tmp_path / "a.tsv").write_text("sample\tsex\t.a/b\tage\np0n1\tF\tx\t7\np0n3\t1\t\t8\n")
    repo = vs.create(tmp_path / "repo", *files, absent="reference", callable=tmp_path / "a.bed",
                     samples=tmp_path / "a.tsv")  # fmt: skip
    assert repo.num_samples == 8
    assert len(repo.info()["batches"]) == 2
    assert repo.samples[:4] == ["p0n0", "p0n1", "p0n2", "p0n3"]
    said = {row[0]: row[1:] for row in (line.rstrip("\n").split("\t") for line in repo.sample_table().to_tsv())}
    assert said["sample"] == ["sex", ".a/b", "age"]
    assert said["p0n1"] == ["female", "x", "7"]
    assert said["p0n3"] == ["male", ".", "8"]
    assert said["p0n0"] == [".", ".", "."]
    assert repo.verify() == []


def test_a_plan_keeps_the_options(tmp_path):
    vcf_text.write_plain(tmp_path / "0.vcf", diploid(0, [10], random.Random(1)))
    (tmp_path / "a.bed").write_text("22\t0\t20\n")
    (tmp_path / "a.tsv").write_text("sample\tsex\np0n1\tF\n")
    repo = vs.create(tmp_path / "repo")
    plan = repo.plan(tmp_path / "0.vcf", absent="reference", callable=tmp_path / "a.bed", samples=tmp_path / "a.tsv")
    for partition in range(plan.num_partitions):
        repo.run_partition(plan, partition)
    repo.commit(plan)
    (entry,) = repo.info()["batches"]
    assert entry["absent"] == "reference"
    assert entry["covered"]["callable"]["num_intervals"] == 1
    assert repo.verify() == []


class Dead(BaseException):
    """The process is gone: nothing may catch this and go on."""


OPERATIONS = ("write_new", "replace", "link_new", "move_folder", "sync_folder", "make_folder", "remove")


@pytest.mark.parametrize("error", [Dead, OSError(28, "No space left on device")])
def test_a_change_of_policy_that_fails_at_any_file_operation(tmp_path, monkeypatch, error):
    """Whatever operation is the last: the policy is as it was or as it was wished, and can be changed again."""
    from varstore.storage import files

    vcf_text.write_plain(tmp_path / "g.vcf", GVCF)
    vcf_text.write_plain(tmp_path / "0.vcf", diploid(0, [5, 30, 70], random.Random(1)))
    (tmp_path / "a.bed").write_text("22\t0\t10\n")
    repo = vs.create(tmp_path / "repo", tmp_path / "0.vcf")
    repo.add(tmp_path / "g.vcf", absent="unknown")
    before = counted(repo).to_pandas().to_dict("list")
    name = repo.info()["batches"][1]["id"]
    derived = sorted((tmp_path / "repo" / "derived").iterdir())
    real, state = {operation: getattr(files, operation) for operation in OPERATIONS}, {"left": 0}

    def failing(operation):
        def run(*arguments):
            state["left"] -= 1
            if state["left"] == 0 or (state["left"] < 0 and error is Dead):
                raise error  # the dead do no cleaning up
            return real[operation](*arguments)

        return run

    tried = 0
    while vs.open(tmp_path / "repo").version == 2:
        tried += 1
        state["left"] = tried
        assert counted(vs.open(tmp_path / "repo")).to_pandas().to_dict("list") == before
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for operation in OPERATIONS:
                patch.setattr(files, operation, failing(operation))
            try:
                vs.open(tmp_path / "repo").batch(name, absent="reference", callable=tmp_path / "a.bed")
            except (Dead, OSError):
                if error is not Dead and vs.open(tmp_path / "repo").version == 2:
                    assert not list((tmp_path / "repo").glob("coverage/*"))
                    assert sorted((tmp_path / "repo" / "derived").iterdir()) == derived
    assert tried > 40
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = vs.open(tmp_path / "repo")
    assert counted(after)["allele_number"].tolist() == [before["allele_number"][0] + 2, *before["allele_number"][1:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after.batch(name, min_ref_gq=15)
    assert after.verify() == []


def test_a_store_of_somebody_else_has_no_policy(fx_small, tmp_path, fx_cli):
    vs.open(fx_small.path).export(tmp_path / "a.vcz")
    assert "foreign" in fx_cli("batch", tmp_path / "a.vcz").stdout
    done = fx_cli("batch", tmp_path / "a.vcz", "foreign", "--absent", "reference", status=1)
    assert "not written by varstore" in done.stderr


def test_a_least_quality_of_blocks_that_are_not_there_is_refused(tmp_path):
    vcf_text.write_plain(tmp_path / "0.vcf", diploid(0, [5, 30, 70], random.Random(1)))
    repo = vs.create(tmp_path / "repo", tmp_path / "0.vcf")
    with pytest.raises(QueryError, match="no reference blocks"):
        repo.batch(repo.info()["batches"][0]["id"], min_ref_gq=15)
    assert vs.open(tmp_path / "repo").version == 1
