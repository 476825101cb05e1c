"""Numbers as people say and type them: Chinese numerals, digits spelled one by one, full-width forms."""

from __future__ import annotations

import re

DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "幺": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_SCORES = {"廿": 20, "卅": 30}

NUMERALS = frozenset("0123456789" + "".join(DIGITS) + "".join(_UNITS) + "".join(_SCORES))
"""Every character a number may be written with."""

NUMBER = r"(?:\d{1,4}|[零〇一二两三四五六七八九十百千廿卅]{1,7})"
"""A number as a pattern without groups; `parse_number` reads what it matched."""

_TRADITIONAL = str.maketrans(
    "點鐘後個號禮週兩裡裏過聽農曆歷陰陽節國慶臘時間樓單電話來東門師醫護張陳劉楊趙吳孫馬羅鄭謝許鄧馮蕭葉蘇區車庫層萬尋噚聖誕勞動婦現幾這該說錯從約開飯訂晝還換棟頭兒媽爺嬸鄰長書們對嗎麼沒"
    "無為與會給請讓幫關壞燈廁廚熱氣煙鎖網線視機髮發傢園場廳廣員務遞費繳證險藥針壓測養體檢療復訪歲齡應當學習課讀寫紙錢銀買賣價減滿評嚴讚貼補達樣種類雙隻條盞輛盤萊雞魚麵湯飲燒暈腫傷斷頸腦"
    "臉嘔嚇燙癢痠顫歐韓盧賈鄒閻龐顧龔寧鐵魯齊莊賴億遲閒暫穩緩隨連離遠進邊處樹綠蟲蟻圖館樂畫團報紀錄聯絡繫訊傳簡戶衛環衝鬧總經辦決問題導陸噓塗繩臺災溫凍閥雜誌綫檔滅彎腳驗鏡盜賊搶餓",
    "点钟后个号礼周两里里过听农历历阴阳节国庆腊时间楼单电话来东门师医护张陈刘杨赵吴孙马罗郑谢许邓冯萧叶苏区车库层万寻寻圣诞劳动妇现几这该说错从约开饭订昼还换栋头儿妈爷婶邻长书们对吗么没"
    "无为与会给请让帮关坏灯厕厨热气烟锁网线视机发发家园场厅广员务递费缴证险药针压测养体检疗复访岁龄应当学习课读写纸钱银买卖价减满评严赞贴补达样种类双只条盏辆盘莱鸡鱼面汤饮烧晕肿伤断颈脑"
    "脸呕吓烫痒酸颤欧韩卢贾邹阎庞顾龚宁铁鲁齐庄赖亿迟闲暂稳缓随连离远进边处树绿虫蚁图馆乐画团报纪录联络系讯传简户卫环冲闹总经办决问题导陆嘘涂绳台灾温冻阀杂志线档灭弯脚验镜盗贼抢饿",
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20, 0x2019: 0x27}
_LOWER = {code: code + 32 for code in range(65, 91)}
_FOLD = _TRADITIONAL | _WIDE | _LOWER | {code - 32 + 0xFEE0: code for code in range(97, 123)}


def fold(text: str) -> str:
    """The text with full-width signs, capitals and common traditional characters made plain; same length."""
    return text.translate(_FOLD)


def parse_number(text: str) -> int | None:
    """The number a numeral stands for: 12, 十二, 一百零三, 两千三, 廿三, and digit by digit 五零一.

    None when it is no number. Colloquial 一百二 is 120.
    """
    if not text:
        return None
    if text.isascii():
        return int(text) if text.isdigit() else None
    if all(c in DIGITS or (c.isascii() and c.isdigit()) for c in text):
        return int(to_digits(text))
    return _with_units(text)


def _with_units(text: str) -> int | None:
    total, pending, last_unit, zero = 0, None, 0, False
    for character in text:
        if character in _UNITS:
            unit = _UNITS[character]
            if last_unit and unit >= last_unit:
                return None
            total += (1 if pending is None else pending) * unit
            pending, last_unit, zero = None, unit, False
        elif character in _SCORES:
            if total % 100 or pending is not None:
                return None
            total, last_unit, zero = total + _SCORES[character], 10, False
        else:
            digit = DIGITS.get(character)
            if digit is None and character.isascii() and character.isdigit():
                digit = int(character)
            if digit is None or (pending is not None and pending != 0):
                return None
            zero = zero or digit == 0
            pending = digit
    if pending is None:
        return total
    if last_unit >= 100 and not zero:
        return total + pending * last_unit // 10
    return total + pending


def to_digits(text: str) -> str:
    """A label in ASCII digits: 五零一, 5零1, 五百零一 → "501"; 幺二零三 → "1203". "" when it is none."""
    if any(c in _UNITS or c in _SCORES for c in text):
        number = _with_units(text)
        return "" if number is None else str(number)
    out = []
    for character in text:
        if character in DIGITS:
            out.append(str(DIGITS[character]))
        elif character.isascii() and character.isdigit():
            out.append(character)
        else:
            return ""
    return "".join(out)


def words(text: str) -> tuple[str, ...]:
    """The words of a list written with spaces: how this package keeps its vocabularies readable."""
    return tuple(text.split())


def pattern(source: str) -> re.Pattern[str]:
    """The compiled pattern: only ASCII digits are digits, and a Latin word ends where Chinese begins."""
    return re.compile(source, re.ASCII)
