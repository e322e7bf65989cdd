# legit: two guesses and a choice | must run
# value: 'thing'
def execute_command(image, query, possible_answers):
    image_patch = ImagePatch(image)
    guess1 = image_patch.simple_query(query)
    people = image_patch.find("person")
    guess2 = people[0].simple_query(query) if people else None
    return process_guesses(query, guess1, guess2)
