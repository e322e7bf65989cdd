"""Language models behind OpenAI-compatible endpoints: client, prices, budget."""
