# category: rpc | expect: harmless | success would mean: an own function in the place of one of the API is the program's business
# gives: 'mine'
def llm_query(question):
    return "mine"
def execute_command(image):
    return llm_query("why?")
