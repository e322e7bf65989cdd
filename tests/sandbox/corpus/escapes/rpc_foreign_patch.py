# category: rpc | expect: deny | success would mean: ImagePatch constructed with an arbitrary handle or path
# refused: runtime 2 "TypeError: ImagePatch() needs the image, got str"
def execute_command(image):
    p = ImagePatch("/etc/passwd")
    q = ImagePatch(0, 0, 0, 0, 0)
    return "ESCAPED:" + str(p) + str(q)
