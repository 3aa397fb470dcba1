"""``varstore stats``: the tables of the library, and what it refuses."""

import json

import pytest

import reference
import stats_oracle
import varstore as vs


def rows(text):
    header, *lines = text.splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_sites_and_people_of_one_pass(fx_small, fx_cli, tmp_path):
    ids = fx_small.ids([2, 7, 11])
    people_file, sites_file = tmp_path / "people.tsv", tmp_path / "sites.tsv"
    options = ["-r", "22,X", "-s", ",".join(ids), "-f", "PASS,.", "--midp"]
    done = fx_cli("stats", fx_small.path, *options, "--per-sample", people_file, "-o", sites_file)
    assert done.stdout == ""
    asked = {"region": ["22", "X"], "samples": ids, "filters": "PASS,."}
    sites, people = vs.open(fx_small.path).stats(midp=True, **asked)
    assert sites_file.read_text() == "".join(sites.to_tsv())
    assert people_file.read_text() == "".join(people.to_tsv())
    assert fx_cli("stats", fx_small.path, *options).stdout == sites_file.read_text()
    assert fx_cli("stats", fx_small.path, *options[:-1], "--samples-only").stdout == people_file.read_text()


def test_cohorts(fx_small, fx_cli, tmp_path):
    members = {"one": [0, 1, 2], "two": [2, 3]}
    for name, people in members.items():
        (tmp_path / name).write_text("".join(f"{sample}\n" for sample in fx_small.ids(people)))
    cohorts = [f"--cohort={name}=@{tmp_path / name}" for name in members]
    done = fx_cli("stats", fx_small.path, *cohorts, "--format", "json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    expected = stats_oracle.variant_rows(fx_small.vcf.records, cohorts=members)
    assert len(found) == len(expected) > 0
    for row, other in zip(found, expected, strict=True):
        assert row.keys() == other.keys()
        for name, value in other.items():
            if value != value:
                assert row[name] is None
            else:
                assert row[name] == (pytest.approx(value) if isinstance(value, float) else value), name
    alone = fx_cli("stats", fx_small.path, cohorts[0], "--samples-only").stdout
    assert [row["sample"] for row in rows(alone)] == sorted(fx_small.ids([0, 1, 2]), key=fx_small.vcf.samples.index)


def test_what_is_missing_is_a_dot(fx_small, fx_cli):
    found = rows(fx_cli("stats", fx_small.path, "-r", "HLA-A*01:01:01:01").stdout)
    records = reference.overlapping(fx_small.vcf.records, [("HLA-A*01:01:01:01", 1, None)])
    expected = stats_oracle.variant_rows(records)
    untested = [row["hwe_p_value"] != row["hwe_p_value"] for row in expected]
    assert any(untested)
    assert [row["hwe_p_value"] == "." for row in found] == untested


def test_refused(fx_small, fx_cli, tmp_path):
    ids = tmp_path / "ids"
    ids.write_text(f"{fx_small.vcf.samples[0]}\n")
    for options, text in {
        ("--samples-only", "--per-sample", "x"): "leave --per-sample and --midp out",
        ("--samples-only", "--midp"): "leave --per-sample and --midp out",
        ("--samples-only", f"--cohort=@{ids}", f"--cohort=b=@{ids}"): "of one cohort",
        ("--per-sample", "x", "-o", "x"): "named for both tables",
        ("-s", fx_small.vcf.samples[0], f"--cohort=@{ids}"): "not both",
        ("-s", "nobody"): "no sample 'nobody'",
        ("-r", "77"): "no contig",
        ("-f", "nofilter"): "no filter 'nofilter'",
        ("--per-sample", str(tmp_path / "no" / "folder")): "cannot be written",
    }.items():
        done = fx_cli("stats", fx_small.path, *options, status=1)
        assert text in done.stderr, options
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
