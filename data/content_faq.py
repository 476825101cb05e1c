"""The questions that residents ask and the answers of the community, read from `data/faq`, one file a question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType

from data.content_reading import ContentError, Kind, Text, folded, read_kinds, read_yaml

FAQ_FOLDER = Path(__file__).parent / "faq"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqEntry:
    """One question that residents ask, with its answer (F8)."""

    id: str  # the file's name without .md
    area: str  # one of the areas of the file `areas.yml`
    questions: tuple[str, ...]  # ways people ask it, Chinese and English
    source: Text  # who says so
    date: date  # the day on which the answer was last checked
    answer: Text  # what is said

    @property
    def title(self) -> Text:
        """What it answers, in plain words: the first of the questions in each language."""
        chinese = [question for question in self.questions if not question.isascii()]
        english = [question for question in self.questions if question.isascii()]
        return Text(zh=chinese[0], en=english[0])


_PAGE = re.compile(r"---\n(?P<head>.*?\n)---\n\s*# 中文\n(?P<zh>.*?)\n# English\n(?P<en>.*)\Z", re.DOTALL)


def _faq_entry(path: Path, areas: Mapping[str, Kind]) -> FaqEntry:
    page = _PAGE.match(path.read_text(encoding="utf-8").replace("\r\n", "\n"))
    if page is None or not page["zh"].strip() or not page["en"].strip():
        raise ContentError(
            f"{path}:1: needs a head between two lines `---`, then `# 中文` and `# English`, each with an answer",
            file=str(path),
            line=1,
        )
    head = read_yaml(path, text=page["head"], line_offset=1)
    entry = FaqEntry(
        id=head.key("id"),
        area=head.one_of("area", tuple(areas)),
        questions=head.strings("questions", least=3),
        source=head.text("source"),
        date=head.day("date"),
        answer=Text(zh=page["zh"].strip(), en=page["en"].strip()),
    )
    head.finish()
    if not any(map(str.isascii, entry.questions)) or all(map(str.isascii, entry.questions)):
        raise head.wrong("questions", "needs at least one in Chinese and one in English")
    if entry.id != path.stem:
        raise head.wrong("id", f"must be the name of the file, {path.stem!r}")
    return entry


@cache
def load_faq(folder: Path = FAQ_FOLDER) -> Mapping[str, FaqEntry]:
    """The questions and answers by id, in the order of their files; the areas stand in `areas.yml` beside them.

    Raises:
        ContentError: naming file, line, entry and what to change.
    """
    areas = load_faq_areas(folder)
    entries: dict[str, FaqEntry] = {}
    asked: dict[str, str] = {}
    for path in sorted(folder.glob("*.md")):
        entry = _faq_entry(path, areas)
        entries[entry.id] = entry
        for question in entry.questions:
            other = asked.setdefault(folded(question), entry.id)
            if other != entry.id:
                raise ContentError(
                    f"{path}:1: the question {question!r} stands in {other}.md too; keep it in one",
                    file=str(path),
                    line=1,
                )
    return MappingProxyType(entries)


@cache
def load_faq_areas(folder: Path = FAQ_FOLDER) -> Mapping[str, Kind]:
    """The areas that the questions are sorted into, by key."""
    top = read_yaml(folder / "areas.yml")
    areas = read_kinds(top, "areas")
    top.finish()
    return areas
