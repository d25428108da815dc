-- "spring" and "SPRING" would be told apart by nobody: a name is used once, whatever its case.
CREATE UNIQUE INDEX card_batch_lower_name_key ON card_batch (lower(name));
