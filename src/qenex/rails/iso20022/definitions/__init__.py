"""One module per message version, each holding its definition text (notation: `qenex.rails.iso20022.definition`)."""
