# legit: strip/lower/split/join/replace/startswith | must run
# value: 'exit 12 please'
def execute_command(image):
    t = ImagePatch(image).simple_query("What does the sign say?").strip().lower()
    words = [w.strip(".,!") for w in t.split()]
    return " ".join(words).replace("a ", "") if not t.startswith("no") else "nothing" 
