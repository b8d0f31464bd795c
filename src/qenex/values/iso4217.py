"""ISO 4217 list one, as published on 2026-01-01: alphabetic code, numeric code, minor units, kind, name.

Kinds: C currency, F fund code, U unit without minor units (metals, drawing rights, test and "no currency" codes).
A test compares every line with the `iso4217` package, which carries the maintenance agency's own table.
"""

PUBLISHED = "2026-01-01"

TABLE = """\
AED 784 2 C UAE Dirham
AFN 971 2 C Afghani
ALL 008 2 C Lek
AMD 051 2 C Armenian Dram
AOA 973 2 C Kwanza
ARS 032 2 C Argentine Peso
AUD 036 2 C Australian Dollar
AWG 533 2 C Aruban Florin
AZN 944 2 C Azerbaijan Manat
BAM 977 2 C Convertible Mark
BBD 052 2 C Barbados Dollar
BDT 050 2 C Taka
BHD 048 3 C Bahraini Dinar
BIF 108 0 C Burundi Franc
BMD 060 2 C Bermudian Dollar
BND 096 2 C Brunei Dollar
BOB 068 2 C Boliviano
BOV 984 2 F Mvdol
BRL 986 2 C Brazilian Real
BSD 044 2 C Bahamian Dollar
BTN 064 2 C Ngultrum
BWP 072 2 C Pula
BYN 933 2 C Belarusian Ruble
BZD 084 2 C Belize Dollar
CAD 124 2 C Canadian Dollar
CDF 976 2 C Congolese Franc
CHE 947 2 F WIR Euro
CHF 756 2 C Swiss Franc
CHW 948 2 F WIR Franc
CLF 990 4 F Unidad de Fomento
CLP 152 0 C Chilean Peso
CNY 156 2 C Yuan Renminbi
COP 170 2 C Colombian Peso
COU 970 2 F Unidad de Valor Real
CRC 188 2 C Costa Rican Colon
CUP 192 2 C Cuban Peso
CVE 132 2 C Cabo Verde Escudo
CZK 203 2 C Czech Koruna
DJF 262 0 C Djibouti Franc
DKK 208 2 C Danish Krone
DOP 214 2 C Dominican Peso
DZD 012 2 C Algerian Dinar
EGP 818 2 C Egyptian Pound
ERN 232 2 C Nakfa
ETB 230 2 C Ethiopian Birr
EUR 978 2 C Euro
FJD 242 2 C Fiji Dollar
FKP 238 2 C Falkland Islands Pound
GBP 826 2 C Pound Sterling
GEL 981 2 C Lari
GHS 936 2 C Ghana Cedi
GIP 292 2 C Gibraltar Pound
GMD 270 2 C Dalasi
GNF 324 0 C Guinean Franc
GTQ 320 2 C Quetzal
GYD 328 2 C Guyana Dollar
HKD 344 2 C Hong Kong Dollar
HNL 340 2 C Lempira
HTG 332 2 C Gourde
HUF 348 2 C Forint
IDR 360 2 C Rupiah
ILS 376 2 C New Israeli Sheqel
INR 356 2 C Indian Rupee
IQD 368 3 C Iraqi Dinar
IRR 364 2 C Iranian Rial
ISK 352 0 C Iceland Krona
JMD 388 2 C Jamaican Dollar
JOD 400 3 C Jordanian Dinar
JPY 392 0 C Yen
KES 404 2 C Kenyan Shilling
KGS 417 2 C Som
KHR 116 2 C Riel
KMF 174 0 C Comorian Franc
KPW 408 2 C North Korean Won
KRW 410 0 C Won
KWD 414 3 C Kuwaiti Dinar
KYD 136 2 C Cayman Islands Dollar
KZT 398 2 C Tenge
LAK 418 2 C Lao Kip
LBP 422 2 C Lebanese Pound
LKR 144 2 C Sri Lanka Rupee
LRD 430 2 C Liberian Dollar
LSL 426 2 C Loti
LYD 434 3 C Libyan Dinar
MAD 504 2 C Moroccan Dirham
MDL 498 2 C Moldovan Leu
MGA 969 2 C Malagasy Ariary
MKD 807 2 C Denar
MMK 104 2 C Kyat
MNT 496 2 C Tugrik
MOP 446 2 C Pataca
MRU 929 2 C Ouguiya
MUR 480 2 C Mauritius Rupee
MVR 462 2 C Rufiyaa
MWK 454 2 C Malawi Kwacha
MXN 484 2 C Mexican Peso
MXV 979 2 F Mexican Unidad de Inversion (UDI)
MYR 458 2 C Malaysian Ringgit
MZN 943 2 C Mozambique Metical
NAD 516 2 C Namibia Dollar
NGN 566 2 C Naira
NIO 558 2 C Cordoba Oro
NOK 578 2 C Norwegian Krone
NPR 524 2 C Nepalese Rupee
NZD 554 2 C New Zealand Dollar
OMR 512 3 C Rial Omani
PAB 590 2 C Balboa
PEN 604 2 C Sol
PGK 598 2 C Kina
PHP 608 2 C Philippine Peso
PKR 586 2 C Pakistan Rupee
PLN 985 2 C Zloty
PYG 600 0 C Guarani
QAR 634 2 C Qatari Rial
RON 946 2 C Romanian Leu
RSD 941 2 C Serbian Dinar
RUB 643 2 C Russian Ruble
RWF 646 0 C Rwanda Franc
SAR 682 2 C Saudi Riyal
SBD 090 2 C Solomon Islands Dollar
SCR 690 2 C Seychelles Rupee
SDG 938 2 C Sudanese Pound
SEK 752 2 C Swedish Krona
SGD 702 2 C Singapore Dollar
SHP 654 2 C Saint Helena Pound
SLE 925 2 C Leone
SOS 706 2 C Somali Shilling
SRD 968 2 C Surinam Dollar
SSP 728 2 C South Sudanese Pound
STN 930 2 C Dobra
SVC 222 2 C El Salvador Colon
SYP 760 2 C Syrian Pound
SZL 748 2 C Lilangeni
THB 764 2 C Baht
TJS 972 2 C Somoni
TMT 934 2 C Turkmenistan New Manat
TND 788 3 C Tunisian Dinar
TOP 776 2 C Pa’anga
TRY 949 2 C Turkish Lira
TTD 780 2 C Trinidad and Tobago Dollar
TWD 901 2 C New Taiwan Dollar
TZS 834 2 C Tanzanian Shilling
UAH 980 2 C Hryvnia
UGX 800 0 C Uganda Shilling
USD 840 2 C US Dollar
USN 997 2 F US Dollar (Next day)
UYI 940 0 F Uruguay Peso en Unidades Indexadas (UI)
UYU 858 2 C Peso Uruguayo
UYW 927 4 C Unidad Previsional
UZS 860 2 C Uzbekistan Sum
VED 926 2 C Bolívar Soberano
VES 928 2 C Bolívar Soberano
VND 704 0 C Dong
VUV 548 0 C Vatu
WST 882 2 C Tala
XAD 396 2 C Arab Accounting Dinar
XAF 950 0 C CFA Franc BEAC
XAG 961 - U Silver
XAU 959 - U Gold
XBA 955 - U Bond Markets Unit European Composite Unit (EURCO)
XBB 956 - U Bond Markets Unit European Monetary Unit (E.M.U.-6)
XBC 957 - U Bond Markets Unit European Unit of Account 9 (E.U.A.-9)
XBD 958 - U Bond Markets Unit European Unit of Account 17 (E.U.A.-17)
XCD 951 2 C East Caribbean Dollar
XCG 532 2 C Caribbean Guilder
XDR 960 - U SDR (Special Drawing Right)
XOF 952 0 C CFA Franc BCEAO
XPD 964 - U Palladium
XPF 953 0 C CFP Franc
XPT 962 - U Platinum
XSU 994 - U Sucre
XTS 963 - U Codes specifically reserved for testing purposes
XUA 965 - U ADB Unit of Account
XXX 999 - U The codes assigned for transactions where no currency is involved
YER 886 2 C Yemeni Rial
ZAR 710 2 C Rand
ZMW 967 2 C Zambian Kwacha
ZWG 924 2 C Zimbabwe Gold
"""
