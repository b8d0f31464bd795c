"""The structure of every country's IBAN: country, BBAN structure, status, place of bank and of branch in the BBAN.

Structures use the registry's letters with fixed lengths: n digits, a capital letters, c letters or digits.
Status: R registered with SWIFT (IBAN Registry), X in use without registration. Places count from 0, end exclusive.
Facts from the SWIFT IBAN Registry as collected by schwifty (MIT licence), 2026-07-23.
"""

TABLE = """\
AD 4n4n12c R 0:4 4:8
AE 3n16n R 0:3 -
AL 8n16c R 0:3 3:7
AO 21n X - -
AT 5n11n R 0:5 -
AZ 4a20c R 0:4 -
BA 3n3n8n2n R 0:3 3:6
BE 3n7n2n R 0:3 -
BF 2c22n X 0:5 5:10
BG 4a4n2n8c R 0:4 4:8
BH 4a14c R 0:4 -
BI 5n5n11n2n R 0:5 5:10
BJ 2c22n X 0:5 5:10
BR 8n5n10n1a1c R 0:8 8:13
BY 4c4n16c R 0:4 -
CF 23n X 0:5 5:10
CG 23n X 0:5 5:10
CH 5n12c R 0:5 -
CI 2a22n X 0:5 5:10
CM 23n X 0:5 5:10
CR 4n14n R 0:4 -
CV 21n X 0:4 4:8
CY 3n5n16c R 0:3 3:8
CZ 4n6n10n R 0:4 4:10
DE 8n10n R 0:8 -
DJ 23n R 0:5 5:10
DK 4n9n1n R 0:4 -
DO 4c20n R 0:4 -
DZ 22n X 0:5 5:10
EE 2n2n11n1n R 0:2 2:4
EG 4n4n17n R 0:4 4:8
ES 4n4n1n1n10n R 0:4 4:8
FI 3n11n R 0:3 -
FK 2a12n R 0:2 -
FO 4n9n1n R 0:4 -
FR 5n5n11c2n R 0:5 5:10
GA 23n X 0:5 5:10
GB 4a6n8n R 0:4 4:10
GE 2a16n R 0:2 -
GI 4a15c R 0:4 -
GL 4n9n1n R 0:4 -
GQ 23n X 0:5 5:10
GR 3n4n16c R 0:3 3:7
GT 4c20c R 0:4 -
GW 2c19n X - -
HN 4a20n R - -
HR 7n10n R 0:7 -
HU 3n4n1n15n1n R 0:3 3:7
IE 4a6n8n R 0:4 4:10
IL 3n3n13n R 0:3 3:6
IQ 4a3n12n R 0:4 4:7
IR 22n X - -
IS 4n2n6n10n R 0:2 2:4
IT 1a5n5n12c R 1:6 6:11
JO 4a4n18c R 0:4 4:8
KM 23n X - -
KW 4a22c R 0:4 -
KZ 3n13c R 0:3 -
LB 4n20c R 0:4 -
LC 4a24c R 0:4 -
LI 5n12c R 0:5 -
LT 5n11n R 0:5 -
LU 3n13c R 0:3 -
LV 4a13c R 0:4 -
LY 3n3n15n R 0:3 3:6
MA 24n X 0:5 5:10
MC 5n5n11c2n R 0:5 5:10
MD 2c18c R 0:2 -
ME 3n13n2n R 0:3 -
MG 23n X - -
MK 3n10c2n R 0:3 -
ML 2c22n X 0:5 5:10
MN 4n12n R 0:4 -
MR 5n5n11n2n R 0:5 5:10
MT 4a5n18c R 0:4 4:9
MU 4a2n2n12n3n3a R 0:6 6:8
MZ 21n X - -
NE 2a22n X 0:5 5:10
NI 4a20n R 0:4 -
NL 4a10n R 0:4 -
NO 4n6n1n R 0:4 -
OM 3n16c R 0:3 -
PK 4a16c R 0:4 -
PL 8n16n R 0:8 -
PS 4a21c R 0:4 -
PT 4n4n11n2n R 0:4 4:8
QA 4a21c R 0:4 -
RO 4a16c R 0:4 -
RS 3n13n2n R 0:3 -
RU 9n5n15c R 0:9 9:14
SA 2n18c R 0:2 -
SC 4a2n2n16n3a R 0:6 6:8
SD 2n12n R 0:2 -
SE 3n16n1n R 0:3 -
SI 5n8n2n R 0:2 2:5
SK 4n6n10n R 0:4 4:10
SM 1a5n5n12c R 1:6 6:11
SN 2a22n X 0:5 5:10
SO 4n3n12n R 0:4 4:7
ST 4n4n11n2n R 0:4 4:8
SV 4a20n R 0:4 -
TD 23n X 0:5 5:10
TG 2a3n5n12n2n X 0:5 5:10
TL 3n14n2n R 0:3 -
TN 2n3n13n2n R 0:2 2:5
TR 5n1n16c R 0:5 -
UA 6n19c R 0:6 -
VA 3n15n R 0:3 -
VG 4a16n R 0:4 -
XK 4n10n2n R 0:2 2:4
YE 4a4n18c R 0:4 4:8
"""

SEPA_COUNTRIES = frozenset(
    # The 27 members of the European Union,
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "
    # the rest of the European Economic Area, and others inside from the start or near it,
    "IS LI NO CH MC SM AD VA GB GI "
    # and those that joined: Albania, Montenegro, Moldova, North Macedonia (October 2025), Serbia (May 2026).
    "AL ME MD MK RS".split()
)
"""IBAN countries in the geographical scope of the SEPA schemes (EPC409-09). Guernsey, Jersey and Man write GB."""
