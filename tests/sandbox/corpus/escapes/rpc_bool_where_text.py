# category: rpc | expect: deny | success would mean: a truth value where a text belongs
# refused: runtime 2 "TypeError: llm_query() needs question as str, got bool"
def execute_command(image):
    return "ESCAPED:" + llm_query(True)
