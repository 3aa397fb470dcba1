"""Cohort expressions over a million people and five columns; warm, in process."""

import numpy as np

from varstore.model.columns import Column
from varstore.people.evaluation import evaluate

NUM_PEOPLE = 1_000_000
POPULATIONS = ["AFR", "AMR", "EAS", "EUR", "SAS"]
TERM = "HP:0000819"
EXPRESSIONS = {
    "all five": f"super_pop == 'EUR' and age >= 60 and not smoker and bmi < 30 and phenotype has '{TERM}'",
    "ranges": "super_pop in ('EUR', 'AFR') and 40 <= age < 60 and (smoker or bmi > 30) and phenotype is missing",
    "one text": "super_pop == 'EUR'",
}


def make_columns() -> dict[str, Column]:
    """Columns of every kind but dates, each with people of whom it says nothing; 5,000 distinct cells of terms."""
    rng = np.random.default_rng(5)

    def lacking(share: float) -> np.ndarray:
        return rng.random(NUM_PEOPLE) < share

    terms = [[f"HP:{term:07d}" for term in rng.integers(0, 3000, rng.integers(1, 6))] for _ in range(5000)]
    cells = sorted({";".join(cell) for cell in terms})
    codes = rng.integers(0, len(cells), NUM_PEOPLE).astype(np.int32)
    return {
        "super_pop": Column("text", rng.integers(0, 5, NUM_PEOPLE).astype(np.int32), lacking(0.01), POPULATIONS),
        "age": Column("integer", rng.integers(0, 100, NUM_PEOPLE), lacking(0.02)),
        "smoker": Column("boolean", rng.random(NUM_PEOPLE) < 0.3, lacking(0.1)),
        "bmi": Column("number", rng.normal(25, 4, NUM_PEOPLE), lacking(0.05)),
        "phenotype": Column("text", codes, lacking(0.5), cells),
    }


def expected_members(columns: dict[str, Column]) -> dict[str, int]:
    """How many people each expression is true of, by plain numpy."""
    known = {name: ~column.missing for name, column in columns.items()}
    pop, age, smoker, bmi, cell = (columns[name].values for name in columns)
    has_term = np.array([TERM in text.split(";") for text in columns["phenotype"].categories])[cell]
    middle = known["age"] & (age >= 40) & (age < 60)
    heavy = (known["smoker"] & smoker) | (known["bmi"] & (bmi > 30))
    every = np.all([known[name] for name in known], axis=0)
    return {
        "all five": int((every & (pop == 3) & (age >= 60) & ~smoker & (bmi < 30) & has_term).sum()),
        "ranges": int((known["super_pop"] & np.isin(pop, (0, 3)) & middle & heavy & ~known["phenotype"]).sum()),
        "one text": int((known["super_pop"] & (pop == 3)).sum()),
    }


class Expressions:
    """Text to a mask of people: parsed and evaluated."""

    params = tuple(EXPRESSIONS)
    param_names = ("expression",)
    timeout = 300

    def setup(self, expression: str) -> None:
        self.columns = make_columns()
        found = evaluate(EXPRESSIONS[expression], self.columns, NUM_PEOPLE)
        expected = expected_members(self.columns)[expression]
        assert np.count_nonzero(found) == expected > 0

    def time_expression(self, expression: str) -> None:
        evaluate(EXPRESSIONS[expression], self.columns, NUM_PEOPLE)
