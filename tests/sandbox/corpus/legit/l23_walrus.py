# legit: walrus in if | must run
# value: '2'
def execute_command(image):
    ip = ImagePatch(image)
    if (n := len(ip.find("dog"))) > 2:
        return "many"
    return str(n)
