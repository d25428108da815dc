/** An amount with its unit, already written out in the person's language. */
export type AmountText = string;
