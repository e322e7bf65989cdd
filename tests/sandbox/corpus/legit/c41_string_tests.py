# legit: startswith with a tuple, isdigit, in | must run
# value: 6
def execute_command(image):
    answer = ImagePatch(image).simple_query("How many people are there?")
    if answer.isdigit():
        return int(answer) * 2
    return answer.startswith(("a", "an")) or "few" in answer
