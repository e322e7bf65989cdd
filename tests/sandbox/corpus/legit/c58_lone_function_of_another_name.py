# legit: the only function counts, whatever its name | must run
# value: True
def solve(image):
    return ImagePatch(image).exists("cat")
