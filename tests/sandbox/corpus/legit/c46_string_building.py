# legit: += on texts in a loop | must run
# value: 'R-G-B'
def execute_command(image):
    out = ""
    for p in ImagePatch(image).find("person"):
        out += p.simple_query("What color is it?")[0].upper() + "-"
    return out[:-1]
