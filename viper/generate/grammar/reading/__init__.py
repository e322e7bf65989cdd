"""From words to a logical form: rules for noun phrases, and the frames of questions around them."""
