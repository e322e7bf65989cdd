# legit: numbers in f-strings | must run
# value: "66.7% dogs,  300.0 px, 'yes'"
def execute_command(image):
    p = ImagePatch(image)
    ratio = len(p.find("dog")) / len(p.find("person"))
    return f"{ratio:.1%} dogs, {p.width:>6.1f} px, {'yes' if ratio < 1 else 'no'!r}"
