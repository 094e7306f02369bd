//! How each country dials: calling code, international prefix, trunk prefix. Facts from the ITU's
//! lists of assigned country codes and of dialing procedures (both on ITU-T E.164), grouped by habit because most
//! countries share one.
//!
//! Own table instead of the crate `phonenumber` 0.3.10: measured, that crate adds 3.2 MiB to a stripped
//! release binary (354,824 to 3,683,528 bytes), 9.5 MiB of resident memory after five numbers and 86 ms before
//! the first answer, and it loses a digit of `+33 1 …` when told the region US. Left out for that price:
//! whether a number is assigned, and each area's lengths.

/// How one country dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Country calling code, 1 to 3 digits.
    pub(super) calling_code: &'static str,
    /// What is dialed before a foreign country's code; `None` where it depends on the chosen carrier.
    pub(super) international_prefix: Option<&'static str>,
    /// What is dialed before a national number; may be empty.
    pub(super) trunk_prefix: &'static str,
}

impl Plan {
    /// Digits of every national number, where the plan has one length only.
    pub(super) fn national_digits(&self) -> Option<usize> {
        (self.calling_code == NORTH_AMERICA).then_some(10)
    }
}

/// The calling code the countries of the North American Numbering Plan share.
const NORTH_AMERICA: &str = "1";

/// Countries that dial alike: international prefix, trunk prefix, then alpha-2 code and calling code of each.
type Habit = (Option<&'static str>, &'static str, &'static str);

const HABITS: &[Habit] = &[
    (
        Some("00"),
        "0",
        "AE971 AF93 AL355 AM374 AR54 AT43 AX358 AZ994 BA387 BD880 BE32 BG359 BO591 CD243 CH41 CN86 DE49 DZ213 \
         EC593 EG20 EH212 ER291 ET251 FI358 FR33 GB44 GE995 GF594 GG44 GH233 GP590 HR385 IE353 IL972 IM44 \
         IN91 IQ964 IR98 JE44 JO962 KG996 KI686 KP850 LA856 LB961 LK94 LR231 LT370 LY218 MA212 MC377 MD373 ME382 MF590 \
         MG261 MK389 MM95 MQ596 MW265 MY60 NA264 NL31 NP977 NZ64 PE51 PH63 PK92 PM508 PS970 PY595 RE262 RO40 RS381 \
         RW250 SA966 SD249 SE46 SI386 SK421 SL232 SO252 SS211 SY963 TR90 UA380 UY598 VE58 VN84 XK383 YE967 \
         YT262 BL590 ZA27 ZM260 ZW263",
    ),
    (
        Some("00"),
        "",
        "AC247 AD376 AO244 AW297 BF226 BH973 BI257 BJ229 BN673 BQ599 BT975 BW267 BZ501 CF236 CG242 CI225 CK682 \
         CM237 CR506 CW599 CY357 CZ420 DJ253 DK45 EE372 ES34 FJ679 FK500 FM691 FO298 GA241 GI350 GL299 GM220 \
         GN224 GQ240 GR30 GT502 GW245 HN504 HT509 IO246 IS354 IT39 KM269 KW965 LI423 LS266 LU352 LV371 \
         ML223 MO853 MR222 MT356 MU230 MV960 MX52 MZ258 NC687 NE227 NF672 NI505 NO47 NR674 NU683 OM968 \
         PA507 PF689 PG675 PL48 PT351 QA974 SB677 SC248 SH290 SJ47 SM378 SN221 SR597 ST239 SV503 SZ268 TA290 \
         TD235 TG228 TK690 TL670 TN216 TO676 TV688 UZ998 VA39 VU678 WF681",
    ),
    (
        Some("011"),
        "1",
        "AG1 AI1 AS1 BB1 BM1 BS1 CA1 DM1 DO1 GD1 GU1 JM1 KN1 KY1 LC1 MH692 MP1 MS1 PR1 SX1 TC1 TT1 US1 VC1 \
         VG1 VI1",
    ),
    (Some("0"), "", "CV238 WS685"),
    (Some("810"), "", "TJ992"),
    (Some("0011"), "0", "AU61 CC61 CX61"),
    (Some("000"), "0", "KE254 TZ255 UG256"),
    (Some("001"), "0", "KH855 MN976 TH66"),
    (Some("001"), "", "GY592 HK852 SG65"),
    (Some("002"), "0", "TW886"),
    (Some("009"), "0", "NG234"),
    (Some("010"), "0", "JP81"),
    (Some("011"), "", "PW680"),
    (Some("119"), "0", "CU53"),
    (Some("00"), "06", "HU36"),
    (Some("810"), "8", "BY375 KZ7 RU7 TM993"),
    (None, "0", "BR55 ID62 KR82"),
    (None, "", "CL56 CO57"),
];

/// The plan of a country by its ISO 3166-1 alpha-2 code, either case; `None` when it is not in the table.
pub(super) fn plan(country: &str) -> Option<Plan> {
    let wanted = country.trim().to_ascii_uppercase();
    rows().find(|(code, _)| *code == wanted).map(|(_, plan)| plan)
}

/// Whether the digits are some country's calling code.
pub(super) fn is_calling_code(digits: &str) -> bool {
    rows().any(|(_, plan)| plan.calling_code == digits)
}

/// The trunk prefix of the countries with this calling code; empty when the code is unknown.
pub(super) fn trunk_of(calling_code: &str) -> &'static str {
    rows().find(|(_, plan)| plan.calling_code == calling_code).map_or("", |(_, plan)| plan.trunk_prefix)
}

fn rows() -> impl Iterator<Item = (&'static str, Plan)> {
    HABITS.iter().flat_map(|&(international_prefix, trunk_prefix, countries)| {
        let named = countries.split_ascii_whitespace().filter_map(|word| word.split_at_checked(2));
        named.map(move |(code, calling_code)| {
            (code, Plan { calling_code, international_prefix, trunk_prefix })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_country_is_listed_once_with_a_calling_code_of_one_to_three_digits() {
        let mut seen = BTreeSet::new();
        for (code, plan) in rows() {
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase()), "{code}");
            assert!(seen.insert(code), "{code} is listed twice");
            let digits = plan.calling_code;
            assert!((1..=3).contains(&digits.len()), "{code}");
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'), "{code}");
        }
        assert!(seen.len() > 230, "{}", seen.len());
    }

    #[test]
    fn no_calling_code_is_the_beginning_of_another() {
        let codes: BTreeSet<_> = rows().map(|(_, plan)| plan.calling_code).collect();
        for code in &codes {
            assert!(!codes.iter().any(|other| other != code && other.starts_with(code)), "{code}");
        }
    }

    #[test]
    fn a_country_is_found_in_either_case_and_an_unknown_one_is_not() {
        assert_eq!(plan(" ch ").map(|plan| plan.calling_code), Some("41"));
        assert_eq!((plan("QQ"), plan(""), plan("FRA")), (None, None, None));
        assert!(is_calling_code("353") && !is_calling_code("35"));
    }
}
