"""Values that cannot be wrong once parsed: money, currency, IBAN, BIC, LEI, reference, id, clock, refusal."""
