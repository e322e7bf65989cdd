# legit: cleaning up an answer | must run
# value: 'Exit_12'
def execute_command(image):
    text = ImagePatch(image).simple_query("What does the sign read?")
    text = text.strip().lower().rstrip("!.?").replace(",", " ")
    words = [w for w in text.split() if w not in ("a", "an", "the", "please")]
    return "_".join(words).title()
