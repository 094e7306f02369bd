//! Emergency numbers and other public short codes by country, used while a node lists none of its own.
//!
//! Source: public knowledge (112 in the European Union by Directive (EU) 2018/1972 article 109; each country's
//! published list for the rest). A site corrects or completes it in the node's own list, which then counts alone.
//! Leaves out crisis lines and anything that rings an office, not a rescue service.

/// Numbers assumed where the country is unknown or not listed: the two that ITU-T E.161.1 recommends.
const ANYWHERE: &str = "112 911";

/// Country by ISO 3166-1 alpha-2 code, then its emergency numbers. All of the EU has a row of its own.
const EMERGENCY: &[(&str, &str)] = &[
    ("AE", "112 997 998 999"),
    ("AR", "911 100 101 107"),
    ("AT", "112 122 133 140 144"),
    ("AU", "000 106 112"),
    ("BE", "112 100 101"),
    ("BG", "112"),
    ("BR", "190 192 193 112 911"),
    ("CA", "911"),
    ("CH", "112 117 118 144 1414"),
    ("CL", "131 132 133"),
    ("CN", "110 119 120 122"),
    ("CY", "112 199"),
    ("CZ", "112 150 155 156 158"),
    ("DE", "110 112"),
    ("DK", "112"),
    ("EE", "112"),
    ("ES", "112 061 062 080 085 088 091 092"),
    ("FI", "112"),
    ("FR", "112 15 17 18 114 115 119 191 196 197"),
    ("GB", "999 112"),
    ("GF", "112 15 17 18 114 115 119 196"),
    ("GP", "112 15 17 18 114 115 119 196"),
    ("GR", "112 100 108 166 199"),
    ("HK", "999 112 992"),
    ("HR", "112 192 193 194 195"),
    ("HU", "112 104 105 107"),
    ("IE", "112 999"),
    ("IL", "100 101 102 112"),
    ("IN", "112 100 101 102 108"),
    ("IS", "112"),
    ("IT", "112 113 115 117 118 1530"),
    ("JP", "110 118 119"),
    ("KR", "112 119"),
    ("LI", "112 117 118 144"),
    ("LT", "112"),
    ("LU", "112 113"),
    ("LV", "112 110 113"),
    ("MA", "15 19 112 150 177"),
    ("MC", "112 15 17 18"),
    ("MQ", "112 15 17 18 114 115 119 196"),
    ("MT", "112"),
    ("MX", "911"),
    ("NL", "112"),
    ("NO", "112 110 113"),
    ("NZ", "111"),
    ("PL", "112 997 998 999"),
    ("PT", "112"),
    ("RE", "112 15 17 18 114 115 119 196"),
    ("RO", "112"),
    ("RS", "112 192 193 194"),
    ("SE", "112"),
    ("SG", "995 999"),
    ("SI", "112 113"),
    ("SK", "112 150 155 158"),
    ("SM", "112 113 115 118"),
    ("TN", "190 193 197 198"),
    ("TR", "112"),
    ("TW", "110 112 119"),
    ("UA", "112 101 102 103 104"),
    ("US", "911"),
    ("ZA", "112 107 10111 10177"),
];

/// Public short codes that are no emergency numbers; a peer prefix should not equal one.
const SHORT_CODES: &[(&str, &str)] = &[
    ("AU", "1223 1234"),
    ("CA", "211 311 411 511 611 711 811 988"),
    ("DE", "115 116117 11833"),
    ("FR", "116000 116006 116111 116117 3611 3131"),
    ("GB", "101 105 111 118118 118500"),
    ("US", "211 311 411 511 611 711 811 988"),
];

/// The emergency numbers of a country, either case of its code; [`ANYWHERE`] when it is unknown or not listed.
pub(super) fn numbers(country: Option<&str>) -> Vec<&'static str> {
    look_up(EMERGENCY, country).unwrap_or(ANYWHERE).split_ascii_whitespace().collect()
}

/// Other public short codes of a country; none when it is unknown or not listed.
pub(super) fn short_codes(country: Option<&str>) -> Vec<&'static str> {
    look_up(SHORT_CODES, country).unwrap_or_default().split_ascii_whitespace().collect()
}

fn look_up(table: &[(&str, &'static str)], country: Option<&str>) -> Option<&'static str> {
    let wanted = country?.trim().to_ascii_uppercase();
    table.iter().find(|(code, _)| *code == wanted).map(|&(_, numbers)| numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_of_the_european_union_lists_112() {
        let union = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE";
        for code in union.split(' ') {
            assert!(look_up(EMERGENCY, Some(code)).is_some_and(|list| list.contains("112")), "{code}");
        }
    }

    #[test]
    fn the_tables_are_in_order_and_hold_only_short_digit_strings() {
        for table in [EMERGENCY, SHORT_CODES] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
            for (code, list) in table {
                for number in list.split(' ') {
                    assert!((2..=6).contains(&number.len()), "{code} {number}");
                    assert!(number.bytes().all(|byte| byte.is_ascii_digit()), "{code} {number}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_country_still_reaches_112_and_911() {
        assert_eq!(numbers(None), ["112", "911"]);
        assert_eq!(numbers(Some("QQ")), ["112", "911"]);
        assert_eq!(numbers(Some("gb")), ["999", "112"]);
        assert!(short_codes(None).is_empty() && short_codes(Some("us")).contains(&"411"));
    }
}
