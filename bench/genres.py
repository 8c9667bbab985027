"""How much of what real people type the default genre map places, counted over the lists that the tests hold it to."""

from __future__ import annotations

import csv
from pathlib import Path

from tagger.base.records import GenreTagState
from tagger.genres.map import default_map_path, load_map

DATA = Path(__file__).parents[1] / "tests" / "genres" / "data"
LEFT_OVER = (GenreTagState.UNMAPPED, GenreTagState.AMBIGUOUS)


def main() -> None:
    """Print a row per list."""
    genre_map = load_map(default_map_path())

    def placed(tag: str) -> bool:
        return genre_map.match(tag).state not in LEFT_OVER

    def share(name: str, right: int, of: int) -> None:
        print(f"| {name} | {right:,} of {of:,} | {right / of:.2%} |")

    with (DATA / "station_genre_tags.csv").open(encoding="utf-8", newline="") as file:
        station = [(row["genre_tag"], int(row["files"]), row["canonical_genre"]) for row in csv.DictReader(file)]
    with (DATA / "jamendo_genre_tags.tsv").open(encoding="utf-8", newline="") as file:
        jamendo = [(row["tag"], int(row["tracks"])) for row in csv.DictReader(file, delimiter="\t")]
    names = [line.split("\t")[1] for line in (DATA / "id3v1_genres.txt").read_text("utf-8").splitlines()]
    print("| list | placed | share |\n|---|---|---|")
    alike = sum(files for tag, files, genre in station if (genre_map.match(tag).genre or "skip") == genre)
    share("station files, as the station mapped them", alike, sum(files for _, files, _ in station))
    share("ID3v1 names, mapped or skipped", sum(map(placed, names)), len(names))
    share("Jamendo tags, mapped or skipped", sum(n for tag, n in jamendo if placed(tag)), sum(n for _, n in jamendo))


if __name__ == "__main__":
    main()
