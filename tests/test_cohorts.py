"""Cohorts: made by expression, column and id; combined; saved; counted."""

import json
import re
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
import varstore as vs
import vcf_text
from reference import assert_same_rows
from varstore.errors import CohortError, CohortExpressionError, UnknownSampleError, WithdrawnSampleError
from varstore.storage import files, manifest, saved_cohorts

NUM_SAMPLES = 13
GROUPS = ["b", "a", "", "c", "a", "b", "a"]


def table_of(names):
    """A table of people in which every column has somebody without a value."""
    lines = ["sample\tsex\tgroup\tage\tsmoker\tperson\tseen\tterms"]
    for i, name in enumerate(names):
        sex = ("male", "female", "")[i % 3]
        age = "" if i % 5 == 4 else str(20 + 7 * i)
        smoker = ("true", "false", "")[i % 3]
        person = "" if i % 4 == 3 else f"P{i // 2}"
        seen = "" if i == 2 else f"20{10 + i}-01-31"
        lines.append("\t".join([name, sex, GROUPS[i % 7], age, smoker, person, seen, ("HP:1;HP:2", "HP:3", "")[i % 3]]))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def fx_made(tmp_path_factory):
    """A repository of people in a table, and its people as the oracle reads them: never to be changed."""
    folder = tmp_path_factory.mktemp("cohorts")
    text = vcf_text.make_vcf(91, 37, NUM_SAMPLES, ploidy="mixed", missing=0.1, half_missing=0.1, max_alts=3,
                             contigs=("1", "22"))  # fmt: skip
    vcf = reference.read_vcf(text)
    table = folder / "people.tsv"
    table.write_text(table_of(vcf.samples))
    vs.create(folder / "repo", vcf_text.write_plain(folder / "a.vcf", text)).set_samples(table)
    return folder / "repo", vcf


@pytest.fixture
def fx_own(fx_made, tmp_path):
    """The same, of one's own."""
    path, vcf = fx_made
    shutil.copytree(path, tmp_path / "repo")
    return tmp_path / "repo", vcf


def people_of(vcf, condition):
    return [i for i in range(len(vcf.samples)) if condition(i)]
