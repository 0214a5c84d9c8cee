"""Lines of text of every kind, the same at each call: what a tokeniser may be given."""

import random
import sys
import unicodedata

# What Python's Unicode and the C++ library's both know: characters that only one of them has assigned may fall into
# different classes there.
NEWEST = "15.0.0"

SCRIPTS = {
    "latin": "Červené šaty s dlouhým rukávem, Größe M, naïve façade, ﬁne ﬂow ĳ Ŀ Ǆ Lj ﬀ",
    "greek": "Κόκκινο φόρεμα ΣΊΣΥΦΟΣ ΣΑΣ ς σ Ω Ω",
    "cyrillic": "Красное платье ПЛАТЬЕ Їжак ЁЛКА",
    "armenian": "Կարմիր զգեստ և",
    "hebrew": "שמלה אדומה שָׁלוֹם",
    "arabic": "فستان أحمر ٠١٢٣ بِسْمِ",
    "devanagari": "लाल पोशाक १२३ क्ष त्र",
    "bengali": "লাল পোশাক ১২",
    "tamil": "சிவப்பு உடை",
    "thai": "ชุดเดรสสีแดง ๑๒๓ น้ำ",
    "tibetan": "བོད་ཡིག ༡༢",
    "georgian": "წითელი კაბა ᲬᲘᲗᲔᲚᲘ",
    "hangul": "빨간 드레스 한글 ㅎㅏㄴ",
    "kana": "赤いドレス ガギグ がぎぐ ﾊﾝｶｸ",
    "han": "红色连衣裙 龍 㐀 𠀀",
    "ethiopic": "ቀይ ቀሚስ ፩፪",
    "cherokee": "ᎠᎡᎢ ꭰꭱ",
    "turkish": "İSTANBUL ısırgan Iğdır i̇",
    "math": "𝐁𝐨𝐥𝐝 𝟙𝟚𝟛 ℵ ½ ² ₃ Ⅷ ⅷ ① ㉈",
    "fullwidth": "Ｒｅｄ　ｄｒｅｓｓ１２３！",
}
EMOJI = ["👗", "👠", "👨‍👩‍👧", "🏳️‍🌈", "👍🏽", "❤️", "🇨🇿", "☕", "✨", "1️⃣", "🧥👖", "🫠"]
MARKS = ["e\u0301", "o\u0302\u0323", "a\u030a", "Å", "\u1e69", "s\u0323\u0307", "\u0344", "n\u0303o", "क\u093c"]
ENTITIES = ["&amp;", "&lt;b&gt;", "&nbsp;", "&#39;", "&#x2019;", "&eacute;", "&amp;amp;", "M&S", "&", "&;", "&unknown;"]
INVISIBLE = ["\u200b", "\u200d", "\u200c", "\ufeff", "\u00ad", "\u2060", "\u202e", "\u0000", "\u0007", "\u001b[0m"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2009", "\u2028", "\u1680", "\u0085", "\u180e", "\u000b"]
WORDS = ("a red dress with long sleeves it's don't WE'LL they're I'VE I'm he'd rock'n'roll o'clock 'tis SIZE 38/40 "
         "100% cotton €49.90 $5 no.7 T-shirt v-neck size:XL #ootd @brand http://shop.example/a?b=c&d=e <b>sale</b> "
         "naïve coöperate -- ... !!! ??? ¿qué? «citát» „uvozovky“ 20% OFF Café déjà-vu jeans/denim x2 3XL 1/2 ").split()
SPECIAL = ["<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "<|endoftext", "|>", "<|>", "</w>", "▁", "<unk>", "</s>"]


def known(text):
    return all(unicodedata.category(c) != "Cn" for c in text)


def any_character(rng):
    """One that is assigned, of any plane; no surrogate."""
    while True:
        code = rng.choice([rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x1FFFF)])
        if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) not in ("Cn", "Co"):
            return chr(code)


def word(rng):
    kind = rng.randrange(12)
    if kind < 4:
        return rng.choice(WORDS)
    if kind == 4:
        return rng.choice(rng.choice(list(SCRIPTS.values())).split())
    if kind == 5:
        return "".join(rng.choice(EMOJI) for _ in range(rng.choice([1, 1, 3])))
    if kind == 6:
        return "".join(rng.choice(MARKS) for _ in range(rng.choice([1, 2, 5])))
    if kind == 7:
        return rng.choice(ENTITIES)
    if kind == 8:
        return rng.choice("abcXYZ") + rng.choice(INVISIBLE) + rng.choice("abcXYZ")
    if kind == 9:
        return "".join(any_character(rng) for _ in range(rng.choice([1, 2, 4, 9])))
    if kind == 10:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEF0123456789'-_.") for _ in range(rng.choice([3, 8, 20])))
    return rng.choice(SPECIAL) if rng.random() < 0.3 else rng.choice(WORDS)


def lines(count=4000, seed=11):
    assert unicodedata.unidata_version <= NEWEST or sys.version_info >= (3, 13)
    rng = random.Random(seed)
    made = ["", " ", "a", "\n", "\u200b", "\ufeff", "'", "'s", "''s", "s's's", "0", "\u0000"]
    made += [text for text in SCRIPTS.values()] + EMOJI + MARKS + ENTITIES + INVISIBLE + SPACES + SPECIAL
    made += ["word " * 100, "x" * 5000, "ab" * 3000, "👗" * 200, "1" * 300, "!" * 1000, " " * 3000 + "a", "'s" * 200,
             "e\u0301" * 500, "红" * 400, "a\u0300\u0301\u0302" * 100]
    while len(made) < count:
        text = ""
        for _ in range(rng.choice([1, 2, 4, 8, 12, 40, 120])):
            text += word(rng) + (rng.choice(SPACES) if rng.random() < 0.2 else " " if rng.random() < 0.9 else "")
        made.append(text)
    return [text for text in made if known(text)]
