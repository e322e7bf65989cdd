# legit: conditional expressions in a row | must run
# value: 'a few'
def execute_command(image):
    n = len(ImagePatch(image).find("person"))
    return "none" if n == 0 else "one" if n == 1 else "a few" if n < 5 else "many"
