"""Content model of pain.002.001.03 (ISO 20022), as facts derived from its published schema."""

DEFINITION = r"""
message pain.002.001.03 Document
Document = CstmrPmtStsRpt:CustomerPaymentStatusReportV03
AccountIdentification4Choice = (IBAN:IBAN2007Identifier | Othr:GenericAccountIdentification1)
AccountSchemeName1Choice = (Cd:ExternalAccountIdentification1Code | Prtry:Max35Text)
ActiveOrHistoricCurrencyAndAmount content ActiveOrHistoricCurrencyAndAmount_SimpleType
  @Ccy:ActiveOrHistoricCurrencyCode
ActiveOrHistoricCurrencyAndAmount_SimpleType decimal 18.5 min 0
ActiveOrHistoricCurrencyCode text /[A-Z]{3,3}/
AddressType2Code enum ADDR PBOX HOME BIZZ MLTO DLVY
AmendmentInformationDetails6 = OrgnlMndtId?:Max35Text OrgnlCdtrSchmeId?:PartyIdentification32
  OrgnlCdtrAgt?:BranchAndFinancialInstitutionIdentification4 OrgnlCdtrAgtAcct?:CashAccount16
  OrgnlDbtr?:PartyIdentification32 OrgnlDbtrAcct?:CashAccount16
  OrgnlDbtrAgt?:BranchAndFinancialInstitutionIdentification4 OrgnlDbtrAgtAcct?:CashAccount16 OrgnlFnlColltnDt?:ISODate
  OrgnlFrqcy?:Frequency1Code
AmountType3Choice = (InstdAmt:ActiveOrHistoricCurrencyAndAmount | EqvtAmt:EquivalentAmount2)
AnyBICIdentifier text /[A-Z]{6,6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3,3}){0,1}/
BICIdentifier text /[A-Z]{6,6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3,3}){0,1}/
BranchAndFinancialInstitutionIdentification4 = FinInstnId:FinancialInstitutionIdentification7 BrnchId?:BranchData2
BranchData2 = Id?:Max35Text Nm?:Max140Text PstlAdr?:PostalAddress6
CashAccount16 = Id:AccountIdentification4Choice Tp?:CashAccountType2 Ccy?:ActiveOrHistoricCurrencyCode Nm?:Max70Text
CashAccountType2 = (Cd:CashAccountType4Code | Prtry:Max35Text)
CashAccountType4Code enum CASH CHAR COMM TAXE CISH TRAS SACC CACC SVGS ONDP MGLD NREX MOMA LOAN SLRY ODFT
CategoryPurpose1Choice = (Cd:ExternalCategoryPurpose1Code | Prtry:Max35Text)
ChargesInformation5 = Amt:ActiveOrHistoricCurrencyAndAmount Pty:BranchAndFinancialInstitutionIdentification4
ClearingChannel2Code enum RTGS RTNS MPNS BOOK
ClearingSystemIdentification2Choice = (Cd:ExternalClearingSystemIdentification1Code | Prtry:Max35Text)
ClearingSystemIdentification3Choice = (Cd:ExternalCashClearingSystem1Code | Prtry:Max35Text)
ClearingSystemMemberIdentification2 = ClrSysId?:ClearingSystemIdentification2Choice MmbId:Max35Text
ContactDetails2 = NmPrfx?:NamePrefix1Code Nm?:Max140Text PhneNb?:PhoneNumber MobNb?:PhoneNumber FaxNb?:PhoneNumber
  EmailAdr?:Max2048Text Othr?:Max35Text
CountryCode text /[A-Z]{2,2}/
CreditDebitCode enum CRDT DBIT
CreditorReferenceInformation2 = Tp?:CreditorReferenceType2 Ref?:Max35Text
CreditorReferenceType1Choice = (Cd:DocumentType3Code | Prtry:Max35Text)
CreditorReferenceType2 = CdOrPrtry:CreditorReferenceType1Choice Issr?:Max35Text
CustomerPaymentStatusReportV03 = GrpHdr:GroupHeader36 OrgnlGrpInfAndSts:OriginalGroupInformation20
  OrgnlPmtInfAndSts*:OriginalPaymentInformation1
DateAndPlaceOfBirth = BirthDt:ISODate PrvcOfBirth?:Max35Text CityOfBirth:Max35Text CtryOfBirth:CountryCode
DecimalNumber decimal 18.17
DocumentAdjustment1 = Amt:ActiveOrHistoricCurrencyAndAmount CdtDbtInd?:CreditDebitCode Rsn?:Max4Text
  AddtlInf?:Max140Text
DocumentType3Code enum RADM RPIN FXDR DISP PUOR SCOR
DocumentType5Code enum MSIN CNFA DNFA CINV CREN DEBN HIRI SBIN CMCN SOAC DISP BOLD VCHR AROI TSUT
EquivalentAmount2 = Amt:ActiveOrHistoricCurrencyAndAmount CcyOfTrf:ActiveOrHistoricCurrencyCode
ExternalAccountIdentification1Code text 1..4
ExternalCashClearingSystem1Code text 1..3
ExternalCategoryPurpose1Code text 1..4
ExternalClearingSystemIdentification1Code text 1..5
ExternalFinancialInstitutionIdentification1Code text 1..4
ExternalLocalInstrument1Code text 1..35
ExternalOrganisationIdentification1Code text 1..4
ExternalPersonIdentification1Code text 1..4
ExternalServiceLevel1Code text 1..4
ExternalStatusReason1Code text 1..4
FinancialIdentificationSchemeName1Choice = (Cd:ExternalFinancialInstitutionIdentification1Code | Prtry:Max35Text)
FinancialInstitutionIdentification7 = BIC?:BICIdentifier ClrSysMmbId?:ClearingSystemMemberIdentification2
  Nm?:Max140Text PstlAdr?:PostalAddress6 Othr?:GenericFinancialIdentification1
Frequency1Code enum YEAR MNTH QURT MIAN WEEK DAIL ADHO INDA
GenericAccountIdentification1 = Id:Max34Text SchmeNm?:AccountSchemeName1Choice Issr?:Max35Text
GenericFinancialIdentification1 = Id:Max35Text SchmeNm?:FinancialIdentificationSchemeName1Choice Issr?:Max35Text
GenericOrganisationIdentification1 = Id:Max35Text SchmeNm?:OrganisationIdentificationSchemeName1Choice Issr?:Max35Text
GenericPersonIdentification1 = Id:Max35Text SchmeNm?:PersonIdentificationSchemeName1Choice Issr?:Max35Text
GroupHeader36 = MsgId:Max35Text CreDtTm:ISODateTime InitgPty?:PartyIdentification32
  FwdgAgt?:BranchAndFinancialInstitutionIdentification4 DbtrAgt?:BranchAndFinancialInstitutionIdentification4
  CdtrAgt?:BranchAndFinancialInstitutionIdentification4
IBAN2007Identifier text /[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}/
ISODate date
ISODateTime dateTime
LocalInstrument2Choice = (Cd:ExternalLocalInstrument1Code | Prtry:Max35Text)
MandateRelatedInformation6 = MndtId?:Max35Text DtOfSgntr?:ISODate AmdmntInd?:TrueFalseIndicator
  AmdmntInfDtls?:AmendmentInformationDetails6 ElctrncSgntr?:Max1025Text FrstColltnDt?:ISODate FnlColltnDt?:ISODate
  Frqcy?:Frequency1Code
Max1025Text text 1..1025
Max105Text text 1..105
Max140Text text 1..140
Max15NumericText text /[0-9]{1,15}/
Max16Text text 1..16
Max2048Text text 1..2048
Max34Text text 1..34
Max35Text text 1..35
Max4Text text 1..4
Max70Text text 1..70
NamePrefix1Code enum DOCT MIST MISS MADM
NumberOfTransactionsPerStatus3 = DtldNbOfTxs:Max15NumericText DtldSts:TransactionIndividualStatus3Code
  DtldCtrlSum?:DecimalNumber
OrganisationIdentification4 = BICOrBEI?:AnyBICIdentifier Othr*:GenericOrganisationIdentification1
OrganisationIdentificationSchemeName1Choice = (Cd:ExternalOrganisationIdentification1Code | Prtry:Max35Text)
OriginalGroupInformation20 = OrgnlMsgId:Max35Text OrgnlMsgNmId:Max35Text OrgnlCreDtTm?:ISODateTime
  OrgnlNbOfTxs?:Max15NumericText OrgnlCtrlSum?:DecimalNumber GrpSts?:TransactionGroupStatus3Code
  StsRsnInf*:StatusReasonInformation8 NbOfTxsPerSts*:NumberOfTransactionsPerStatus3
OriginalPaymentInformation1 = OrgnlPmtInfId:Max35Text OrgnlNbOfTxs?:Max15NumericText OrgnlCtrlSum?:DecimalNumber
  PmtInfSts?:TransactionGroupStatus3Code StsRsnInf*:StatusReasonInformation8
  NbOfTxsPerSts*:NumberOfTransactionsPerStatus3 TxInfAndSts*:PaymentTransactionInformation25
OriginalTransactionReference13 = IntrBkSttlmAmt?:ActiveOrHistoricCurrencyAndAmount Amt?:AmountType3Choice
  IntrBkSttlmDt?:ISODate ReqdColltnDt?:ISODate ReqdExctnDt?:ISODate CdtrSchmeId?:PartyIdentification32
  SttlmInf?:SettlementInformation13 PmtTpInf?:PaymentTypeInformation22 PmtMtd?:PaymentMethod4Code
  MndtRltdInf?:MandateRelatedInformation6 RmtInf?:RemittanceInformation5 UltmtDbtr?:PartyIdentification32
  Dbtr?:PartyIdentification32 DbtrAcct?:CashAccount16 DbtrAgt?:BranchAndFinancialInstitutionIdentification4
  DbtrAgtAcct?:CashAccount16 CdtrAgt?:BranchAndFinancialInstitutionIdentification4 CdtrAgtAcct?:CashAccount16
  Cdtr?:PartyIdentification32 CdtrAcct?:CashAccount16 UltmtCdtr?:PartyIdentification32
Party6Choice = (OrgId:OrganisationIdentification4 | PrvtId:PersonIdentification5)
PartyIdentification32 = Nm?:Max140Text PstlAdr?:PostalAddress6 Id?:Party6Choice CtryOfRes?:CountryCode
  CtctDtls?:ContactDetails2
PaymentMethod4Code enum CHK TRF DD TRA
PaymentTransactionInformation25 = StsId?:Max35Text OrgnlInstrId?:Max35Text OrgnlEndToEndId?:Max35Text
  TxSts?:TransactionIndividualStatus3Code StsRsnInf*:StatusReasonInformation8 ChrgsInf*:ChargesInformation5
  AccptncDtTm?:ISODateTime AcctSvcrRef?:Max35Text ClrSysRef?:Max35Text OrgnlTxRef?:OriginalTransactionReference13
PaymentTypeInformation22 = InstrPrty?:Priority2Code ClrChanl?:ClearingChannel2Code SvcLvl?:ServiceLevel8Choice
  LclInstrm?:LocalInstrument2Choice SeqTp?:SequenceType1Code CtgyPurp?:CategoryPurpose1Choice
PersonIdentification5 = DtAndPlcOfBirth?:DateAndPlaceOfBirth Othr*:GenericPersonIdentification1
PersonIdentificationSchemeName1Choice = (Cd:ExternalPersonIdentification1Code | Prtry:Max35Text)
PhoneNumber text /\+[0-9]{1,3}-[0-9()+\-]{1,30}/
PostalAddress6 = AdrTp?:AddressType2Code Dept?:Max70Text SubDept?:Max70Text StrtNm?:Max70Text BldgNb?:Max16Text
  PstCd?:Max16Text TwnNm?:Max35Text CtrySubDvsn?:Max35Text Ctry?:CountryCode AdrLine{0,7}:Max70Text
Priority2Code enum HIGH NORM
ReferredDocumentInformation3 = Tp?:ReferredDocumentType2 Nb?:Max35Text RltdDt?:ISODate
ReferredDocumentType1Choice = (Cd:DocumentType5Code | Prtry:Max35Text)
ReferredDocumentType2 = CdOrPrtry:ReferredDocumentType1Choice Issr?:Max35Text
RemittanceAmount1 = DuePyblAmt?:ActiveOrHistoricCurrencyAndAmount DscntApldAmt?:ActiveOrHistoricCurrencyAndAmount
  CdtNoteAmt?:ActiveOrHistoricCurrencyAndAmount TaxAmt?:ActiveOrHistoricCurrencyAndAmount
  AdjstmntAmtAndRsn*:DocumentAdjustment1 RmtdAmt?:ActiveOrHistoricCurrencyAndAmount
RemittanceInformation5 = Ustrd*:Max140Text Strd*:StructuredRemittanceInformation7
SequenceType1Code enum FRST RCUR FNAL OOFF
ServiceLevel8Choice = (Cd:ExternalServiceLevel1Code | Prtry:Max35Text)
SettlementInformation13 = SttlmMtd:SettlementMethod1Code SttlmAcct?:CashAccount16
  ClrSys?:ClearingSystemIdentification3Choice InstgRmbrsmntAgt?:BranchAndFinancialInstitutionIdentification4
  InstgRmbrsmntAgtAcct?:CashAccount16 InstdRmbrsmntAgt?:BranchAndFinancialInstitutionIdentification4
  InstdRmbrsmntAgtAcct?:CashAccount16 ThrdRmbrsmntAgt?:BranchAndFinancialInstitutionIdentification4
  ThrdRmbrsmntAgtAcct?:CashAccount16
SettlementMethod1Code enum INDA INGA COVE CLRG
StatusReason6Choice = (Cd:ExternalStatusReason1Code | Prtry:Max35Text)
StatusReasonInformation8 = Orgtr?:PartyIdentification32 Rsn?:StatusReason6Choice AddtlInf*:Max105Text
StructuredRemittanceInformation7 = RfrdDocInf*:ReferredDocumentInformation3 RfrdDocAmt?:RemittanceAmount1
  CdtrRefInf?:CreditorReferenceInformation2 Invcr?:PartyIdentification32 Invcee?:PartyIdentification32
  AddtlRmtInf{0,3}:Max140Text
TransactionGroupStatus3Code enum ACTC RCVD PART RJCT PDNG ACCP ACSP ACSC ACWC
TransactionIndividualStatus3Code enum ACTC RJCT PDNG ACCP ACSP ACSC ACWC
TrueFalseIndicator boolean
"""
