"""Who is meant: relatives in any region's words, 小王, 李医生, a name one gives oneself (U1)."""

from __future__ import annotations

from collections.abc import Iterator

from nlu.numbers import fold, pattern, words
from nlu.understanding import Entity

_RELATIONS: dict[str, str] = {
    "女儿": "女儿 闺女 囡囡 囡 姑娘 妹崽 女子 丫头 阿囡 囡女",
    "儿子": "儿子 崽 仔 仔仔 伢子 小子 娃 娃儿 幺儿 大小子 孩儿 儿",
    "孩子": "孩子 孩子们 小孩 娃娃 细路",
    "女婿": "女婿 姑爷",
    "儿媳": "儿媳 儿媳妇 媳妇儿 新妇 媳妇 心抱",
    "孙子": "孙子 大孙子 小孙子 孙儿 乖孙",
    "孙女": "孙女 孙女儿 小孙女 大孙女",
    "外孙": "外孙 外孙子 外甥囝",
    "外孙女": "外孙女 外孙女儿",
    "老伴": "老伴 老伴儿 老头子 老头儿 老头 老太婆 老太太 老婆子 老婆婆 爱人 当家的 屋里人 内人 那口子",
    "丈夫": "丈夫 老公 先生 男人 外子 孩子他爸 孩子他爹 孩他爸 孩他爹 娃他爸 娃他爹 孩儿他爸 孩儿他爹",
    "妻子": "妻子 老婆 太太 婆娘 堂客 孩子他妈 孩子他娘 孩他妈 孩他娘 娃他妈 娃他娘 孩儿他妈 孩儿他娘",
    "父亲": "父亲 爸爸 爸 爹 老爸 阿爸 老汉 老爹 老爷子 爹爹 老豆 爷老头子",
    "母亲": "母亲 妈妈 妈 娘 老妈 阿妈 姆妈 老娘 老太 老母",
    "爷爷": "爷爷 祖父 阿爷 大大",
    "奶奶": "奶奶 祖母 阿奶 嫲嫲 娭毑",
    "外公": "外公 姥爷 阿公",
    "外婆": "外婆 姥姥 阿婆 家婆",
    "公公": "公公 老公公",
    "婆婆": "婆婆",
    "岳父": "岳父 老丈人 丈人",
    "岳母": "岳母 丈母娘 丈母",
    "哥哥": "哥哥 大哥 二哥 三哥 哥 阿哥 老哥",
    "弟弟": "弟弟 老弟 二弟 弟 阿弟 小弟",
    "姐姐": "姐姐 大姐 二姐 三姐 姐 阿姐 家姐 老姐",
    "妹妹": "妹妹 小妹 二妹 妹 阿妹 老妹",
    "嫂子": "嫂子 嫂嫂 大嫂 阿嫂",
    "弟媳": "弟媳 弟媳妇 弟妹 弟妇",
    "姐夫": "姐夫 妹夫",
    "侄子": "侄子 侄儿 侄女 阿侄",
    "外甥": "外甥 外甥女",
    "舅妈": "舅妈 舅母",
    "舅舅": "舅舅 大舅 二舅 娘舅 舅",
    "姑姑": "姑姑 姑妈 大姑 姑",
    "姨": "姨 姨妈 大姨 小姨 姨母",
    "叔叔": "叔叔 二叔 三叔 叔 大伯 伯伯 伯父",
    "邻居": "邻居 隔壁邻居 邻舍 街坊 对门邻居",
    "保姆": "保姆 护工 阿姨 护理员 月嫂 小保姆",
    "亲家": "亲家 亲家母",
    "亲戚": "亲戚 家里人 家人 家属",
    "朋友": "朋友 老朋友 老姐妹 老同事 同学 室友",
    "医生": "医生 家庭医生 主治医生",
}
_RELATION_OF = {word: relation for relation, words in _RELATIONS.items() for word in words.split()}
_ALONE = frozenset(
    words(
        "女儿 闺女 儿子 女婿 儿媳 儿媳妇 孙子 孙女 外孙 外孙女 老伴 老伴儿 老头子 老太婆 丈夫 老公 妻子 老婆 父亲 爸爸 老爸 母亲 妈妈 老妈 姆妈 爷爷 奶奶 外公 外婆 姥姥 姥爷 "
        "岳父 岳母 老丈人 丈母娘 哥哥 弟弟 姐姐 妹妹 嫂子 姐夫 侄子 侄女 外甥 外甥女 舅舅 姑姑 邻居 保姆 护工 亲家 孙女儿 外孙子 孩子他爸 孩子他爹 孩他爸 孩他爹 娃他爸 娃他爹 孩儿他爸 孩儿他爹 孩子他妈 孩子他娘 孩他妈 孩他娘 娃他妈 娃他娘 孩儿他妈 孩儿他娘 弟媳 弟媳妇 姑妈 姨妈 舅妈 大伯 大孙子 小孙子 媳妇 家里人 家属 家人 幺儿 囡囡"
    )
)
_MINE = r"(?:我们?|俺们?|咱们?|阿拉|我哋|他|她|人家)(?:家|屋里|屋头)?(?:的|那个?|个)?"
_ORDER = r"(?:大|小|二|三|四|老[大二三四幺]?|幺|亲|乖)?"
_WORDS = "|".join(sorted(_RELATION_OF, key=len, reverse=True))
_MY = pattern(rf"({_MINE})({_ORDER})({_WORDS})(?!童|样|品|们)")
_KIN = pattern(
    rf"(大|小|二|三|四|老大|老二|幺)?({'|'.join(sorted(_ALONE, key=len, reverse=True))})(?!童|节|样|均)"
)
_EN_RELATIONS = {
    "daughter": "女儿", "son": "儿子", "wife": "妻子", "husband": "丈夫", "mother": "母亲", "mom": "母亲", "mum": "母亲",
    "father": "父亲", "dad": "父亲", "grandson": "孙子", "granddaughter": "孙女", "grandmother": "奶奶", "grandma": "奶奶",
    "grandfather": "爷爷", "grandpa": "爷爷", "brother": "哥哥", "sister": "姐姐", "neighbour": "邻居", "neighbor": "邻居",
    "mother-in-law": "岳母", "father-in-law": "岳父", "sister-in-law": "嫂子", "brother-in-law": "姐夫", "granny": "奶奶",
    "aunt": "姨", "uncle": "叔叔", "boy": "儿子", "girl": "女儿", "daughter-in-law": "儿媳", "son-in-law": "女婿", "nephew": "侄子", "niece": "侄女", "doctor": "医生", "carer": "保姆",
    "caregiver": "保姆", "nurse": "护士", "friend": "朋友", "family": "家人", "partner": "老伴", "child": "孩子", "kids": "孩子",
}  # fmt: skip
_EN_WORDS = "|".join(sorted(_EN_RELATIONS, key=len, reverse=True))
_EN_MY = pattern(
    rf"\b(?:my|our|his|her)\s(?:(?:older|younger|elder|eldest|youngest|big|little|next[- ]door|old)\s)?({_EN_WORDS})\b"
)
_EN_BARE = pattern(r"(?<![a-z'])(mom|mum|mummy|dad|daddy|grandma|grandpa|granny)(?![a-z])")
_EN_SELF = pattern(
    r"(?<![a-z])(?:my name(?:'s| is)|(?:i am|i'm) called|they call me|this is|here is)\s(?P<n>[a-z]{2,15}(?:\s[a-z]{2,15})?)"
)
_EN_TITLE = pattern(
    r"\b(dr|doctor|mr|mrs|ms|miss|nurse|officer|auntie|aunt|uncle|master|granny|teacher)\.?\s([a-z]{2,15})\b"
)
_EN_NOT_NAME = frozenset(
    words(
        "is was will can said to and or in at on for who appointment visit has the a an my about please came come"
    )
)

_SURNAMES = (
    "王李张刘陈杨赵吴周徐孙朱胡郭何罗梁宋郑谢韩唐冯邓曹彭曾肖萧蔡潘袁董余苏叶吕魏蒋杜丁沈姜范傅钟卢汪戴崔任陆廖姚邱夏贾邹谭韦侯邵孟薛阎郝邢顾"
    "俞翁严施柯龚庄葛凌盛翟樊倪殷詹耿焦鲍岳祝辛阮褚骆聂项"
)
_DOUBTFUL = "高林黄马于程田石金方白毛江尹史龙段雷钱汤黎易常武乔贺赖文洪温柳熊秦覃牛章涂华路申左安宁"
_COMPOUND = "欧阳|司马|诸葛|上官|皇甫|令狐|司徒|东方|尉迟|公孙|慕容"
_S = rf"(?:{_COMPOUND}|[{_SURNAMES}])"
_ANY_S = rf"(?:{_COMPOUND}|[{_SURNAMES}{_DOUBTFUL}])"
_TITLES = words(
    "医生 大夫 医师 护士长 护士 主任 师傅 老师 阿姨 叔叔 大叔 大爷 大妈 大娘 奶奶 爷爷 婆婆 公公 阿婆 阿公 书记 经理 站长 队长 警官 民警 律师 社工 主管 院长 所长 管家 网格员 "
    "网格长 科长 处长 局长 校长 教授 会计 大姐 大哥 大嫂 嫂子 姐姐 哥哥 先生 女士 小姐 太太 同志 伯伯 大伯 婶子 婶婶 婶 伯 叔 姨 嫂 姐 哥 妹 工 总 姑娘 保安 店长 组长 楼长 楼栋长 志愿者 "
    "老太太 老太 老爷子 老人家 老先生 师父 助理 客服 秘书 干事 委员 理发师 厨师 电工 水工 妈 爸"
)
_TITLE = "|".join(sorted(_TITLES, key=len, reverse=True))
_TITLED = pattern(
    rf"(?P<s>{_ANY_S})(?P<given>[\u4e00-\u9fff]{{1,2}}?(?=医生|大夫|护士|主任|师傅|老师|阿姨|书记|经理|律师|先生|女士|大爷|大妈|奶奶|爷爷|同志|警官))?"
    rf"(?P<t>{_TITLE})(?!作|程|具|厂|人[^家]|资|业|地|会|部|是|院|共|结|数|站|寓|租|楼|路|婆|爷|姨|妹|妈|爸|叔)"
)
_SHORT_TITLES = frozenset(words("婶 伯 叔 姨 嫂 姐 哥 妹 工 总 妈 爸"))
_NICK = pattern(
    rf"(?P<p>小|老|阿)(?P<s>{_S}|[{_DOUBTFUL}])(?P<t>师傅|医生|大夫|护士|老师|同志|先生|主任|阿姨|姐|哥|叔|伯)?"
)
_NICK_NOT = pattern(
    r"(?<=[小老]余)额|(?<=[小老]叶)[子片紫]|(?<=小任)务|(?<=小夏)[天令]|(?<=小周)[末期]|(?<=[小老]范)围|(?<=[小老]胡)[子同]|(?<=老姜)[片汤汁]|(?<=小丁)[点丁]|(?<=小苏)打"
    r"|(?<=小项)目|(?<=老严)[重厉]|(?<=[小老]王)[子八]|(?<=小杜)鹃|(?<=小钟)[头点]|(?<=小陆)地|(?<=小罗)卜|(?<=老傅)里|(?<=[小老]曾)经|(?<=[小老]何)[时必处]|(?<=小郑)重|(?<=[小老]孙)[子女]"
    r"|(?<=老任)务|(?<=老盛)|(?<=小凌)晨|(?<=老凌)晨"
)
_NICK_AFTER = pattern(
    r"$|[,。!?、 :;]|师傅|医生|[他她来在说给去是帮打修和跟吗呢啊吧呀人不没今明昨上下到你我找也都就住那什怎]|电话|同志|什么|怎么|的电话|的手机"
)
_NAMED = pattern(
    rf"(?:我叫|名叫|名字[叫是:]|姓名[是:]?|叫做|本人是?|联系人[是:]?|我是)\s?(?P<n>{_ANY_S}(?P<g>[\u4e00-\u9fff]{{1,2}}))"
)
_SURNAME_ONLY = pattern(rf"(?:我|免贵|本人|他|她)姓({_ANY_S})")
_GIVEN_NOT = frozenset("住是在今的,家从想要和跟有来电手，也啊呀呢吧了师医大先女老经主阿奶爷护")
_NO_GIVEN = frozenset("其他这那各位哪每的们和跟是个找叫")
_NAME_OK_AFTER_IS = pattern(r"$|[,。!? 住家电手，、来在想要]")


def _entity(text: str, kind: str, value: object, start: int, end: int, /, **extra: object) -> Entity:
    return Entity(entity=kind, value=value, text=text[start:end], start=start, end=end, extra=extra)


def find_persons(text: str) -> list[Entity]:
    """The persons of a message: value is the relation (女儿) or the name with its title (李医生); `extra` tells
    which, and `self` is true where the speaker says their own name. Never raises."""
    folded = fold(text)
    found = list(_persons(text, folded))
    found.sort(key=lambda entity: (entity.start, entity.start - entity.end))
    kept: list[Entity] = []
    for entity in found:
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
    return kept


def _persons(text: str, folded: str) -> Iterator[Entity]:
    if any("a" <= c <= "z" for c in folded):
        yield from _english_persons(text, folded)
    if folded.isascii():
        return
    for match in _MY.finditer(folded):
        relation = _RELATION_OF[match[3]]
        prefix = match[1]
        # 我家 is a place of its own, so the person begins after it
        start = match.start(2) if "家" in prefix or "屋" in prefix else match.start()
        yield _entity(text, "person", relation, start, match.end(), relation=relation)
    for match in _KIN.finditer(folded):
        relation = _RELATION_OF[match[2]]
        yield _entity(text, "person", relation, match.start(), match.end(), relation=relation)
    yield from _named_persons(text, folded)


def _named_persons(text: str, folded: str) -> Iterator[Entity]:
    for match in _NICK.finditer(folded):
        end = match.end()
        if match["t"] is None:
            if _NICK_NOT.match(folded, end) or (
                match["s"] in _DOUBTFUL and not _NICK_AFTER.match(folded, end)
            ):
                continue
            if match["p"] == "阿" and not _NICK_AFTER.match(folded, end):
                continue
        name = folded[match.start() : end]
        yield _entity(text, "person", name, match.start(), end, name=name, surname=match["s"])
    for match in _TITLED.finditer(folded):
        if match["t"] in _SHORT_TITLES and (
            match["s"] in _DOUBTFUL or (match.start() and folded[match.start() - 1] in "大小老阿")
        ):
            continue
        given = match["given"]
        if given and (match["s"] in _DOUBTFUL or any(character in _NO_GIVEN for character in given)):
            continue
        name = folded[match.start() : match.end()]
        yield _entity(
            text, "person", name, match.start(), match.end(), name=name, surname=match["s"], title=match["t"]
        )
    for match in _NAMED.finditer(folded):
        name = match["n"]
        while name and name[-1] in _GIVEN_NOT:
            name = name[:-1]
        end = match.start("n") + len(name)
        if len(name) >= 2 and (not match[0].startswith("我是") or _NAME_OK_AFTER_IS.match(folded, end)):
            own = match[0].startswith(("我", "本人", "名", "姓"))
            yield _entity(text, "person", name, match.start("n"), end, name=name, self=own)
    for match in _SURNAME_ONLY.finditer(folded):
        own = match[0][0] not in "他她"
        yield _entity(
            text, "person", match[1], match.start(1), match.end(), name=match[1], surname=match[1], self=own
        )


def _english_persons(text: str, folded: str) -> Iterator[Entity]:
    for match in _EN_MY.finditer(folded):
        relation = _EN_RELATIONS[match[1]]
        yield _entity(text, "person", relation, match.start(), match.end(), relation=relation)
    for match in _EN_BARE.finditer(folded):
        relation = _EN_RELATIONS.get(match[1].removesuffix("my")) or _EN_RELATIONS[match[1][:3]]
        yield _entity(text, "person", relation, match.start(), match.end(), relation=relation)
    for match in _EN_SELF.finditer(folded):
        end = match.end("n")
        while end > match.start("n") and not text[match.start("n") : end].istitle():
            end = max(text.rfind(" ", match.start("n"), end), match.start("n"))
        name = text[match.start("n") : end]
        # this is Mary Wang names a person, this is Monday does not
        if name and (" " in name or match[0].startswith("my name")):
            yield _entity(text, "person", name, match.start("n"), end, name=name, self=True)
    for match in _EN_TITLE.finditer(folded):
        if match[2] not in _EN_NOT_NAME and match[2] not in _EN_RELATIONS:
            name = text[match.start() : match.end()]
            yield _entity(text, "person", name, match.start(), match.end(), name=name)
