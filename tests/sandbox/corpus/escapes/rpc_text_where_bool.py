# category: rpc | expect: deny | success would mean: a text where a truth value belongs
# refused: runtime 2 "TypeError: llm_query() needs long_answer as bool, got str"
def execute_command(image):
    return "ESCAPED:" + llm_query("why?", "yes")
