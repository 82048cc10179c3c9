-- Every message whose text was stored, with the parts that its text needs beside the parts that were billed.
-- Source: 3GPP TS 23.038 and 23.040; an escape or a surrogate pair is never cut, which the fold over the characters minds.
CREATE VIEW segments AS
WITH weighed AS (
    SELECT
        *,
        regexp_full_match(
            text,
            '[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà\f^{}\\\[~\]|€-]*'
        ) AS gsm7,
        length(regexp_replace(text, CASE WHEN gsm7 THEN '[^\f^{}\\\[~\]|€]' ELSE '[^\x{10000}-\x{10FFFF}]' END, '', 'g'))
            AS doubles,
        length(text) + doubles AS units,
        CASE WHEN gsm7 THEN 160 ELSE 70 END AS whole,
        CASE WHEN gsm7 THEN 153 ELSE 67 END AS part
    FROM messages
    WHERE text IS NOT NULL
)
SELECT
    * EXCLUDE (gsm7, doubles, units, whole, part),
    CASE WHEN gsm7 THEN 'GSM-7' ELSE 'UCS-2' END AS encoding,
    CASE
        WHEN units <= whole THEN 1
        WHEN doubles = 0 THEN ceil(units / part)::INTEGER
        ELSE ceil(
            list_reduce(
                list_prepend(0, list_transform(
                    string_split(text, ''),
                    lambda c: CASE WHEN c IN (chr(12), '^', '{', '}', '\', '[', '~', ']', '|', '€') AND gsm7
                        OR unicode(c) > 65535 THEN 2 ELSE 1 END
                )),
                lambda filled, size: CASE WHEN filled % part + size > part
                    THEN filled - filled % part + part + size ELSE filled + size END
            ) / part
        )::INTEGER
    END AS segments_expected
FROM weighed;
