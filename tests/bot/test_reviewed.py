from __future__ import annotations

from pathlib import Path

import pytest

from bot.evaluation.rows import DATA, read_rows
from bot.reviewed import reviewed_rows, with_reviewed
from bot.training import TRIAGE_DATA
from bot.triage.training import read_examples
from server.errors import BadInput

HEAD = "lang\tlevel\tcategory\ttext\n"


def table(folder: Path, *rows: str, name: str = "reviewed.tsv") -> Path:
    (folder / name).write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder


def test_they_stand_beside_the_shipped_examples(tmp_path: Path) -> None:
    table(
        tmp_path,
        'en\thard\tC10\tflames behind the fridge of unit seven"s kitchen',
        "es\tnone\tC00\tqué buen fuego hay en la parrilla hoy",
    )
    shipped = read_examples(TRIAGE_DATA, [])
    with with_reviewed(TRIAGE_DATA, tmp_path) as folder:
        both = read_examples(folder, [])
    assert [(row.level, row.category) for row in both if row not in shipped] == [("hard", "fire"), ("none", "")]
    with with_reviewed(TRIAGE_DATA, None) as folder:
        assert folder == TRIAGE_DATA


def test_what_stands_in_a_test_set_is_not_learned(tmp_path: Path) -> None:
    tested = read_rows(DATA / "triage" / "emergencies.tsv", "text")[0]["text"]
    table(tmp_path, f"en\thard\tC01\t{tested.upper()}", "en\thard\tC10\tmy shed is burning")
    assert [row["text"] for row in reviewed_rows(tmp_path)] == ["my shed is burning"]


def test_the_apostrophe_of_the_spreadsheet_goes(tmp_path: Path) -> None:
    table(tmp_path, "en\thard\tC10\t'+1 fire", "en\tnone\tC00\t'tis a nice day")
    assert [row["text"] for row in reviewed_rows(tmp_path)] == ["+1 fire", "'tis a nice day"]


@pytest.mark.parametrize("row", ["en\tterrible\tC10\tfire", "en\thard\tC99\tfire", "en\thard\tC10\t ", "en\thard\tC10"])
def test_a_row_that_says_nothing_we_know_is_named(tmp_path: Path, row: str) -> None:
    with pytest.raises(BadInput, match=r"reviewed.tsv, row 3"):
        reviewed_rows(table(tmp_path, "en\thard\tC10\tfire", row))


def test_no_folder_and_no_columns(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder"):
        reviewed_rows(tmp_path / "none")
    (tmp_path / "odd.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    with pytest.raises(BadInput, match="lacks the columns"):
        reviewed_rows(tmp_path)
