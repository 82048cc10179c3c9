"""Sample texts, senders and numbers: many scripts, emoji, and everything that breaks a careless csv reader."""

TEXTS = (
    "Your code is {n}. Don't tell it to anyone.",
    "Your reservation {n} has been confirmed",
    "Ваш код: {n}. Никому его не сообщайте.",
    "Заказ №{n} доставлен. Спасибо, что выбрали нас! 🎉",
    "رمز التحقق الخاص بك هو {n}",
    "आपका ओटीपी {n} है",
    "您的验证码是{n}，5分钟内有效。",
    "ご予約番号{n}を承りました",
    "Ihr Paket {n} kommt zwischen 9 und 12 Uhr; öffnen Sie bitte die Tür.",
    'She said: "call me at {n}"; then; nothing, at all',
    "First line {n}\nsecond line\n\nfourth line",
    "Windows line {n}\r\nnext, with a\ttab",
    '=HYPERLINK("http://example.com/{n}";"click")',
    "+{n} points on your account",
    "-{n} from your balance",
    "@{n} mentioned you",
    ' two spaces around {n}, and one quote " alone  ',
    'C:\\temp\\{n}\\new; 100% \\"escaped\\"',
    "👨‍👩‍👧‍👦 {n} 🇫🇮 e\u0301 — ‘quoted’ “twice” …",
    "null",
    "{n}",
    "0{n}",
    "Dear customer, your invoice {n} is due. "
    + "Please pay within fourteen days, or call us if you already have. " * 5,
    "Уважаемый клиент! Счёт {n}. " + "Пожалуйста, оплатите его в течение четырнадцати дней. " * 4,
)
"""Templates; the number makes most texts differ."""

ERRORS = (
    "Error send sms to {to} from {by} Code = 1",
    'Error send sms to {to} from {by} Code = 8; "unreachable"',
    "Абонент {to} недоступен",
)
SENDERS = ("Voxlake", "0800123", "INFO", "My Shop", "12345", "Аптека")
OWN_NUMBERS = ("12345678111", "12345678112", "442071838750", "74951234567", "0041445112345")
COUNTRIES = (
    ("1", 75, "14152", 6),
    ("44", 412, "447400", 6),
    ("7", 27123, "7916", 7),
    ("49", 7500, "49151", 8),
    ("0044", 430, "00447400", 6),
    ("91", 2, "9198", 8),
    ("81", 60000, "8190", 8),
    ("998", 43437, "99890", 7),
)
"""Prefix, price of a segment in 1/10000 of the currency, leading digits of generated numbers, further digits."""
