"""Content model of pain.002.001.10 (ISO 20022), as facts derived from its published schema."""

DEFINITION = r"""
message pain.002.001.10 Document
Document = CstmrPmtStsRpt:CustomerPaymentStatusReportV10
AccountIdentification4Choice | IBAN:IBAN2007Identifier Othr:GenericAccountIdentification1
AccountSchemeName1Choice | Cd:ExternalAccountIdentification1Code Prtry:Max35Text
ActiveCurrencyAndAmount content ActiveCurrencyAndAmount_SimpleType @Ccy:ActiveCurrencyCode
ActiveCurrencyAndAmount_SimpleType decimal 18.5 min 0
ActiveCurrencyCode text /[A-Z]{3,3}/
ActiveOrHistoricCurrencyAndAmount content ActiveOrHistoricCurrencyAndAmount_SimpleType
  @Ccy:ActiveOrHistoricCurrencyCode
ActiveOrHistoricCurrencyAndAmount_SimpleType decimal 18.5 min 0
ActiveOrHistoricCurrencyCode text /[A-Z]{3,3}/
AddressType2Code enum ADDR PBOX HOME BIZZ MLTO DLVY
AddressType3Choice | Cd:AddressType2Code Prtry:GenericIdentification30
AmendmentInformationDetails13 = OrgnlMndtId?:Max35Text OrgnlCdtrSchmeId?:PartyIdentification135
  OrgnlCdtrAgt?:BranchAndFinancialInstitutionIdentification6 OrgnlCdtrAgtAcct?:CashAccount38
  OrgnlDbtr?:PartyIdentification135 OrgnlDbtrAcct?:CashAccount38
  OrgnlDbtrAgt?:BranchAndFinancialInstitutionIdentification6 OrgnlDbtrAgtAcct?:CashAccount38 OrgnlFnlColltnDt?:ISODate
  OrgnlFrqcy?:Frequency36Choice OrgnlRsn?:MandateSetupReason1Choice OrgnlTrckgDays?:Exact2NumericText
AmountType4Choice | InstdAmt:ActiveOrHistoricCurrencyAndAmount EqvtAmt:EquivalentAmount2
AnyBICDec2014Identifier text /[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}/
BICFIDec2014Identifier text /[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}/
BaseOneRate decimal 11.10
BranchAndFinancialInstitutionIdentification6 = FinInstnId:FinancialInstitutionIdentification18 BrnchId?:BranchData3
BranchData3 = Id?:Max35Text LEI?:LEIIdentifier Nm?:Max140Text PstlAdr?:PostalAddress24
CashAccount38 = Id:AccountIdentification4Choice Tp?:CashAccountType2Choice Ccy?:ActiveOrHistoricCurrencyCode
  Nm?:Max70Text Prxy?:ProxyAccountIdentification1
CashAccountType2Choice | Cd:ExternalCashAccountType1Code Prtry:Max35Text
CategoryPurpose1Choice | Cd:ExternalCategoryPurpose1Code Prtry:Max35Text
ChargeBearerType1Code enum DEBT CRED SHAR SLEV
Charges7 = Amt:ActiveOrHistoricCurrencyAndAmount Agt:BranchAndFinancialInstitutionIdentification6
ClearingChannel2Code enum RTGS RTNS MPNS BOOK
ClearingSystemIdentification2Choice | Cd:ExternalClearingSystemIdentification1Code Prtry:Max35Text
ClearingSystemIdentification3Choice | Cd:ExternalCashClearingSystem1Code Prtry:Max35Text
ClearingSystemMemberIdentification2 = ClrSysId?:ClearingSystemIdentification2Choice MmbId:Max35Text
Contact4 = NmPrfx?:NamePrefix2Code Nm?:Max140Text PhneNb?:PhoneNumber MobNb?:PhoneNumber FaxNb?:PhoneNumber
  EmailAdr?:Max2048Text EmailPurp?:Max35Text JobTitl?:Max35Text Rspnsblty?:Max35Text Dept?:Max70Text
  Othr*:OtherContact1 PrefrdMtd?:PreferredContactMethod1Code
CountryCode text /[A-Z]{2,2}/
CreditDebitCode enum CRDT DBIT
CreditorReferenceInformation2 = Tp?:CreditorReferenceType2 Ref?:Max35Text
CreditorReferenceType1Choice | Cd:DocumentType3Code Prtry:Max35Text
CreditorReferenceType2 = CdOrPrtry:CreditorReferenceType1Choice Issr?:Max35Text
CurrencyExchange13 = SrcCcy:ActiveCurrencyCode TrgtCcy:ActiveCurrencyCode XchgRate:BaseOneRate
  UnitCcy?:ActiveCurrencyCode
CustomerPaymentStatusReportV10 = GrpHdr:GroupHeader86 OrgnlGrpInfAndSts:OriginalGroupHeader17
  OrgnlPmtInfAndSts*:OriginalPaymentInstruction32 SplmtryData*:SupplementaryData1
DateAndDateTime2Choice | Dt:ISODate DtTm:ISODateTime
DateAndPlaceOfBirth1 = BirthDt:ISODate PrvcOfBirth?:Max35Text CityOfBirth:Max35Text CtryOfBirth:CountryCode
DatePeriod2 = FrDt:ISODate ToDt:ISODate
DecimalNumber decimal 18.17
DiscountAmountAndType1 = Tp?:DiscountAmountType1Choice Amt:ActiveOrHistoricCurrencyAndAmount
DiscountAmountType1Choice | Cd:ExternalDiscountAmountType1Code Prtry:Max35Text
DocumentAdjustment1 = Amt:ActiveOrHistoricCurrencyAndAmount CdtDbtInd?:CreditDebitCode Rsn?:Max4Text
  AddtlInf?:Max140Text
DocumentLineIdentification1 = Tp?:DocumentLineType1 Nb?:Max35Text RltdDt?:ISODate
DocumentLineInformation1 = Id+:DocumentLineIdentification1 Desc?:Max2048Text Amt?:RemittanceAmount3
DocumentLineType1 = CdOrPrtry:DocumentLineType1Choice Issr?:Max35Text
DocumentLineType1Choice | Cd:ExternalDocumentLineType1Code Prtry:Max35Text
DocumentType3Code enum RADM RPIN FXDR DISP PUOR SCOR
DocumentType6Code enum MSIN CNFA DNFA CINV CREN DEBN HIRI SBIN CMCN SOAC DISP BOLD VCHR AROI TSUT PUOR
EquivalentAmount2 = Amt:ActiveOrHistoricCurrencyAndAmount CcyOfTrf:ActiveOrHistoricCurrencyCode
Exact2NumericText text /[0-9]{2}/
Exact4AlphaNumericText text /[a-zA-Z0-9]{4}/
ExternalAccountIdentification1Code text 1..4
ExternalCashAccountType1Code text 1..4
ExternalCashClearingSystem1Code text 1..3
ExternalCategoryPurpose1Code text 1..4
ExternalClearingSystemIdentification1Code text 1..5
ExternalDiscountAmountType1Code text 1..4
ExternalDocumentLineType1Code text 1..4
ExternalFinancialInstitutionIdentification1Code text 1..4
ExternalGarnishmentType1Code text 1..4
ExternalLocalInstrument1Code text 1..35
ExternalMandateSetupReason1Code text 1..4
ExternalOrganisationIdentification1Code text 1..4
ExternalPaymentGroupStatus1Code text 1..4
ExternalPaymentTransactionStatus1Code text 1..4
ExternalPersonIdentification1Code text 1..4
ExternalProxyAccountType1Code text 1..4
ExternalPurpose1Code text 1..4
ExternalServiceLevel1Code text 1..4
ExternalStatusReason1Code text 1..4
ExternalTaxAmountType1Code text 1..4
FinancialIdentificationSchemeName1Choice | Cd:ExternalFinancialInstitutionIdentification1Code Prtry:Max35Text
FinancialInstitutionIdentification18 = BICFI?:BICFIDec2014Identifier ClrSysMmbId?:ClearingSystemMemberIdentification2
  LEI?:LEIIdentifier Nm?:Max140Text PstlAdr?:PostalAddress24 Othr?:GenericFinancialIdentification1
Frequency36Choice | Tp:Frequency6Code Prd:FrequencyPeriod1 PtInTm:FrequencyAndMoment1
Frequency6Code enum YEAR MNTH QURT MIAN WEEK DAIL ADHO INDA FRTN
FrequencyAndMoment1 = Tp:Frequency6Code PtInTm:Exact2NumericText
FrequencyPeriod1 = Tp:Frequency6Code CntPerPrd:DecimalNumber
Garnishment3 = Tp:GarnishmentType1 Grnshee?:PartyIdentification135 GrnshmtAdmstr?:PartyIdentification135
  RefNb?:Max140Text Dt?:ISODate RmtdAmt?:ActiveOrHistoricCurrencyAndAmount FmlyMdclInsrncInd?:TrueFalseIndicator
  MplyeeTermntnInd?:TrueFalseIndicator
GarnishmentType1 = CdOrPrtry:GarnishmentType1Choice Issr?:Max35Text
GarnishmentType1Choice | Cd:ExternalGarnishmentType1Code Prtry:Max35Text
GenericAccountIdentification1 = Id:Max34Text SchmeNm?:AccountSchemeName1Choice Issr?:Max35Text
GenericFinancialIdentification1 = Id:Max35Text SchmeNm?:FinancialIdentificationSchemeName1Choice Issr?:Max35Text
GenericIdentification30 = Id:Exact4AlphaNumericText Issr:Max35Text SchmeNm?:Max35Text
GenericOrganisationIdentification1 = Id:Max35Text SchmeNm?:OrganisationIdentificationSchemeName1Choice Issr?:Max35Text
GenericPersonIdentification1 = Id:Max35Text SchmeNm?:PersonIdentificationSchemeName1Choice Issr?:Max35Text
GroupHeader86 = MsgId:Max35Text CreDtTm:ISODateTime InitgPty?:PartyIdentification135
  FwdgAgt?:BranchAndFinancialInstitutionIdentification6 DbtrAgt?:BranchAndFinancialInstitutionIdentification6
  CdtrAgt?:BranchAndFinancialInstitutionIdentification6
IBAN2007Identifier text /[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}/
ISODate date
ISODateTime dateTime
LEIIdentifier text /[A-Z0-9]{18,18}[0-9]{2,2}/
LocalInstrument2Choice | Cd:ExternalLocalInstrument1Code Prtry:Max35Text
MandateRelatedInformation14 = MndtId?:Max35Text DtOfSgntr?:ISODate AmdmntInd?:TrueFalseIndicator
  AmdmntInfDtls?:AmendmentInformationDetails13 ElctrncSgntr?:Max1025Text FrstColltnDt?:ISODate FnlColltnDt?:ISODate
  Frqcy?:Frequency36Choice Rsn?:MandateSetupReason1Choice TrckgDays?:Exact2NumericText
MandateSetupReason1Choice | Cd:ExternalMandateSetupReason1Code Prtry:Max70Text
Max1025Text text 1..1025
Max105Text text 1..105
Max128Text text 1..128
Max140Text text 1..140
Max15NumericText text /[0-9]{1,15}/
Max16Text text 1..16
Max2048Text text 1..2048
Max34Text text 1..34
Max350Text text 1..350
Max35Text text 1..35
Max4Text text 1..4
Max70Text text 1..70
NamePrefix2Code enum DOCT MADM MISS MIST MIKS
Number decimal 18.0
NumberOfTransactionsPerStatus5 = DtldNbOfTxs:Max15NumericText DtldSts:ExternalPaymentTransactionStatus1Code
  DtldCtrlSum?:DecimalNumber
OrganisationIdentification29 = AnyBIC?:AnyBICDec2014Identifier LEI?:LEIIdentifier
  Othr*:GenericOrganisationIdentification1
OrganisationIdentificationSchemeName1Choice | Cd:ExternalOrganisationIdentification1Code Prtry:Max35Text
OriginalGroupHeader17 = OrgnlMsgId:Max35Text OrgnlMsgNmId:Max35Text OrgnlCreDtTm?:ISODateTime
  OrgnlNbOfTxs?:Max15NumericText OrgnlCtrlSum?:DecimalNumber GrpSts?:ExternalPaymentGroupStatus1Code
  StsRsnInf*:StatusReasonInformation12 NbOfTxsPerSts*:NumberOfTransactionsPerStatus5
OriginalPaymentInstruction32 = OrgnlPmtInfId:Max35Text OrgnlNbOfTxs?:Max15NumericText OrgnlCtrlSum?:DecimalNumber
  PmtInfSts?:ExternalPaymentGroupStatus1Code StsRsnInf*:StatusReasonInformation12
  NbOfTxsPerSts*:NumberOfTransactionsPerStatus5 TxInfAndSts*:PaymentTransaction105
OriginalTransactionReference28 = IntrBkSttlmAmt?:ActiveOrHistoricCurrencyAndAmount Amt?:AmountType4Choice
  IntrBkSttlmDt?:ISODate ReqdColltnDt?:ISODate ReqdExctnDt?:DateAndDateTime2Choice CdtrSchmeId?:PartyIdentification135
  SttlmInf?:SettlementInstruction7 PmtTpInf?:PaymentTypeInformation27 PmtMtd?:PaymentMethod4Code
  MndtRltdInf?:MandateRelatedInformation14 RmtInf?:RemittanceInformation16 UltmtDbtr?:Party40Choice
  Dbtr?:Party40Choice DbtrAcct?:CashAccount38 DbtrAgt?:BranchAndFinancialInstitutionIdentification6
  DbtrAgtAcct?:CashAccount38 CdtrAgt?:BranchAndFinancialInstitutionIdentification6 CdtrAgtAcct?:CashAccount38
  Cdtr?:Party40Choice CdtrAcct?:CashAccount38 UltmtCdtr?:Party40Choice Purp?:Purpose2Choice
OtherContact1 = ChanlTp:Max4Text Id?:Max128Text
Party38Choice | OrgId:OrganisationIdentification29 PrvtId:PersonIdentification13
Party40Choice | Pty:PartyIdentification135 Agt:BranchAndFinancialInstitutionIdentification6
PartyIdentification135 = Nm?:Max140Text PstlAdr?:PostalAddress24 Id?:Party38Choice CtryOfRes?:CountryCode
  CtctDtls?:Contact4
PaymentMethod4Code enum CHK TRF DD TRA
PaymentTransaction105 = StsId?:Max35Text OrgnlInstrId?:Max35Text OrgnlEndToEndId?:Max35Text
  OrgnlUETR?:UUIDv4Identifier TxSts?:ExternalPaymentTransactionStatus1Code StsRsnInf*:StatusReasonInformation12
  ChrgsInf*:Charges7 TrckrData?:TrackerData1 AccptncDtTm?:ISODateTime AcctSvcrRef?:Max35Text ClrSysRef?:Max35Text
  OrgnlTxRef?:OriginalTransactionReference28 SplmtryData*:SupplementaryData1
PaymentTypeInformation27 = InstrPrty?:Priority2Code ClrChanl?:ClearingChannel2Code SvcLvl*:ServiceLevel8Choice
  LclInstrm?:LocalInstrument2Choice SeqTp?:SequenceType3Code CtgyPurp?:CategoryPurpose1Choice
PercentageRate decimal 11.10
PersonIdentification13 = DtAndPlcOfBirth?:DateAndPlaceOfBirth1 Othr*:GenericPersonIdentification1
PersonIdentificationSchemeName1Choice | Cd:ExternalPersonIdentification1Code Prtry:Max35Text
PhoneNumber text /\+[0-9]{1,3}-[0-9()+\-]{1,30}/
PostalAddress24 = AdrTp?:AddressType3Choice Dept?:Max70Text SubDept?:Max70Text StrtNm?:Max70Text BldgNb?:Max16Text
  BldgNm?:Max35Text Flr?:Max70Text PstBx?:Max16Text Room?:Max70Text PstCd?:Max16Text TwnNm?:Max35Text
  TwnLctnNm?:Max35Text DstrctNm?:Max35Text CtrySubDvsn?:Max35Text Ctry?:CountryCode AdrLine{0,7}:Max70Text
PreferredContactMethod1Code enum LETT MAIL PHON FAXX CELL
Priority2Code enum HIGH NORM
ProxyAccountIdentification1 = Tp?:ProxyAccountType1Choice Id:Max2048Text
ProxyAccountType1Choice | Cd:ExternalProxyAccountType1Code Prtry:Max35Text
Purpose2Choice | Cd:ExternalPurpose1Code Prtry:Max35Text
ReferredDocumentInformation7 = Tp?:ReferredDocumentType4 Nb?:Max35Text RltdDt?:ISODate
  LineDtls*:DocumentLineInformation1
ReferredDocumentType3Choice | Cd:DocumentType6Code Prtry:Max35Text
ReferredDocumentType4 = CdOrPrtry:ReferredDocumentType3Choice Issr?:Max35Text
RemittanceAmount2 = DuePyblAmt?:ActiveOrHistoricCurrencyAndAmount DscntApldAmt*:DiscountAmountAndType1
  CdtNoteAmt?:ActiveOrHistoricCurrencyAndAmount TaxAmt*:TaxAmountAndType1 AdjstmntAmtAndRsn*:DocumentAdjustment1
  RmtdAmt?:ActiveOrHistoricCurrencyAndAmount
RemittanceAmount3 = DuePyblAmt?:ActiveOrHistoricCurrencyAndAmount DscntApldAmt*:DiscountAmountAndType1
  CdtNoteAmt?:ActiveOrHistoricCurrencyAndAmount TaxAmt*:TaxAmountAndType1 AdjstmntAmtAndRsn*:DocumentAdjustment1
  RmtdAmt?:ActiveOrHistoricCurrencyAndAmount
RemittanceInformation16 = Ustrd*:Max140Text Strd*:StructuredRemittanceInformation16
SequenceType3Code enum FRST RCUR FNAL OOFF RPRE
ServiceLevel8Choice | Cd:ExternalServiceLevel1Code Prtry:Max35Text
SettlementInstruction7 = SttlmMtd:SettlementMethod1Code SttlmAcct?:CashAccount38
  ClrSys?:ClearingSystemIdentification3Choice InstgRmbrsmntAgt?:BranchAndFinancialInstitutionIdentification6
  InstgRmbrsmntAgtAcct?:CashAccount38 InstdRmbrsmntAgt?:BranchAndFinancialInstitutionIdentification6
  InstdRmbrsmntAgtAcct?:CashAccount38 ThrdRmbrsmntAgt?:BranchAndFinancialInstitutionIdentification6
  ThrdRmbrsmntAgtAcct?:CashAccount38
SettlementMethod1Code enum INDA INGA COVE CLRG
StatusReason6Choice | Cd:ExternalStatusReason1Code Prtry:Max35Text
StatusReasonInformation12 = Orgtr?:PartyIdentification135 Rsn?:StatusReason6Choice AddtlInf*:Max105Text
StructuredRemittanceInformation16 = RfrdDocInf*:ReferredDocumentInformation7 RfrdDocAmt?:RemittanceAmount2
  CdtrRefInf?:CreditorReferenceInformation2 Invcr?:PartyIdentification135 Invcee?:PartyIdentification135
  TaxRmt?:TaxInformation7 GrnshmtRmt?:Garnishment3 AddtlRmtInf{0,3}:Max140Text
SupplementaryData1 = PlcAndNm?:Max350Text Envlp:SupplementaryDataEnvelope1
SupplementaryDataEnvelope1 any lax
TaxAmount2 = Rate?:PercentageRate TaxblBaseAmt?:ActiveOrHistoricCurrencyAndAmount
  TtlAmt?:ActiveOrHistoricCurrencyAndAmount Dtls*:TaxRecordDetails2
TaxAmountAndType1 = Tp?:TaxAmountType1Choice Amt:ActiveOrHistoricCurrencyAndAmount
TaxAmountType1Choice | Cd:ExternalTaxAmountType1Code Prtry:Max35Text
TaxAuthorisation1 = Titl?:Max35Text Nm?:Max140Text
TaxInformation7 = Cdtr?:TaxParty1 Dbtr?:TaxParty2 UltmtDbtr?:TaxParty2 AdmstnZone?:Max35Text RefNb?:Max140Text
  Mtd?:Max35Text TtlTaxblBaseAmt?:ActiveOrHistoricCurrencyAndAmount TtlTaxAmt?:ActiveOrHistoricCurrencyAndAmount
  Dt?:ISODate SeqNb?:Number Rcrd*:TaxRecord2
TaxParty1 = TaxId?:Max35Text RegnId?:Max35Text TaxTp?:Max35Text
TaxParty2 = TaxId?:Max35Text RegnId?:Max35Text TaxTp?:Max35Text Authstn?:TaxAuthorisation1
TaxPeriod2 = Yr?:ISODate Tp?:TaxRecordPeriod1Code FrToDt?:DatePeriod2
TaxRecord2 = Tp?:Max35Text Ctgy?:Max35Text CtgyDtls?:Max35Text DbtrSts?:Max35Text CertId?:Max35Text FrmsCd?:Max35Text
  Prd?:TaxPeriod2 TaxAmt?:TaxAmount2 AddtlInf?:Max140Text
TaxRecordDetails2 = Prd?:TaxPeriod2 Amt:ActiveOrHistoricCurrencyAndAmount
TaxRecordPeriod1Code enum MM01 MM02 MM03 MM04 MM05 MM06 MM07 MM08 MM09 MM10 MM11 MM12 QTR1 QTR2 QTR3 QTR4 HLF1 HLF2
TrackerData1 = ConfdDt:DateAndDateTime2Choice ConfdAmt:ActiveCurrencyAndAmount TrckrRcrd+:TrackerRecord1
TrackerRecord1 = Agt:BranchAndFinancialInstitutionIdentification6 ChrgBr?:ChargeBearerType1Code
  ChrgsAmt?:ActiveCurrencyAndAmount XchgRateData?:CurrencyExchange13
TrueFalseIndicator boolean
UUIDv4Identifier text /[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}/
"""
